// Loads one module per task. Submitting and reading a case works without scripts.
import "./clocks.js";
import "./connection.js";
import "./board.js";
import "./board_changes.js";
import "./guidance.js";
import "./form.js";
import "./draft.js";
import "./limits.js";
import "./sending.js";
import "./keyboard.js";
import "./dialogs.js";
import "./idle.js";
import "./print.js";
import "./sign_out.js";

(document.querySelector("main [aria-invalid=true]") ?? document.querySelector("[data-focus]"))?.focus();
