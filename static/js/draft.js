// Keeps the typed form in this tab, per user, until the site has received it, or until the user
// discards it or signs out. The server lists received submissions in a cookie, so that the next
// form never shows the text of the previous patient. A form that changes a case has the version
// of the case instead: another version means that it was received, or that the case has changed.
const CHOSEN_FOR_YOU = ["age_unit", "department"]; // alone they are no entry
const NOT_STORED = ["csrfmiddlewaretoken", "submission_key", "confirm_values", "version"];
const form = document.querySelector("form[data-draft]");
const keyOf = (name) => `draft:${document.body.dataset.user}:${name}`;

const save = () => {
  const entries = [...new FormData(form)].filter(([name, value]) => !NOT_STORED.includes(name) && value);
  const draft = {
    submission: form.elements.submission_key?.value,
    version: form.elements.version?.value,
    entries,
  };
  sessionStorage.setItem(keyOf(form.dataset.draft), JSON.stringify(draft));
};

const isReceived = (submission) => document.cookie.split("; ")
  .some((cookie) => cookie.startsWith("received=") && cookie.includes(submission));

const deleteDraft = (name) => sessionStorage.removeItem(keyOf(name));

const fill = (entries) => {
  for (const [name, value] of entries) {
    const field = form.elements.namedItem(name);
    if (!field) continue;
    if (field.type === "checkbox") field.checked = true;
    else field.value = value;
  }
};

const restore = () => {
  const {submission, version, entries} = JSON.parse(sessionStorage.getItem(keyOf(form.dataset.draft)) ?? '{"entries": []}');
  if (submission && isReceived(submission)) return deleteDraft(form.dataset.draft);
  if (version !== form.elements.version?.value) return deleteDraft(form.dataset.draft);
  if (!entries.some(([name]) => !CHOSEN_FOR_YOU.includes(name))) return;
  fill(entries);
  document.getElementById("draft-note").textContent = "Your draft was restored.";
  document.addEventListener("DOMContentLoaded", () => {
    document.body.dispatchEvent(new Event("draft-restored"));
  });
};

if (form) {
  if (!("draftSkip" in form.dataset)) restore();
  for (const event of ["input", "change", "submit"]) form.addEventListener(event, save);
  form.querySelector("[data-delete-draft]")?.addEventListener("click", () => deleteDraft(form.dataset.draft));
}
