// What is typed is kept in this tab, per person, until it is submitted, discarded or signed out.
const NEVER = ["csrfmiddlewaretoken", "submission_key", "confirm_values"];
const form = document.querySelector("form[data-draft]");
const keyOf = (name) => `draft:${document.body.dataset.user}:${name}`;

const save = () => {
  const entries = [...new FormData(form)].filter(([name, value]) => !NEVER.includes(name) && value);
  sessionStorage.setItem(keyOf(form.dataset.draft), JSON.stringify(entries));
};

const forget = (name) => sessionStorage.removeItem(keyOf(name));

const fill = (entries) => {
  for (const [name, value] of entries) {
    const field = form.elements.namedItem(name);
    if (!field) continue;
    if (field.type === "checkbox") field.checked = true;
    else field.value = value;
  }
};

const restore = () => {
  const entries = JSON.parse(sessionStorage.getItem(keyOf(form.dataset.draft)) ?? "[]");
  if (!entries.some(([name]) => name !== "age_unit")) return;
  fill(entries);
  document.getElementById("draft-note").textContent = "Your draft was restored.";
  document.addEventListener("DOMContentLoaded", () => {
    document.body.dispatchEvent(new Event("draft-restored"));
  });
};

if (form) {
  if ("draftClear" in form.dataset) {
    forget(form.dataset.draft);
    history.replaceState(null, "", location.pathname);
  } else if (!("draftSkip" in form.dataset)) {
    restore();
  }
  form.addEventListener("input", save);
  form.addEventListener("change", save);
  form.querySelector("[data-forget-draft]")?.addEventListener("click", () => forget(form.dataset.draft));
}

const sent = document.querySelector("[data-forget-draft]:not(a)");
if (sent) forget(sent.dataset.forgetDraft);
