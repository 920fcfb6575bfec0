// Counts the characters of a text with a limit. Nothing is cut; the server refuses a longer text.
import { announceQuietly } from "./announce.js";

const SHOW_FROM = 0.8; // share of the limit

const numCharacters = (field) => [...field.value.replaceAll("\r\n", "\n").trim()].length;

const counterOf = (field) => {
  const after = field.nextElementSibling;
  if (after?.matches(".counter")) return after;
  const counter = document.createElement("p");
  counter.className = "counter hint num";
  field.insertAdjacentElement("afterend", counter);
  return counter;
};

const count = (field) => {
  const limit = Number(field.dataset.limit);
  const num = numCharacters(field);
  const counter = counterOf(field);
  const isOver = num > limit;
  const text = `${num.toLocaleString("en")} of ${limit.toLocaleString("en")} characters`;
  counter.hidden = num < SHOW_FROM * limit && !("count" in field.dataset);
  counter.textContent = isOver ? `${text}: ${(num - limit).toLocaleString("en")} too many` : text;
  if (isOver && !counter.classList.contains("over")) announceQuietly(counter.textContent);
  counter.classList.toggle("over", isOver);
};


document.addEventListener("input", (event) => {
  if (event.target.matches("[data-limit]")) count(event.target);
});
for (const field of document.querySelectorAll("[data-limit]")) count(field);
