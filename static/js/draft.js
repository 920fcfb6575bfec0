// Keeps what is typed into a form with data-draft in this tab, per user, until the site has received
// it, or until the user discards it or signs out. The server lists received submissions in a cookie,
// so that the next form never shows what was sent. A dialog that was open opens again.
// With data-draft-offer each opened form is an entry of its own, named by its submission key: the
// words of one patient never stand in the form of the next. The same entry (the page was reloaded, or
// its person signed in again) is filled in at once; another one is offered at the top of the form.
import { isKept, load, names, remove, store } from "./draft_store.js";

const ABOUT_CHARACTERS = 60; // of the complaint that an offer shows
const NOT_STORED = ["confirm_values"]; // a person confirms each time
const states = new WeakMap(); // form -> what is known of it since the page opened
let isFilling = false; // fields change because a draft is restored

const SHOWN = "shown-draft"; // in the storage of the tab: the entry that its page shows
const AT_LOGIN = "at-login"; // in the storage of the tab: the page before was one of the sign-in
const { user, draftKeys } = document.body.dataset;
const arrival = performance.getEntriesByType("navigation")[0]?.type;

// Returns the name of the entry that this page showed before; empty for a new one.
const nameBefore = () => {
  if (!user || !draftKeys || location.pathname.startsWith("/account/")) {
    sessionStorage.setItem(AT_LOGIN, "1");
    return "";
  }
  const isReturn = sessionStorage.getItem(AT_LOGIN);
  sessionStorage.removeItem(AT_LOGIN);
  if (arrival === "reload" || arrival === "back_forward") return history.state?.draft ?? "";
  const found = (isReturn && sessionStorage.getItem(SHOWN)) || "";
  if (!found) sessionStorage.removeItem(SHOWN);
  if (history.state?.draft) history.replaceState({ ...history.state, draft: null }, "");
  return found;
};
const before = nameBefore();

const isOffered = (form) => "draftOffer" in form.dataset;
const nameOf = (form) => isOffered(form) ? `${form.dataset.draft}:${form.elements.submission_key.value}` : form.dataset.draft;

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

// Returns whether something was typed here and not sent: it shows, or this tab keeps it.
export const isTyped = () => isKept() || forms().some((form) => isEntry(form, typed(form)));

// What opens the dialog of a form says that something is typed there.
const markOpener = (form) => {
  const id = form.closest("dialog")?.id;
  if (!id) return;
  const hasDraft = isEntry(form, typed(form));
  for (const opener of document.querySelectorAll(`[data-dialog="${id}"]`)) opener.toggleAttribute("data-has-draft", hasDraft);
};

// The next reload of this page, or a return after a sign-in, fills in the same entry.
const markShown = (form) => {
  const name = nameOf(form);
  if (!isOffered(form) || history.state?.draft === name) return;
  history.replaceState({ ...history.state, draft: name }, "");
  sessionStorage.setItem(SHOWN, name);
};

const save = (form, at = Date.now()) => {
  markOpener(form);
  if (!stateOf(form).isRestored) return; // what is typed before is saved with the restored fields
  const entries = typed(form);
  if (!isEntry(form, entries)) {
    remove(nameOf(form));
    return;
  }
  markShown(form);
  store(nameOf(form), {
    at,
    submission: form.elements.submission_key?.value,
    isOpen: form.closest("dialog")?.open ?? false,
    entries,
  });
};

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

// Empties the form; counters and marks follow.
const empty = (form) => {
  form.reset();
  const state = stateOf(form);
  state.chosen = typed(form);
  state.touched.clear();
  isFilling = true;
  for (const field of form.elements) field.dispatchEvent(new Event("input", { bubbles: true }));
  isFilling = false;
};

const timeOf = (at) => {
  if (!at) return "";
  const day = new Date(at).toDateString() === new Date().toDateString() ? ""
    : `${new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short" })} `;
  return ` of ${day}${new Date(at).toTimeString().slice(0, 5)}`;
};

// Returns what an entry is about: the begin of its words, the age, the name or bed.
const aboutOf = (form, entries) => {
  if (!("draftAbout" in form.dataset)) return "";
  const { text = "", age = "", age_unit: unit, label } = Object.fromEntries(entries);
  const words = text.trim().replace(/\s+/g, " ");
  const begin = words.length > ABOUT_CHARACTERS ? `${words.slice(0, ABOUT_CHARACTERS)}…` : words;
  const years = /^[0-9.,]+$/.test(age) ? `${age} ${unit ?? "years"}` : age;
  return [begin ? `“${begin}”` : "no complaint yet", years, label].filter(Boolean).join(", ");
};

// Tells at the top of the form what was restored or what is offered, with buttons.
const tell = (form, lines) => {
  const note = form.querySelector("[data-draft-note]");
  note.replaceChildren(...lines.map(([words, buttons]) => {
    const line = document.createElement("p");
    line.append(Object.assign(document.createElement("span"), { textContent: words }), ...buttons);
    return line;
  }));
  note.hidden = !lines.length;
};

const button = (textContent, act, className = "button small") => {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent, className });
  made.addEventListener("click", act);
  return made;
};

const discard = (form) => {
  empty(form);
  save(form);
  tell(form, []);
  form.querySelector("textarea, input:not([type=hidden]), select")?.focus();
};

const fillIn = (form, draft) => {
  fill(form, draft.entries);
  markOpener(form);
  markShown(form);
  const about = aboutOf(form, draft.entries);
  // A new page has a new entry, and offers this one.
  const startEmpty = () => isOffered(form) ? location.assign(form.action) : discard(form);
  const words = `Your draft${timeOf(draft.at)} was restored${about ? `: ${about}` : ""}.`;
  tell(form, [[words, [button("Start empty", startEmpty)]]]);
  const say = () => document.body.dispatchEvent(new Event("draft-restored"));
  if (document.readyState === "complete") say();
  else window.addEventListener("load", say);
};

// Another entry takes the place of what this form shows, which stays an entry of its own.
const proceed = (form, name, draft) => {
  save(form);
  empty(form);
  form.elements.submission_key.value = draft.submission ?? form.elements.submission_key.value;
  remove(name);
  fillIn(form, draft);
  save(form, draft.at);
  form.querySelector("textarea, input:not([type=hidden])").focus();
};

const offer = async (form) => {
  const found = [];
  for (const name of names(form.dataset.draft)) {
    const draft = name !== nameOf(form) && await load(name);
    if (draft && isEntry(form, draft.entries)) found.push([name, draft]);
  }
  found.sort(([, one], [, other]) => (other.at ?? 0) - (one.at ?? 0));
  const hide = () => {
    tell(form, []);
    form.querySelector("textarea, input:not([type=hidden])").focus();
  };
  const drop = (name) => () => {
    remove(name);
    offer(form);
  };
  tell(form, found.map(([name, draft], at) => {
    const about = aboutOf(form, draft.entries);
    return [`Not sent: an entry${timeOf(draft.at)}${about ? `, ${about}` : ""}.`, [
      button("Continue", () => proceed(form, name, draft)),
      ...(at ? [] : [button("Start empty", hide)]),
      button("Delete it", drop(name), "button small quiet"),
    ]];
  }));
};

const restore = (form, draft) => {
  if (!draft || !isEntry(form, draft.entries)) return false;
  if (draft.submission && isOffered(form)) form.elements.submission_key.value = draft.submission;
  fillIn(form, draft);
  if (draft.isOpen && !document.querySelector("dialog[open]")) form.closest("dialog")?.showModal();
  return true;
};

const begin = async (form) => {
  const state = stateOf(form);
  if (state.isRestored) {
    markShown(form);
    return;
  }
  const name = isOffered(form) ? before : form.dataset.draft;
  const isFound = name && names(form.dataset.draft).includes(name) && restore(form, await load(name));
  state.isRestored = true;
  if (state.touched.size) save(form);
  if (!isFound && isOffered(form)) await offer(form);
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
  discard(form);
});
document.addEventListener("close", ({ target }) => {
  const form = target.querySelector?.("form[data-draft]");
  if (form) save(form);
}, true);
forms().forEach(begin);
