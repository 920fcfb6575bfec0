// Says when the live connection is lost, asks for the page's fragments meanwhile, and goes to
// the login page when the server says that the session has ended.
const POLL_MILLISECONDS = 5000;
const GRACE_MILLISECONDS = 2500;

const banner = document.getElementById("connection");
let lost = null;
let polling = null;
let leaving = false;

const clockTime = (date) => date.toTimeString().slice(0, 8);

const poll = () => {
  for (const element of document.querySelectorAll('[hx-trigger*="poll-now"]')) {
    window.htmx.trigger(element, "poll-now");
  }
};

const onLost = () => {
  if (leaving || lost) return;
  const since = clockTime(new Date());
  lost = setTimeout(() => {
    banner.textContent = `Live connection lost at ${since}. Trying again; meanwhile the page asks every ${POLL_MILLISECONDS / 1000} seconds.`;
    banner.hidden = false;
    poll();
    polling = setInterval(poll, POLL_MILLISECONDS);
  }, GRACE_MILLISECONDS);
};

const onOpen = (event) => {
  clearTimeout(lost);
  clearInterval(polling);
  lost = polling = null;
  banner.hidden = true;
  event.detail.source?.addEventListener("signed-out", toLogin);
};

export const toLogin = () => {
  leaving = true;
  location.assign(`/login/?next=${encodeURIComponent(location.pathname)}`);
};

if (document.querySelector("[data-live]")) {
  document.addEventListener("htmx:sseError", onLost);
  document.addEventListener("htmx:sseOpen", onOpen);
  document.addEventListener("htmx:sendError", () => {
    if (!polling) return;
    banner.textContent = "Offline: the server cannot be reached. What you see may be out of date.";
  });
  window.addEventListener("pagehide", () => {
    leaving = true;
  });
}
