// The wall display: new rows every few seconds. After an error it shows the old rows, says since
// when they are old, and goes on. The clocks go on by themselves.
import { tick } from "./clocks.js";

const POLL_MILLISECONDS = 3000;
const ANSWER_MILLISECONDS = 8000;
const RELOAD_MILLISECONDS = 6 * 60 * 60 * 1000; // renews the cookie of the display

const wall = document.getElementById("wall");
const trouble = document.getElementById("wall-trouble");
const opened = Date.now();
let key = wall.dataset.pass;
let lastSuccess = new Date();

const clock = (date) => date.toTimeString().slice(0, 5);

const showTrouble = (message) => {
  if (trouble.textContent !== message) trouble.textContent = message;
  trouble.hidden = !message;
};

const end = () => {
  wall.replaceChildren();
  const link = document.createElement("a");
  link.href = location.pathname;
  link.textContent = "Sign in to start it again";
  trouble.replaceChildren("This wall display has ended. ", link);
  trouble.hidden = false;
};

const take = async (answer) => {
  wall.innerHTML = await answer.text();
  key = answer.headers.get("X-Wall") ?? key;
  lastSuccess = new Date();
  showTrouble("");
  tick();
  if (Date.now() - opened > RELOAD_MILLISECONDS) location.reload();
};

// Without cookies: an update must not keep the session of a user alive.
const fetchRows = () => fetch(wall.dataset.rows, {
  headers: { "X-Wall": key },
  credentials: "omit",
  cache: "no-store",
  signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
});

const poll = async () => {
  try {
    const answer = await fetchRows();
    if (answer.status === 403) return end();
    if (!answer.ok) throw new Error(String(answer.status));
    await take(answer);
  } catch {
    showTrouble(`No connection since ${clock(lastSuccess)}. Levels and order may be out of date.`);
  }
  return setTimeout(poll, POLL_MILLISECONDS);
};

setTimeout(poll, POLL_MILLISECONDS);
