// The case page: shows streamed text under its headings and reacts to changes of the status.
import { announce, announceQuietly } from "./announce.js";
import { tick } from "./clocks.js";

const body = document.getElementById("guidance-body");
const template = document.getElementById("stream-template");
const panel = () => document.getElementById("panel");
let written = "";
let status = panel()?.dataset.status;
let ended = panel()?.dataset.ended === "1";
let level = panel()?.dataset.level;
let version = panel()?.dataset.version;
let job = panel()?.dataset.job;

// The headings of the server (scheduling/core/guidance.py) are in the template of the stream.
const headings = [...(template?.content.querySelectorAll("[data-heading]") ?? [])]
  .map((section) => section.dataset.heading)
  .filter(Boolean);
const HEADING = new RegExp(
  `^[ \\t]*[#*_]*[ \\t]*(${headings.join("|")})[ \\t]*[*_]*[ \\t]*:[ \\t]*[*_]*[ \\t]*`,
  "gim",
);

const stream = () => {
  if (!document.getElementById("stream")) body.replaceChildren(template.content.cloneNode(true));
  return document.getElementById("stream");
};

const note = (message) => {
  const line = document.getElementById("stream-note");
  if (line) line.textContent = message;
};

// Returns the text of each heading; text before the first heading has the key "".
const split = (text) => {
  const parts = new Map();
  let heading = "";
  let from = 0;
  for (const found of text.matchAll(HEADING)) {
    parts.set(heading, (parts.get(heading) ?? "") + text.slice(from, found.index));
    heading = found[1][0].toUpperCase() + found[1].slice(1).toLowerCase();
    from = found.index + found[0].length;
  }
  return { parts: parts.set(heading, (parts.get(heading) ?? "") + text.slice(from)), heading };
};

const show = () => {
  const { parts, heading } = split(written);
  for (const section of stream().querySelectorAll("section")) {
    const text = (parts.get(section.dataset.heading) ?? "").trim();
    const line = section.querySelector("p");
    if (line.textContent !== text) line.textContent = text;
    section.classList.toggle("now", section.dataset.heading === heading && status === "running");
    section.hidden = section.dataset.heading === "" && !text;
  }
};

const plain = (html) => new DOMParser().parseFromString(html, "text/html").body.textContent;

// The page of an ended case already shows the guidance, so the old stream is ignored.
const onMessage = (event) => {
  if (event.target.id !== "token-sink") return;
  event.preventDefault();
  if (ended) return;
  if (event.detail.type === "reset") written = "";
  else written += plain(event.detail.data);
  if (!written && !document.getElementById("stream")) return;
  note("Writing… Not yet checked.");
  show();
};

const onPanel = () => {
  tick();
  const { status: newStatus, level: newLevel, levelName, number } = panel().dataset;
  const { version: newVersion, job: newJob } = panel().dataset;
  if (level && newLevel < level) announce(`Case ${number} is raised to level ${levelName}.`);
  if (newLevel !== level || newStatus !== status || newVersion !== version) {
    window.htmx.trigger("#facts", "facts-changed");
  }
  level = newLevel;
  version = newVersion;
  if (job && newJob !== job && newStatus !== "running") {
    // The facts have changed. The new job writes a new text.
    written = "";
    job = newJob;
    status = newStatus;
    ended = panel().dataset.ended === "1";
    window.htmx.trigger("#guidance", "guidance-changed");
    return;
  }
  job = newJob;
  if (newStatus === status) return;
  const old = status;
  status = newStatus;
  ended = panel().dataset.ended === "1";
  if (ended) {
    window.htmx.trigger("#guidance", "guidance-changed");
    const isWithheld = panel().dataset.guidance === "withheld";
    if (status === "done") {
      announceQuietly(isWithheld ? "Guidance was withheld." : "Guidance is ready.");
    }
  } else if (status === "running") {
    show();
    note("Writing… Not yet checked.");
    announceQuietly("Guidance is being written.");
  } else if (old === "running") {
    show();
    note("Paused: a more urgent case has the slot. The text continues from here. Not yet checked.");
  } else {
    written = "";
    window.htmx.trigger("#guidance", "guidance-changed");
  }
};

if (body) {
  document.addEventListener("htmx:sseBeforeMessage", onMessage);
  for (const name of ["htmx:sseMessage", "htmx:afterSwap"]) {
    document.addEventListener(name, (event) => event.target.id === "case-panel" && onPanel());
  }
}
