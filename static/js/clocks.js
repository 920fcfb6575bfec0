// Clocks tick in the browser by the server's time: each fragment carries the moment it was made.
const AMBER_AT = 0.8;
let ahead = 0; // seconds by which the server's clock is ahead of this one
let seen = null;

const two = (number) => String(number).padStart(2, "0");

const text = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${two(minutes)}:${two(whole % 60)}`;
};

const readServerTime = () => {
  const stamp = document.querySelector("[data-now]")?.dataset.now;
  if (!stamp || stamp === seen) return;
  seen = stamp;
  ahead = Number(stamp) - Date.now() / 1000;
};

export const tick = () => {
  readServerTime();
  const now = Date.now() / 1000 + ahead;
  for (const clock of document.querySelectorAll("[data-since]")) {
    const waited = now - Number(clock.dataset.since);
    clock.querySelector(".waited").textContent = text(waited);
    if (!clock.dataset.target) continue;
    const share = waited / Number(clock.dataset.target);
    clock.classList.toggle("red", share >= 1);
    clock.classList.toggle("amber", share >= AMBER_AT && share < 1);
  }
};

setInterval(tick, 1000);
tick();
