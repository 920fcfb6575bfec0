// Shows a warning before the session ends. All tabs share the time of the last request.
import { toLogin } from "./connection.js";

const KEY = "last-request";
const WARN_SECONDS = 120;
const bar = document.getElementById("idle");
const limit = Number(document.body.dataset.idleSeconds);

const storeRequestTime = () => localStorage.setItem(KEY, String(Date.now()));

const check = async () => {
  const left = limit - (Date.now() - Number(localStorage.getItem(KEY))) / 1000;
  bar.hidden = left > WARN_SECONDS;
  if (left > WARN_SECONDS) return;
  if (left <= 0) {
    toLogin();
    return;
  }
  const minutes = Math.ceil(left / 60);
  const message = `You will be signed out in ${minutes} minute${minutes > 1 ? "s" : ""}. The text of a new case is kept in this tab.`;
  const line = bar.querySelector("span");
  if (line.textContent !== message) line.textContent = message;
};

if (bar && limit) {
  storeRequestTime();
  document.addEventListener("htmx:afterOnLoad", storeRequestTime);
  bar.querySelector("[data-stay]").addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) {
      storeRequestTime();
      bar.hidden = true;
    }
  });
  setInterval(check, 5000);
}
