// Submits a long form only when the server answers and the session is that of the page. Without a
// connection the page stays and sends the form when the connection is back. The form's
// submission key or version keeps a repeated submission from being stored twice.
const RETRY_MILLISECONDS = 3000;
const ANSWER_MILLISECONDS = 8000;
const CHECK = "/stay/"; // renews the session and stores nothing

const form = document.querySelector("form[data-draft]");
const state = document.getElementById("send-state");
let sending = null; // the attempt that may still end in a submission
let isPassed = false;

const cookie = (name) => document.cookie.split("; ")
  .find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";

const show = (message, { canCancel = false, signIn = false } = {}) => {
  const line = state.querySelector("span");
  if (line.textContent !== message) line.textContent = message;
  state.hidden = !message;
  state.querySelector("[data-cancel-sending]").hidden = !canCancel;
  const link = state.querySelector("[data-sign-in]");
  link.hidden = !signIn;
  link.href = `/login/?next=${encodeURIComponent(location.pathname)}&why=signed-out`;
};

// Returns "ready", "offline", "signed-out" or "other-user".
const check = async () => {
  if (!navigator.onLine) return "offline";
  try {
    const answer = await fetch(CHECK, {
      method: "POST",
      headers: { "X-CSRFToken": cookie("csrftoken") || form.elements.csrfmiddlewaretoken.value },
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

const send = (attempt) => {
  // Who signed in again elsewhere has a new token.
  const token = cookie("csrftoken");
  if (token) form.elements.csrfmiddlewaretoken.value = token;
  show("");
  isPassed = true;
  form.requestSubmit(attempt.submitter);
};

const stop = (message, options) => {
  clearTimeout(sending?.timer);
  sending = null;
  show(message, options);
};

const clock = () => new Date().toTimeString().slice(0, 5);

const tryToSend = async (attempt) => {
  clearTimeout(attempt.timer);
  if (attempt.isChecking) return;
  attempt.isChecking = true;
  const found = await check();
  attempt.isChecking = false;
  if (attempt !== sending) return; // cancelled meanwhile
  if (found === "ready") send(attempt);
  else if (found === "signed-out") {
    stop("Nothing was sent: you are signed out, in another tab or after a time without activity. Sign in, and this form opens again with what you typed.", { signIn: true });
  } else if (found === "other-user") {
    stop("Nothing was sent: somebody else signed in in another tab. Sign in again with your own account. What you typed is kept in this tab.");
  } else {
    attempt.since ??= clock();
    show(`Not sent yet: no connection to the server since ${attempt.since}. It is sent when the connection is back. Keep this page open.`, { canCancel: true });
    attempt.timer = setTimeout(tryToSend, RETRY_MILLISECONDS, attempt);
  }
};

const onSubmit = (event) => {
  if (isPassed) {
    isPassed = false;
    sending = { submitter: null, isChecking: true }; // a second press is ignored from here
    return;
  }
  event.preventDefault();
  if (sending?.isChecking) return;
  clearTimeout(sending?.timer);
  sending = { submitter: event.submitter, since: sending?.since };
  tryToSend(sending);
};

if (form && state) {
  form.addEventListener("submit", onSubmit);
  state.querySelector("[data-cancel-sending]").addEventListener("click", () => {
    stop("Not sent. What you typed is kept in this tab.");
    form.querySelector("[data-submit]").focus();
  });
  window.addEventListener("online", () => sending && tryToSend(sending));
  window.addEventListener("pageshow", () => {
    isPassed = false;
    stop("");
  });
}
