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
let focused = null; // the id of the row that has the focus while the board is exchanged
let levelsBeyond = new Map();

const rows = () => [...board.querySelectorAll("tr.row")];

// Patients who wait beyond the last row of the board.
const beyond = () => {
  const text = document.getElementById("hidden-rows")?.dataset.beyond ?? "";
  return text.split(" ").filter(Boolean).map((one) => {
    const [number, level, marks, owner] = one.split(".");
    return { id: `case-${number}`, level, owner, person: marks.includes("p"), overdue: marks.includes("o") };
  });
};

const storePositions = () => {
  focused = document.activeElement?.closest("#board tr.row")?.id ?? null;
  levelsBeyond = new Map(beyond().map((one) => [one.id, one.level]));
  before = new Map(
    rows().map((row, index) => [
      row.id,
      { index, top: row.getBoundingClientRect().top, level: row.dataset.level, ended: row.classList.contains("ended") },
    ]),
  );
};

// -- filter: kept in the address and in the data attributes of the board

const FLAGS = ["person", "overdue", "mine", "done"];

const chosen = () => {
  const parts = FLAGS.filter((name) => board.dataset[name]).map((name) => [name, "1"]);
  if (board.dataset.level) parts.push(["level", board.dataset.level]);
  return Object.fromEntries(parts);
};

const shows = (row) => {
  const { level, person, overdue, mine, done } = board.dataset;
  const user = document.body.dataset.user;
  return (
    (!level || row.dataset.level === level) &&
    (!person || "person" in row.dataset) &&
    (!overdue || "overdue" in row.dataset) &&
    (!mine || row.dataset.owner === user || row.dataset.seer === user) &&
    (!done || row.classList.contains("ended"))
  );
};

const showsBeyond = (one) => {
  const { level, person, overdue, mine, done } = board.dataset;
  return (
    (!level || one.level === level) &&
    (!person || one.person) &&
    (!overdue || one.overdue) &&
    (!mine || one.owner === document.body.dataset.user) &&
    !done
  );
};

const isActive = () => Boolean(board.dataset.level) || FLAGS.some((name) => board.dataset[name]);

const isUrgentOverdue = (row) => "overdue" in row.dataset && row.dataset.level && row.dataset.level <= "1";

// Says how many patients of the filter stand beyond the board, with the search that finds them.
const showBeyond = (num) => {
  const row = document.getElementById("hidden-rows");
  if (!row) return;
  row.hidden = num === 0;
  row.querySelector(".num").textContent =
    `${num} more patient${num === 1 ? "" : "s"}${isActive() ? " of this filter" : ""}`;
  const query = new URLSearchParams({ state: "waiting", ...chosen() });
  const shown = board.querySelectorAll("#open-rows tr.row:not([hidden])").length;
  const link = row.querySelector("a");
  query.set("page", Math.floor(shown / Number(link.dataset.perPage)) + 1);
  link.href = `${link.dataset.find}?${query}`;
};

const showNote = (shown, all, more) => {
  const note = document.getElementById("filter-note");
  const urgent = Number(document.getElementById("board-state")?.dataset.urgentOverdue ?? 0);
  const hidden = Math.max(0, urgent - shown.filter(isUrgentOverdue).length);
  const count = document.createElement("span");
  count.className = "num";
  const rest = more ? `, ${more} more below the board` : "";
  count.textContent = `${shown.length} of ${all} patients shown${rest}.`;
  const parts = [count];
  if (hidden) {
    const warning = document.createElement("strong");
    warning.textContent = `${hidden} hidden by the filter: overdue, level 0 or 1.`;
    parts.push(warning);
  }
  parts.push(note.querySelector("a"));
  note.classList.toggle("red", hidden > 0);
  const text = parts.map((part) => part.textContent).join(" ");
  if (note.dataset.text !== text) note.replaceChildren(...parts.flatMap((part) => [part, " "]));
  note.dataset.text = text;
  note.hidden = !isActive();
};

const markLinks = () => {
  for (const link of document.querySelectorAll(".filter")) {
    const name = link.dataset.filter;
    link.setAttribute("aria-current", String(name === "all" ? !isActive() : Boolean(board.dataset[name])));
  }
  for (const link of document.querySelectorAll("[data-filter-level]")) {
    link.setAttribute("aria-current", String(link.dataset.filterLevel === board.dataset.level));
  }
};

const filter = () => {
  const all = rows();
  for (const row of all) row.hidden = !shows(row);
  const hide = (id, isHidden) => {
    const element = document.getElementById(id);
    if (element) element.hidden = isHidden;
  };
  hide("done-head", !board.querySelector("#done-rows tr.row:not([hidden])"));
  hide("seen-head", !board.querySelector("#seen-rows tr.row:not([hidden])"));
  hide("nothing-open", isActive() || Boolean(board.querySelector("#open-rows tr.row")));
  const others = beyond();
  const more = others.filter(showsBeyond).length;
  showNote(all.filter((row) => !row.hidden), all.length + others.length, more);
  showBeyond(more);
  markLinks();
};

const address = () => {
  const query = new URLSearchParams(chosen());
  return location.pathname + (query.size ? `?${query}` : "");
};

// The page of a form that a row opens leads back to the same filter, and to the row after a close.
const keepPlace = (event) => {
  const link = event.target.closest('a[data-row-key][href*="from=board"]');
  if (!link) return;
  const shown = rows().filter((row) => !row.hidden);
  const at = shown.indexOf(link.closest("tr.row"));
  const next = link.dataset.rowKey === "x" ? (shown[at + 1] ?? shown[at - 1]) : shown[at];
  const query = new URLSearchParams({ from: "board", ...chosen() });
  if (next) query.set("next", next.id.slice("case-".length));
  link.search = query;
};

// Back from such a page, the focus is on the row that the address names, else on the first one.
const focusRow = () => {
  if (!location.hash.startsWith("#case-")) return;
  const named = document.getElementById(location.hash.slice(1));
  const row = named && !named.hidden ? named : rows().find((one) => !one.hidden);
  row?.querySelector("[data-row-open]").focus();
  history.replaceState(null, "", location.pathname + location.search);
};

const choose = (event) => {
  const link = event.target.closest("[data-filter], [data-filter-level]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const { filter: name, filterLevel } = link.dataset;
  if (name === "all") for (const part of ["level", ...FLAGS]) board.dataset[part] = "";
  else if (name) board.dataset[name] = board.dataset[name] ? "" : "1";
  else board.dataset.level = board.dataset.level === filterLevel ? "" : filterLevel;
  history.replaceState(null, "", address());
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
    const old = before.get(row.id)?.level || levelsBeyond.get(row.id);
    if (old && level < old) {
      messages.push(`Case ${number}, ${patient}, raised to level ${levelName}.`);
    } else if (!old && level <= "1") {
      messages.push(`New case ${number}, ${patient}: level ${levelName}.`);
    }
  }
  if (messages.length) announce(messages.join(" "));
};

// Where a press moved the patient to another table, the focus stays with the patient.
const keepFocus = () => {
  const row = focused && document.getElementById(focused);
  focused = null;
  if (row && !row.hidden && document.activeElement === document.body) {
    row.querySelector("[data-row-open]").focus({ preventScroll: true });
  }
};

const after = () => {
  filter();
  tick();
  keepFocus();
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
  document.addEventListener("click", keepPlace);
  filter();
  focusRow();
}
