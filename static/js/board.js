// The board after each new fragment: filters rows, moves and marks rows that moved up, and
// announces escalated cases.
import { announce } from "./announce.js";
import { tick } from "./clocks.js";

const MARK_MILLISECONDS = 3000;
const GLIDE_MILLISECONDS = 350;

const board = document.getElementById("board");
const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
const markedUntil = new Map();
let before = null;

const rows = () => [...board.querySelectorAll("tr.row")];

const storePositions = () => {
  before = new Map(
    rows().map((row, index) => [
      row.id,
      { index, top: row.getBoundingClientRect().top, level: row.dataset.level, ended: row.classList.contains("ended") },
    ]),
  );
};

// -- filter

const filter = () => {
  const { level, show } = board.dataset;
  const user = document.body.dataset.user;
  let visible = 0;
  for (const row of rows()) {
    const matches =
      (!level || row.dataset.level === level) &&
      (show !== "mine" || row.dataset.owner === user) &&
      (show !== "done" || row.classList.contains("ended"));
    row.hidden = !matches;
    visible += matches;
  }
  const all = !level && show === "all";
  const ended = board.querySelectorAll("tr.row.ended:not([hidden])").length;
  const head = document.getElementById("done-head");
  if (head) head.hidden = !ended;
  const nothing = document.getElementById("nothing-open");
  if (nothing) nothing.hidden = !(all && board.querySelectorAll("#open-rows tr.row").length === 0);
  const empty = document.getElementById("empty-filter");
  if (empty) empty.hidden = visible > 0 || all;
  for (const link of document.querySelectorAll("[data-filter]")) {
    link.setAttribute("aria-current", String(!level && link.dataset.filter === show));
  }
  for (const link of document.querySelectorAll("[data-filter-level]")) {
    link.setAttribute("aria-current", String(link.dataset.filterLevel === level));
  }
};

const choose = (event) => {
  const link = event.target.closest("[data-filter], [data-filter-level], #empty-filter a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const level = link.dataset.filterLevel ?? "";
  board.dataset.level = level === board.dataset.level ? "" : level;
  board.dataset.show = link.dataset.filter ?? "all";
  const query = board.dataset.level
    ? `?level=${board.dataset.level}`
    : board.dataset.show === "all" ? "" : `?${board.dataset.show}=1`;
  history.replaceState(null, "", location.pathname + query);
  filter();
};

// -- movement

const glide = () => {
  const now = performance.now();
  const common = rows().filter((row) => before.has(row.id) && !row.hidden);
  const oldOrder = [...common].sort((a, b) => before.get(a.id).index - before.get(b.id).index);
  const oldRank = new Map(oldOrder.map((row, index) => [row.id, index]));
  common.forEach((row, index) => {
    const old = before.get(row.id);
    if (index >= oldRank.get(row.id) || row.classList.contains("ended")) return;
    if (row.dataset.level && old.level && row.dataset.level < old.level) {
      markedUntil.set(row.id, now + MARK_MILLISECONDS);
    }
    const distance = old.top - row.getBoundingClientRect().top;
    if (!reducedMotion.matches && Math.abs(distance) > 1) {
      row.animate([{ transform: `translateY(${distance}px)` }, { transform: "none" }], {
        duration: GLIDE_MILLISECONDS,
        easing: "ease-out",
      });
    }
  });
};

const mark = () => {
  const now = performance.now();
  for (const [id, until] of markedUntil) {
    const row = document.getElementById(id);
    if (!row || until <= now) markedUntil.delete(id);
    row?.classList.toggle("moved", until > now);
    if (row && until > now) setTimeout(() => row.classList.remove("moved"), until - now);
  }
};

// -- announcements for screen readers

const announceEscalations = () => {
  const messages = [];
  for (const row of rows()) {
    const { level, levelName, patient } = row.dataset;
    if (row.classList.contains("ended") || level === "") continue;
    const number = row.id.slice("case-".length);
    const old = before.get(row.id);
    if (old?.level && level < old.level) {
      messages.push(`Case ${number}, ${patient}, raised to level ${levelName}.`);
    } else if (!old?.level && level <= "1") {
      messages.push(`New case ${number}, ${patient}: level ${levelName}.`);
    }
  }
  if (messages.length) announce(messages.join(" "));
};

const after = () => {
  filter();
  tick();
  if (before) {
    announceEscalations();
    glide();
    before = null;
  }
  mark();
};

if (board) {
  const isBoard = (event) => event.target === board || event.detail?.target === board;
  document.addEventListener("htmx:sseBeforeMessage", (event) => isBoard(event) && storePositions());
  document.addEventListener("htmx:beforeSwap", (event) => isBoard(event) && storePositions());
  document.addEventListener("htmx:sseMessage", (event) => isBoard(event) && after());
  document.addEventListener("htmx:afterSwap", (event) => isBoard(event) && after());
  document.addEventListener("click", choose);
  filter();
}
