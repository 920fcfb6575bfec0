// A session ends some time after the last act of the person. Requests that the page makes by
// itself do not count, so keys, clicks and scrolling are reported, at most once a minute. All
// tabs share the time of the last act that the server knows of.
import { toLogin } from "./connection.js";

const KEY = "last-act";
const WARN_SECONDS = 120;
const REPORT_SECONDS = 60;
const bar = document.getElementById("idle");
const limit = Number(document.body.dataset.idleSeconds);
let isReporting = false;

const storeAct = () => localStorage.setItem(KEY, String(Date.now()));
const secondsSinceAct = () => (Date.now() - Number(localStorage.getItem(KEY))) / 1000;

const report = async () => {
  if (isReporting) return;
  isReporting = true;
  try {
    const headers = JSON.parse(document.body.getAttribute("hx-headers"));
    const answer = await fetch("/stay/", { method: "POST", headers, redirect: "manual" });
    if (answer.status === 204) {
      storeAct();
      bar.hidden = true;
    } else if (answer.type === "opaqueredirect") {
      toLogin();
    }
  } catch {
    // Offline: the next act reports again.
  } finally {
    isReporting = false;
  }
};

const onAct = () => {
  if (secondsSinceAct() > REPORT_SECONDS) report();
};

const check = () => {
  const left = limit - secondsSinceAct();
  bar.hidden = left > WARN_SECONDS;
  if (left > WARN_SECONDS) return;
  if (left <= 0) {
    toLogin();
    return;
  }
  const minutes = Math.ceil(left / 60);
  const message = `You will be signed out in ${minutes} minute${minutes > 1 ? "s" : ""}. What you typed is kept in this tab.`;
  const line = bar.querySelector("span");
  if (line.textContent !== message) line.textContent = message;
};

if (bar && limit) {
  storeAct();
  for (const act of ["keydown", "pointerdown", "wheel", "touchmove"]) {
    document.addEventListener(act, onAct, { passive: true });
  }
  bar.querySelector("[data-stay]").addEventListener("click", report);
  setInterval(check, 5000);
}
