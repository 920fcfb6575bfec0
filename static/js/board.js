// The board after each new picture: filter, glide and mark what moved up, say what escalated.
import { tick } from "./clocks.js";
import { sayAtOnce } from "./say.js";

const MARK_MILLISECONDS = 3000;
const GLIDE_MILLISECONDS = 350;
const SPOKEN_LEVELS = ["0 Resuscitation", "1 Emergent", "2 Urgent", "3 Less urgent", "4 Non-urgent"];

const board = document.getElementById("board");
const still = window.matchMedia("(prefers-reduced-motion: reduce)");
const markedUntil = new Map();
let before = null;

const rows = () => [...board.querySelectorAll("tr.row")];

const remember = () => {
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
    const fits =
      (!level || row.dataset.level === level) &&
      (show !== "mine" || row.dataset.owner === user || row.dataset.seer === user) &&
      (show !== "done" || row.classList.contains("ended"));
    row.hidden = !fits;
    visible += fits;
  }
  const all = !level && show === "all";
  const ended = board.querySelectorAll("tr.row.ended:not([hidden])").length;
  const head = document.getElementById("done-head");
  if (head) head.hidden = !ended;
  const seen = document.getElementById("seen-head");
  if (seen) seen.hidden = !board.querySelector("#seen-rows tr.row:not([hidden])");
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
  const wanted = link.dataset.filterLevel ?? "";
  board.dataset.level = wanted === board.dataset.level ? "" : wanted;
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
    if (!still.matches && Math.abs(distance) > 1) {
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

// -- what a screen reader hears

const speak = () => {
  const news = [];
  for (const row of rows()) {
    const { level, who } = row.dataset;
    if (row.classList.contains("ended") || level === "") continue;
    const number = row.id.slice("case-".length);
    const old = before.get(row.id);
    if (old?.level && level < old.level) {
      news.push(`Case ${number}, ${who}, raised to level ${SPOKEN_LEVELS[level]}.`);
    } else if (!old?.level && level <= "1") {
      news.push(`New case ${number}, ${who}: level ${SPOKEN_LEVELS[level]}.`);
    }
  }
  if (news.length) sayAtOnce(news.join(" "));
};

const after = () => {
  filter();
  tick();
  if (before) {
    speak();
    glide();
    before = null;
  }
  mark();
};

if (board) {
  const isBoard = (event) => event.target === board || event.detail?.target === board;
  document.addEventListener("htmx:sseBeforeMessage", (event) => isBoard(event) && remember());
  document.addEventListener("htmx:beforeSwap", (event) => isBoard(event) && remember());
  document.addEventListener("htmx:sseMessage", (event) => isBoard(event) && after());
  document.addEventListener("htmx:afterSwap", (event) => isBoard(event) && after());
  document.addEventListener("click", choose);
  filter();
}
