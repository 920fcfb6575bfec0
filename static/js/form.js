// The new-case form: one answer per vital sign, a hint at once for unusual numbers, one sending.
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
  vital.classList.toggle("doubt", filled && outside(numberIn(reading), reading.dataset.usual));
};

const sendOnce = (event) => {
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
};

if (form) {
  form.addEventListener("input", onVital);
  form.addEventListener("submit", sendOnce);
  window.addEventListener("pageshow", () => delete form.dataset.sent);
}
