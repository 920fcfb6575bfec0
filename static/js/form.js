// The form of a new case: one answer per vital sign, a mark at unusual numbers, one submission.
const form = document.getElementById("case-form");

const numberIn = (input) => Number(input.value.trim().replace(",", "."));
const outside = (value, range) => {
  const [low, high] = range.split(" ").map(Number);
  return value < low || value > high;
};

const onVital = (event) => {
  const vital = event.target.closest(".vital");
  if (!vital) return;
  const [reading, unable] = vital.querySelectorAll("input");
  if (event.target === unable && unable.checked) reading.value = "";
  if (event.target === reading && reading.value.trim()) unable.checked = false;
  const filled = reading.value.trim() !== "";
  vital.classList.toggle("unusual", filled && outside(numberIn(reading), reading.dataset.usual));
};

const submitOnce = (event) => {
  if (form.dataset.submitted) event.preventDefault();
  form.dataset.submitted = "1";
};

if (form) {
  form.addEventListener("input", onVital);
  form.addEventListener("submit", submitOnce);
  window.addEventListener("pageshow", () => delete form.dataset.submitted);
}
