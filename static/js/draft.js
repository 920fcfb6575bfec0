// Keeps what is typed into a form with data-draft in this tab, per user, until the site has received
// it, or until the user discards it or signs out. The server lists received submissions in a cookie,
// so that the next form never shows what was sent. A dialog that was open opens again.
import { load, remove, store } from "./draft_store.js";

const NOT_STORED = ["confirm_values"]; // a person confirms each time
const states = new WeakMap(); // form -> what is known of it since the page opened
let isFilling = false; // fields change because a draft is restored

const isStored = (form, field) => !NOT_STORED.includes(field) && form.elements.namedItem(field)?.type !== "hidden";
const typed = (form) => [...new FormData(form)].filter(([field, value]) => value && isStored(form, field));

// `chosen`: what the site filled in, alone no entry. `touched`: names of fields that somebody changed.
const stateOf = (form) => {
  if (!states.has(form)) {
    const isAnswer = "draftSkip" in form.dataset; // shows what was sent, with what is wrong
    states.set(form, { chosen: isAnswer ? [] : typed(form), touched: new Set(), isRestored: isAnswer });
  }
  return states.get(form);
};

const isEntry = (form, entries) => {
  const { chosen } = stateOf(form);
  return entries.some(([field, value]) => !chosen.some(([name, one]) => name === field && one === value));
};

const forms = () => [...document.querySelectorAll("form[data-draft]")];

// Returns whether this page shows a form that was typed into.
export const isTyped = () => forms().some((form) => isEntry(form, typed(form)));

// What opens the dialog of a form says that something is typed there.
const markOpener = (form) => {
  const id = form.closest("dialog")?.id;
  if (!id) return;
  const isKept = isEntry(form, typed(form));
  for (const opener of document.querySelectorAll(`[data-dialog="${id}"]`)) opener.toggleAttribute("data-has-draft", isKept);
};

const save = (form) => {
  markOpener(form);
  if (!stateOf(form).isRestored) return; // what is typed before is saved with the restored fields
  const entries = typed(form);
  if (!isEntry(form, entries)) remove(form.dataset.draft);
  else {
    store(form.dataset.draft, {
      at: Date.now(),
      submission: form.elements.submission_key?.value,
      isOpen: form.closest("dialog")?.open ?? false,
      entries,
    });
  }
};

const isReceived = (submission) => document.cookie.split("; ")
  .some((cookie) => cookie.startsWith("received=") && cookie.includes(submission));

// Leaves alone what was changed since the page opened. Each field says that it has changed, as when
// somebody types: counters and marks follow.
const fill = (form, entries) => {
  isFilling = true;
  for (const [field, value] of entries) {
    const input = form.elements.namedItem(field);
    if (!input || stateOf(form).touched.has(field)) continue;
    if (input.type === "checkbox") input.checked = true;
    else input.value = value;
    const changed = input instanceof RadioNodeList ? form : input;
    changed.dispatchEvent(new Event("input", { bubbles: true }));
  }
  isFilling = false;
};

const restore = (form, draft) => {
  if (!draft) return;
  const { at, submission, isOpen, entries } = draft;
  if (submission && isReceived(submission)) {
    remove(form.dataset.draft);
    return;
  }
  if (!isEntry(form, entries)) return;
  fill(form, entries);
  markOpener(form);
  const time = at ? ` of ${new Date(at).toTimeString().slice(0, 5)}` : "";
  form.querySelector("[data-draft-note]").textContent = `Your draft${time} was restored.`;
  if (isOpen && !document.querySelector("dialog[open]")) form.closest("dialog")?.showModal();
  const tell = () => document.body.dispatchEvent(new Event("draft-restored"));
  if (document.readyState === "complete") tell();
  else window.addEventListener("load", tell);
};

const begin = async (form) => {
  const state = stateOf(form);
  if (state.isRestored) return;
  restore(form, await load(form.dataset.draft));
  state.isRestored = true;
  if (state.touched.size) save(form);
};

for (const event of ["input", "change"]) {
  document.addEventListener(event, ({ target }) => {
    const form = target.form?.closest("form[data-draft]");
    if (!form || isFilling) return;
    stateOf(form).touched.add(target.name);
    save(form);
  });
}
document.addEventListener("submit", ({ target }) => target.matches("form[data-draft]") && save(target), true);
document.addEventListener("click", ({ target }) => {
  const form = target.closest("[data-delete-draft]")?.closest("form[data-draft]");
  if (!form) return;
  form.reset();
  stateOf(form).chosen = typed(form);
  save(form);
});
document.addEventListener("close", ({ target }) => {
  const form = target.querySelector?.("form[data-draft]");
  if (form) save(form);
}, true);
forms().forEach(begin);
