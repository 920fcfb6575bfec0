// The form of a new case: one answer per vital sign, and a mark at unusual numbers.
const form = document.getElementById("case-form");

// The number of "38.5 C"; the server reads the unit.
const numberIn = (input) => {
  const found = input.value.trim().replace(",", ".").match(/^-?[0-9]+(\.[0-9]*)?(?![0-9_])/);
  return found ? Number(found[0]) : NaN;
};
const outside = (value, range) => {
  const [low, high] = range.split(" ").map(Number);
  return value < low || value > high;
};

const onVital = (event) => {
  const vital = event.target.closest(".vital");
  if (!vital) return;
  const [reading, unable] = vital.querySelectorAll("input");
  if (event.target === reading && reading.value.trim().toLowerCase() === "u") {
    reading.value = "";
    unable.checked = true;
  } else if (event.target === reading && reading.value.trim()) unable.checked = false;
  if (event.target === unable && unable.checked) reading.value = "";
  const filled = reading.value.trim() !== "";
  vital.classList.toggle("unusual", filled && outside(numberIn(reading), reading.dataset.usual));
};

// A unit in the text of the age shows in the list of units.
const UNITS = { y: "years", m: "months", w: "weeks", d: "days" };

const onAge = (event) => {
  if (event.target.id !== "f-age") return;
  const unit = UNITS[event.target.value.toLowerCase().match(/[0-9][\s-]*([ymwd])/)?.[1]];
  if (unit) form.elements.age_unit.value = unit;
};

if (form) {
  form.addEventListener("input", onVital);
  form.addEventListener("input", onAge);
}
