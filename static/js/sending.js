// What a person sends while the server cannot be reached. A form of its own page is sent only when
// the server answers; until then the page stays. With data-send="later" it is then sent by itself,
// if the session is still that of the page; the submission key or the version of the case keeps it
// from being stored twice, and a draft keeps its text (draft.js). Everything else, also dialogs and single presses, is never sent late: it
// may be wrong by then. A message says so, and the person presses again.
const RETRY_MILLISECONDS = 3000;
const ANSWER_MILLISECONDS = 8000;
const PRESS_MILLISECONDS = 15000;
const CHECK = "/stay/"; // renews the session and stores nothing
const AGAIN = "Press again when the connection is back.";
const KEPT = `Not sent: no connection. What you entered stays here. ${AGAIN}`;

const GONE = "Nothing was sent: you are signed out, in another tab or after a time without activity. Sign in, and this form opens again with what you typed.";
const OTHER = "Nothing was sent: somebody else signed in in another tab. Sign in again with your own account. What you typed is kept in this tab.";

const state = document.getElementById("send-state");
const home = state?.parentElement; // there it floats over the page
const button = state?.querySelector("[data-close-sending]");
let sending = null; // the attempt that may still end in a submission
let isPassed = false;
let pressed = null; // what the message is about

const cookie = (name) => document.cookie.split("; ")
  .find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";

// The message stands above the buttons of its form. `about`: a form, or what was pressed.
const show = (message, about = null, { canCancel = false, signIn = false } = {}) => {
  const row = about?.matches("form") && about.checkVisibility() ? [...about.querySelectorAll(".buttons")].at(-1) : null;
  if (row && state.nextElementSibling !== row) row.before(state);
  else if (!row && state.parentElement !== home) home.append(state);
  const line = state.querySelector("span");
  const isNew = line.textContent !== message;
  if (isNew) line.textContent = message;
  state.hidden = !message;
  button.textContent = canCancel ? "Cancel sending" : "Hide";
  const link = state.querySelector("[data-sign-in]");
  link.hidden = !signIn;
  link.href = `/login/?next=${encodeURIComponent(location.pathname)}&why=signed-out`;
  if (row && isNew) state.scrollIntoView({ block: "nearest" });
};

// Returns "ready", "offline", "signed-out" or "other-user".
const check = async (form) => {
  try {
    const answer = await fetch(CHECK, {
      method: "POST",
      headers: { "X-CSRFToken": cookie("csrftoken") || form?.elements.csrfmiddlewaretoken.value || "" },
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
    });
    if (answer.type === "opaqueredirect" || [401, 403].includes(answer.status)) return "signed-out";
    if (!answer.ok) return "offline";
    return answer.headers.get("X-User") === document.body.dataset.user ? "ready" : "other-user";
  } catch {
    return "offline";
  }
};

// Who signed in again elsewhere has a new token. Returns whether the page had an old one.
const takeToken = (form) => {
  const token = cookie("csrftoken");
  if (!token) return false;
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  const field = form?.elements.csrfmiddlewaretoken;
  const isOld = field ? field.value !== token : headers["X-CSRFToken"] !== token;
  if (field) field.value = token;
  document.body.setAttribute("hx-headers", JSON.stringify({ ...headers, "X-CSRFToken": token }));
  return isOld;
};

const send = ({ form, submitter }, found) => {
  if (found === "ready") takeToken(form);
  show("");
  isPassed = true;
  form.requestSubmit(submitter);
};

const stop = (message, about, options) => {
  clearTimeout(sending?.timer);
  sending = null;
  show(message, about, options);
};

const clock = () => new Date().toTimeString().slice(0, 5);

const tryToSend = async (attempt) => {
  clearTimeout(attempt.timer);
  if (attempt.isChecking) return;
  attempt.isChecking = true;
  const { form } = attempt;
  const found = await check(form);
  attempt.isChecking = false;
  if (attempt !== sending) return; // cancelled meanwhile
  const isLater = form.dataset.send === "later";
  const isGone = !form.isConnected || (attempt.submitter && attempt.submitter.form !== form);
  if (isGone) stop("Not sent: this part of the page has changed. Look at it and press again.");
  else if (found === "ready" || (found === "signed-out" && !isLater)) send(attempt, found);
  else if (found === "signed-out") {
    stop(GONE, form, { signIn: true });
  } else if (found === "other-user") {
    stop(OTHER, form);
  } else if (isLater) {
    attempt.since ??= clock();
    show(`Not sent yet: no connection to the server since ${attempt.since}. It is sent when the connection is back. Keep this page open.`, form, { canCancel: true });
    attempt.timer = setTimeout(tryToSend, RETRY_MILLISECONDS, attempt);
  } else stop(KEPT, form);
};

const onSubmit = (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("main form[method=post]")) return;
  if (isPassed) {
    isPassed = false;
    sending = { isChecking: true }; // a second press is ignored from here
    return;
  }
  event.preventDefault();
  if (sending?.isChecking) return;
  clearTimeout(sending?.timer);
  pressed = event.submitter;
  sending = { form, submitter: event.submitter, since: sending?.since };
  tryToSend(sending);
};

// What htmx sends: dialogs, and buttons and links that act at once.
const isPress = ({ elt, verb }) => verb === "post" && elt.matches("form, a, button");

const beforePress = ({ detail }) => {
  if (!isPress(detail)) return;
  detail.timeout = PRESS_MILLISECONDS;
  show("");
};

// A refusal comes before all else where the session is over, or was begun again in another tab.
const onRefusal = async (elt) => {
  const form = elt.matches("form") ? elt : null;
  const found = await check(form);
  if (found === "signed-out") show(GONE, elt, { signIn: true });
  else if (found === "other-user") show(OTHER, elt);
  else if (found === "ready" && takeToken(form)) show("Not sent: you signed in again meanwhile. Press again.", elt);
  else if (found === "ready") show("Not sent: your account may not do this.", elt);
  else show(KEPT, elt);
};

const onFailure = ({ type, detail: { elt, requestConfig, xhr } }) => {
  if (!isPress(requestConfig)) return;
  const isForm = elt.matches("form");
  const name = isForm ? "" : ` “${elt.getAttribute("aria-label") ?? elt.textContent.trim()}”`;
  pressed = isForm ? document.activeElement : elt;
  if (type === "htmx:responseError" && [401, 403].includes(xhr.status)) onRefusal(elt);
  else if (type !== "htmx:sendError") show(`The server did not confirm${name || " this"}. Look at the case, and press again if it is not done.`, elt);
  else show(isForm ? KEPT : `Not sent: no connection.${name} is not done. ${AGAIN}`, elt);
};

if (state) {
  document.addEventListener("submit", onSubmit);
  document.addEventListener("htmx:configRequest", beforePress);
  for (const failure of ["sendError", "timeout", "responseError"]) {
    document.addEventListener(`htmx:${failure}`, onFailure);
  }
  button.addEventListener("click", () => {
    if (sending) stop("Not sent. What you typed is kept in this tab.", sending.form);
    else show("");
    pressed?.focus();
  });
  // A dialog that opens again has no old message.
  document.addEventListener("close", (event) => event.target.contains(state) && show(""), true);
  window.addEventListener("online", () => sending?.form && tryToSend(sending));
  window.addEventListener("pageshow", () => {
    isPassed = false;
    stop("");
  });
}
