// A sheet that is printed later than it was loaded shows when it was printed.
const printed = document.querySelector("[data-printed]");
const loaded = performance.now();

const shown = (text, minutes) => {
  const then = new Date(`${text.replace(" ", "T")}Z`);
  then.setUTCMinutes(then.getUTCMinutes() + minutes);
  return then.toISOString().slice(0, 16).replace("T", " ");
};

// The seconds of the loading time are cut, so the elapsed time counts from its full minute.
const update = () => {
  const seconds = Number(printed.dataset.epoch) % 60 + (performance.now() - loaded) / 1000;
  printed.textContent = shown(printed.dataset.printed, Math.floor(seconds / 60));
};

if (printed) window.addEventListener("beforeprint", update);
document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
