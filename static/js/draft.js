// Keeps the typed form in this tab, per user, until the site has received it, or until the user
// discards it or signs out. The server lists received submissions in a cookie, so that the next
// form never shows the text of the previous patient. A form that changes a case has the version
// of the case instead: another version means that it was received, or that the case has changed.
import { load, remove, store } from "./draft_store.js";

const CHOSEN_FOR_YOU = ["age_unit", "department"]; // alone they are no entry
const NOT_STORED = ["csrfmiddlewaretoken", "submission_key", "confirm_values", "version"];
const form = document.querySelector("form[data-draft]");
const name = form?.dataset.draft;
const touched = new Set(); // names of fields that were typed into since the page opened
let isRestored = false;

const typed = () => [...new FormData(form)].filter(([field, value]) => !NOT_STORED.includes(field) && value);
const isEntry = (entries) => entries.some(([field]) => !CHOSEN_FOR_YOU.includes(field));

// Returns whether this page shows a form that was typed into.
export const isTyped = () => Boolean(form) && isEntry(typed());

const save = () => {
  if (!isRestored) return; // what is typed before is saved with the restored fields
  store(name, {
    submission: form.elements.submission_key?.value,
    version: form.elements.version?.value,
    entries: typed(),
  });
};

const isReceived = (submission) => document.cookie.split("; ")
  .some((cookie) => cookie.startsWith("received=") && cookie.includes(submission));

// Leaves alone what was typed since the page opened. Each field says that it has changed, as when
// somebody types: counters and marks follow.
const fill = (entries) => {
  for (const [field, value] of entries) {
    const input = form.elements.namedItem(field);
    if (!input) continue;
    if (input.type === "checkbox") input.checked = true;
    else if (!touched.has(field)) input.value = value;
    else continue;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
};

const restore = (draft) => {
  if (!draft) return;
  const { submission, version, entries } = draft;
  const isOver = (submission && isReceived(submission)) || version !== form.elements.version?.value;
  if (isOver) {
    remove(name);
    return;
  }
  if (!isEntry(entries)) return;
  fill(entries);
  document.getElementById("draft-note").textContent = "Your draft was restored.";
  const tell = () => document.body.dispatchEvent(new Event("draft-restored"));
  if (document.readyState === "complete") tell();
  else window.addEventListener("load", tell);
};

const begin = async () => {
  if (!("draftSkip" in form.dataset)) restore(await load(name));
  isRestored = true;
  if (touched.size) save();
};

if (form) {
  for (const event of ["input", "change"]) {
    form.addEventListener(event, ({ target }) => {
      touched.add(target.name);
      save();
    });
  }
  form.addEventListener("submit", save);
  form.querySelector("[data-delete-draft]")?.addEventListener("click", () => remove(name));
  begin();
}
