// Saves all charts of the page, with their headings, as one picture.
const COPIED = [
  "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "opacity",
  "font-family", "font-size", "font-weight", "text-anchor",
];
const SCALE = 2;
const COLUMN = 360;
const GAP = 24;
const HEAD = 34;

// A copy that needs no style sheet: the computed styles become attributes.
function standalone(svg) {
  const copy = svg.cloneNode(true);
  const [from, to] = [[svg, ...svg.querySelectorAll("*")], [copy, ...copy.querySelectorAll("*")]];
  from.forEach((element, index) => {
    const style = getComputedStyle(element);
    for (const name of COPIED) {
      const value = style.getPropertyValue(name);
      if (value) to[index].setAttribute(name, value);
    }
  });
  const { width, height } = svg.viewBox.baseVal;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  return { source: new XMLSerializer().serializeToString(copy), width, height };
}

function loaded(source) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.addEventListener("load", () => resolve(image));
    image.addEventListener("error", () => reject(new Error("a chart cannot be drawn")));
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(source)}`;
  });
}

// Where each chart goes: sections one below the other, charts in three columns.
async function layout() {
  const placed = [];
  let top = 64;
  for (const section of document.querySelectorAll("main section")) {
    const charts = [...section.querySelectorAll("svg[data-chart]")];
    if (!charts.length) continue;
    placed.push({ text: section.querySelector("h2").textContent, x: GAP, y: top, size: 18 });
    top += 24;
    for (let at = 0; at < charts.length; at += 3) {
      let tallest = 0;
      for (const [column, svg] of charts.slice(at, at + 3).entries()) {
        const { source, width, height } = standalone(svg);
        const x = GAP + column * (COLUMN + GAP);
        const caption = svg.closest("figure").querySelector("figcaption").textContent.trim();
        placed.push({ text: caption.replace(/\s+/g, " "), x, y: top + 14, size: 13 });
        placed.push({ image: await loaded(source), x, y: top + HEAD - 12, width, height });
        tallest = Math.max(tallest, height);
      }
      top += tallest + HEAD + GAP;
    }
  }
  return { placed, height: top };
}

async function save(name) {
  const { placed, height } = await layout();
  const canvas = document.createElement("canvas");
  canvas.width = SCALE * (3 * COLUMN + 4 * GAP);
  canvas.height = SCALE * height;
  const draw = canvas.getContext("2d");
  const body = getComputedStyle(document.querySelector("main .card"));
  draw.scale(SCALE, SCALE);
  draw.fillStyle = body.backgroundColor;
  draw.fillRect(0, 0, canvas.width, canvas.height);
  draw.fillStyle = body.color;
  const title = { text: document.querySelector("h1").textContent, x: GAP, y: 34, size: 22 };
  for (const item of [title, ...placed]) {
    if (item.image) {
      draw.drawImage(item.image, item.x, item.y, item.width, item.height);
    } else {
      draw.font = `600 ${item.size}px ${body.fontFamily}`;
      draw.fillText(item.text, item.x, item.y);
    }
  }
  const link = document.createElement("a");
  link.download = `${name}.png`;
  link.href = canvas.toDataURL("image/png");
  link.click();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-export-png]");
  if (button) save(button.dataset.exportPng);
});
