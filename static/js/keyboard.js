// n: new case. j and k: next and previous case on the board; s, x and r: see, close and reopen
// the one that has the focus, or the case of the page. v: vital signs. p: change priority. m: move in the queue.
// /: find. ?: this list. Ctrl+Enter: submit.
const typing = (target) => target.closest("input, select, textarea, dialog, [contenteditable]");

const step = (by) => {
  const links = [...document.querySelectorAll("tr.row:not([hidden]) [data-row-open]")];
  if (!links.length) return;
  const row = document.activeElement.closest("tr.row");
  const at = row ? links.findIndex((link) => row.contains(link)) : -1;
  const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by));
  links[next].focus();
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const form = event.target.closest("form");
    const button = form?.querySelector("[data-submit], button.primary, button.danger");
    if (form && button) {
      event.preventDefault();
      form.requestSubmit(button);
    }
    return;
  }
  // The key that leads to a field writes nothing into it while it is empty.
  const { target: at } = event;
  if (at.matches("input[data-key]") && at.dataset.key === event.key && at.selectionEnd - at.selectionStart === at.value.length) {
    event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else {
    const key = CSS.escape(event.key);
    const field = document.querySelector(`input[data-key="${key}"]`);
    if (field) {
      event.preventDefault();
      field.focus();
      field.select();
      return;
    }
    const row = event.target.closest("tr.row");
    const target = row?.querySelector(`[data-row-key="${key}"]`) ?? document.querySelector(`[data-key="${key}"]`);
    if (!target?.checkVisibility()) return; // hidden where the role may not do it
    event.preventDefault();
    target.click();
  }
});
