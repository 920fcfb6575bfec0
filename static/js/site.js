// One small module per concern; nothing here is needed to submit or read a case.
import "./clocks.js";
import "./connection.js";
import "./board.js";
import "./guidance.js";
import "./form.js";
import "./draft.js";
import "./keyboard.js";
import "./dialogs.js";
import "./idle.js";

document.querySelector("[data-focus]")?.focus();
document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
document.querySelector("[data-sign-out]")?.addEventListener("submit", () => sessionStorage.clear());
