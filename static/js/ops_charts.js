// Draws the charts of the operations page with uPlot and keeps the tables behind them up to date.
// Lines differ by dash, width and a label at their end, so no chart depends on colour.
const REFRESH_MILLISECONDS = 5000;
const HEIGHT = 210;
const DASHES = [[], [8, 4], [2, 3], [12, 3, 2, 3], [5, 5]];
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const PERCENT = ["in-time", "kv"];
const WIDTHS = [2.5, 2, 2, 2, 1.5];

const section = document.querySelector("[data-charts]");
const plots = new Map();
let loadedAt = 0;
let isLoading = false;

const token = (name) => {
  const probe = document.createElement("span");
  probe.className = `chart-colour ${name}`;
  section.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
};

const zoned = (seconds) => window.uPlot.tzDate(new Date(seconds * 1000), section.dataset.zone);
const two = (number) => String(number).padStart(2, "0");
const clock = (seconds) => {
  const date = zoned(seconds);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (section.dataset.span === "7d") return `${date.getDate()}.${date.getMonth() + 1}. ${time}`;
  return section.dataset.span === "10m" ? `${time}:${two(date.getSeconds())}` : time;
};
const text = (value, digits) => (value === null ? "–" : value.toFixed(digits));

// Labels at the ends of the lines, moved apart where they would touch.
const labels = (chart) => (plot) => {
  const size = 12 * devicePixelRatio;
  const ends = chart.values.flatMap((values, at) => {
    const last = values.findLastIndex((value) => value !== null);
    if (last < 0) return [];
    return [{ at, y: plot.valToPos(values[last], "y", true) }];
  });
  ends.sort((a, b) => a.y - b.y);
  plot.ctx.save();
  plot.ctx.font = `600 ${size}px system-ui, sans-serif`;
  plot.ctx.textBaseline = "middle";
  plot.ctx.textAlign = "left";
  const apart = size * 1.1;
  const bottom = plot.bbox.top + plot.bbox.height;
  ends.forEach((end, at) => (end.y = Math.max(end.y, at ? ends[at - 1].y + apart : -Infinity)));
  ends.reduceRight((limit, end) => (end.y = Math.min(end.y, limit)) - apart, bottom);
  for (const end of ends) {
    plot.ctx.fillStyle = token(`series-${chart.columns.length > 2 ? end.at : `plain-${end.at}`}`);
    const x = plot.bbox.left + plot.bbox.width + 4 * devicePixelRatio;
    plot.ctx.fillText(chart.labels[end.at], x, end.y);
  }
  plot.ctx.restore();
};

// An upright line where the policy changed, with the new one's name at the top. A name that
// would touch a newer one is left out; the list of changes below has all of them.
const marked = (marks) => (plot) => {
  const { left, top, width, height } = plot.bbox;
  const size = 11 * devicePixelRatio;
  let end = left + width;
  plot.ctx.save();
  plot.ctx.font = `${size}px system-ui, sans-serif`;
  plot.ctx.textBaseline = "top";
  plot.ctx.textAlign = "right";
  plot.ctx.strokeStyle = plot.ctx.fillStyle = token("series-text");
  plot.ctx.lineWidth = devicePixelRatio;
  plot.ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const mark of marks.toReversed()) {
    const x = plot.valToPos(mark.at, "x", true);
    if (x < left || x > left + width) continue;
    plot.ctx.beginPath();
    plot.ctx.moveTo(x, top);
    plot.ctx.lineTo(x, top + height);
    plot.ctx.stroke();
    if (x > end) continue;
    plot.ctx.fillText(mark.words, x - size / 3, top);
    end = x - plot.ctx.measureText(mark.words).width - size;
  }
  plot.ctx.restore();
};

const series = (chart) =>
  chart.columns.map((label, at) => {
    const colour = token(`series-${chart.columns.length > 2 ? at : `plain-${at}`}`);
    return {
      label,
      stroke: colour,
      width: WIDTHS[at],
      dash: DASHES[at],
      spanGaps: true,
      points: { show: chart.id === "waits" || chart.id === "in-time", size: 5, fill: colour },
    };
  });

const options = (chart, marks, width) => {
  const axis = { stroke: token("series-text"), grid: { stroke: token("series-grid"), width: 1 } };
  const font = "12px system-ui, sans-serif";
  return {
    width,
    height: HEIGHT,
    padding: [8, chart.columns.length > 2 ? 20 : 44, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    tzDate: zoned,
    scales: {
      y: { range: (_, low, high) => [0, PERCENT.includes(chart.id) ? 100 : Math.max(1, high * 1.08)] },
    },
    axes: [
      { ...axis, font, space: 64, values: (_, splits) => splits.map(clock) },
      { ...axis, font, size: 44, ...(chart.id === "waiting" ? { incrs: WHOLE } : {}) },
    ],
    series: [{}, ...series(chart)],
    hooks: { draw: [marked(marks), labels(chart)] },
  };
};

const drawPlot = (figure, chart, marks) => {
  const place = figure.querySelector(".plot");
  plots.get(chart.id)?.destroy();
  const data = [chart.times, ...chart.values];
  plots.set(chart.id, new window.uPlot(options(chart, marks, place.clientWidth), data, place));
};

const fillTable = (figure, chart) => {
  const rows = chart.times.map((time, at) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.className = "num nowrap";
    head.textContent = clock(time);
    row.append(head);
    for (const values of chart.values) {
      const cell = document.createElement("td");
      cell.className = "right num";
      cell.textContent = text(values[at], chart.digits);
      row.append(cell);
    }
    return row;
  });
  figure.querySelector("tbody").replaceChildren(...rows.reverse());
};

const show = (found) => {
  document.getElementById("charts-of").textContent = found.words;
  for (const chart of found.series) {
    const figure = document.getElementById(`chart-${chart.id}`);
    drawPlot(figure, chart, found.marks);
    fillTable(figure, chart);
  }
  section.dataset.drawn = String(found.at);
};

const load = async () => {
  if (isLoading || Date.now() - loadedAt < REFRESH_MILLISECONDS) return;
  isLoading = true;
  loadedAt = Date.now();
  try {
    const answer = await fetch(section.dataset.charts, { headers: { Accept: "application/json" } });
    if (answer.ok) show(await answer.json());
  } catch {
    // The banner of the page says that the connection is lost; the next update tries again.
  } finally {
    isLoading = false;
  }
};

if (section && window.uPlot) {
  load();
  const again = () => {
    loadedAt = 0;
    load();
  };
  for (const name of ["htmx:sseMessage", "htmx:afterSwap"]) document.addEventListener(name, load);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let width = section.clientWidth;
  new ResizeObserver(() => {
    if (section.clientWidth !== width) {
      width = section.clientWidth;
      again();
    }
  }).observe(section);
}
