// Warns before the session ends. All tabs share the time of the last request.
const KEY = "last-request";
const WARN_SECONDS = 120;
const bar = document.getElementById("idle");
const limit = Number(document.body.dataset.idleSeconds);

const renewed = () => localStorage.setItem(KEY, String(Date.now()));

const look = async () => {
  const left = limit - (Date.now() - Number(localStorage.getItem(KEY))) / 1000;
  bar.hidden = left > WARN_SECONDS;
  if (left > WARN_SECONDS) return;
  if (left <= 0) {
    location.assign(`/login/?next=${encodeURIComponent(location.pathname)}`);
    return;
  }
  const minutes = Math.ceil(left / 60);
  const words = `You will be signed out in ${minutes} minute${minutes > 1 ? "s" : ""}. What you typed for a new case is kept in this tab.`;
  const line = bar.querySelector("span");
  if (line.textContent !== words) line.textContent = words;
};

if (bar && limit) {
  renewed();
  document.addEventListener("htmx:afterOnLoad", renewed);
  bar.querySelector("[data-stay]").addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) {
      renewed();
      bar.hidden = true;
    }
  });
  setInterval(look, 5000);
}
