// Updates the clocks every second by the server's time. Each fragment holds its creation time.
let ahead = 0; // seconds by which the server's clock is ahead of this one
let lastStamp = null;

const two = (number) => String(number).padStart(2, "0");

const clockText = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${two(minutes)}:${two(whole % 60)}`;
};

const durationText = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours ? `${hours} h ${minutes} min` : `${minutes} min`;
};

const readServerTime = () => {
  const stamp = document.querySelector("[data-now]")?.dataset.now;
  if (!stamp || stamp === lastStamp) return;
  lastStamp = stamp;
  ahead = Number(stamp) - Date.now() / 1000;
};

export const tick = () => {
  readServerTime();
  const now = Date.now() / 1000 + ahead;
  for (const clock of document.querySelectorAll("[data-since]")) {
    const waited = now - Number(clock.dataset.since);
    const text = "immediate" in clock.dataset ? durationText : clockText;
    clock.querySelector(".waited").textContent = text(waited);
    if (!clock.dataset.target) continue;
    const isLate = waited >= Number(clock.dataset.target);
    clock.classList.toggle("red", isLate);
    clock.classList.toggle("amber", !isLate && waited >= Number(clock.dataset.amber));
  }
};

setInterval(tick, 1000);
tick();
