// The case page: text as it is written, under its headings, and what changes of status mean.
import { tick } from "./clocks.js";
import { sayAtOnce, sayQuietly } from "./say.js";

const HEADING =
  /^[ \t]*[#*_]*[ \t]*(Situation|Background|Assessment|Recommendation)[ \t]*[*_]*[ \t]*:[ \t]*[*_]*[ \t]*/gim;
const ENDED = ["done", "failed", "cancelled"];

const body = document.getElementById("guidance-body");
const panel = () => document.getElementById("panel");
let written = "";
let status = panel()?.dataset.status;
let level = panel()?.dataset.level;
let version = panel()?.dataset.version;
let job = panel()?.dataset.job;

const stream = () => {
  if (!document.getElementById("stream")) {
    body.replaceChildren(document.getElementById("stream-template").content.cloneNode(true));
  }
  return document.getElementById("stream");
};

const note = (words) => {
  const line = document.getElementById("stream-note");
  if (line) line.textContent = words;
};

// The text of each heading; what stands before the first one belongs to "".
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

// A page that opens on a finished case is sent the old stream: its record is shown already.
const onMessage = (event) => {
  if (event.target.id !== "token-sink") return;
  event.preventDefault();
  if (ENDED.includes(status)) return;
  if (event.detail.type === "reset") written = "";
  else written += plain(event.detail.data);
  if (!written && !document.getElementById("stream")) return;
  note("Writing…");
  show();
};

const onPanel = () => {
  tick();
  const { status: newStatus, level: newLevel, version: newVersion, job: newJob, number } = panel().dataset;
  if (level && newLevel < level) sayAtOnce(`Case ${number} is raised to level ${newLevel}.`);
  if (newLevel !== level || newStatus !== status || newVersion !== version) {
    window.htmx.trigger("#facts", "facts-changed");
  }
  level = newLevel;
  version = newVersion;
  if (job && newJob !== job && newStatus !== "running") {
    // Other facts, another text: what was written so far is no part of it.
    written = "";
    job = newJob;
    status = newStatus;
    window.htmx.trigger("#guidance", "guidance-changed");
    return;
  }
  job = newJob;
  if (newStatus === status) return;
  const old = status;
  status = newStatus;
  if (ENDED.includes(status)) {
    window.htmx.trigger("#guidance", "guidance-changed");
    if (status === "done") sayQuietly("Guidance is ready.");
  } else if (status === "running") {
    show();
    note("Writing…");
    sayQuietly("Guidance is being written.");
  } else if (old === "running") {
    show();
    note("Paused: a more urgent case has the slot. It goes on from here.");
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
