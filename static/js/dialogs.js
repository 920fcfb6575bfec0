// A link with a dialog on the page opens the dialog instead of a new page.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener && !event.ctrlKey && !event.metaKey) {
    const dialog = document.getElementById(opener.dataset.dialog);
    if (dialog) {
      event.preventDefault();
      // What the page shows when the dialog opens is what the answer is about.
      const version = dialog.querySelector("input[name=version]");
      const shown = document.getElementById("panel")?.dataset.version;
      if (version && shown) version.value = shown;
      dialog.showModal();
    }
  }
  const closer = event.target.closest("dialog [data-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog").close();
  }
  const menu = document.querySelector(".usermenu[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
});

// Escape closes the menu as it closes a dialog, and the focus returns to what opened it.
document.addEventListener("keydown", (event) => {
  const menu = document.querySelector(".usermenu[open]");
  if (event.key !== "Escape" || !menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// An answer with faults replaces the form in its dialog: the focus goes to the first fault, else to
// what was said about the whole form.
const FIRST = ["[aria-invalid=true]", "[data-focus]", "button"];

document.addEventListener("htmx:afterSettle", (event) => {
  const dialog = event.target.closest?.("dialog[open]");
  if (!dialog || dialog.contains(document.activeElement)) return;
  FIRST.map((one) => dialog.querySelector(one)).find(Boolean)?.focus();
});
