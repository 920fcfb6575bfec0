// Shows when the live stream is lost, polls the fragments of the page meanwhile, and opens the
// login page when the session has ended.
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
    banner.textContent = `Connection lost at ${since}. The page reconnects automatically and updates every ${POLL_MILLISECONDS / 1000} seconds meanwhile.`;
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
  event.detail.source?.addEventListener("signed-out", () => toLogin());
};

// `why` is "signed-out" where what was typed stays for the same person, or "left" after a sign-out.
export const toLogin = (why = "signed-out") => {
  leaving = true;
  const page = encodeURIComponent(location.pathname + location.search);
  location.assign(`/login/?next=${page}&why=${why}`);
};

if (document.querySelector("[data-live-stream]")) {
  document.addEventListener("htmx:sseError", onLost);
  document.addEventListener("htmx:sseOpen", onOpen);
  document.addEventListener("htmx:sendError", () => {
    if (!polling) return;
    banner.textContent = "Offline: the server does not answer. This page may be out of date.";
  });
  window.addEventListener("pagehide", () => {
    leaving = true;
  });
}
