// The board's live stream: the whole board as parts once, then only what changes. The parts are
// put together here (triage_site/cases/board_changes.py cut them) and merged into the page.
const SLOT = "<!--rows-->";

const board = document.getElementById("board");
let parts = null;
let queue = Promise.resolve();

const inflate = async (text) => {
  const raw = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).json();
};

const unpacked = async (text) => {
  const value = JSON.parse(text);
  return value.deflate ? inflate(value.deflate) : value;
};

const html = () => {
  const [first, ...rest] = parts.frame.split(SLOT);
  return rest.reduce(
    (text, after, index) =>
      text + parts.order[index].map((name) => parts.rows[name].join("")).join("") + after,
    first,
  );
};

const keep = (change) => {
  for (const [name, cells] of Object.entries(change.rows ?? {})) {
    if (Array.isArray(cells)) parts.rows[name] = cells;
    else for (const [index, cell] of Object.entries(cells)) parts.rows[name][index] = cell;
  }
  parts.frame = change.frame ?? parts.frame;
  parts.order = change.order ?? parts.order;
  parts.to = change.to;
  const shown = new Set(parts.order.flat());
  for (const name of Object.keys(parts.rows)) if (!shown.has(name)) delete parts.rows[name];
};

const swap = (name) => board.dispatchEvent(new CustomEvent(name, { bubbles: true }));

const show = () => {
  swap("htmx:beforeSwap");
  window.Idiomorph.morph(board, html(), { morphStyle: "innerHTML" });
  window.htmx.process(board);
  swap("htmx:afterSwap");
};

// Without the board that the changes start from, the page asks for the whole board.
const receive = async (type, data) => {
  const change = await unpacked(data);
  if (type === "board") parts = change;
  else if (parts?.to === change.from) keep(change);
  else return window.htmx.trigger(board, "poll-now");
  return show();
};

const fetchWhole = () => window.htmx.trigger(board, "poll-now");

const onMessage = (event) => {
  if (event.target.id !== "board-sink") return;
  event.preventDefault();
  const { type, data } = event.detail;
  queue = queue.then(() => receive(type, data)).catch(fetchWhole);
};

if (board) document.addEventListener("htmx:sseBeforeMessage", onMessage);
