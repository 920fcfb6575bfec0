// Signing out deletes what was typed and not sent, in every tab of this browser. So it asks first
// where a tab shows such a form, and the other tabs go to the login page.
import { toLogin } from "./connection.js";
import { isTyped } from "./draft.js";
import { signOut } from "./draft_store.js";

const ANSWER_MILLISECONDS = 100;
const LEFT = "left"; // in the storage of the tab: who is signing out
const channel = new BroadcastChannel("drafts");
const page = String(Math.random()); // tells answers apart
const { user } = document.body.dataset;
const form = document.querySelector("[data-sign-out]");
let isDecided = false;

channel.addEventListener("message", ({ data }) => {
  if (!user) return;
  if (data.asks === user && isTyped()) channel.postMessage({ typed: user, page });
  if (data.left === user) toLogin("left");
});

// Returns the number of forms that are not sent.
const count = () => new Promise((resolve) => {
  const pages = new Set(isTyped() ? [page] : []);
  const onAnswer = ({ data }) => {
    if (data.typed === user) pages.add(data.page);
  };
  channel.addEventListener("message", onAnswer);
  channel.postMessage({ asks: user });
  setTimeout(() => {
    channel.removeEventListener("message", onAnswer);
    resolve(pages.size);
  }, ANSWER_MILLISECONDS);
});

const question = (num) => num === 1
  ? "A form is not sent yet. Signing out deletes what you typed. Sign out?"
  : `${num} forms are not sent yet. Signing out deletes what you typed. Sign out?`;

const onSubmit = async (event) => {
  if (isDecided) return;
  event.preventDefault();
  const num = await count();
  if (num && !window.confirm(question(num))) return;
  isDecided = true;
  signOut();
  sessionStorage.setItem(LEFT, user);
  form.requestSubmit();
};

form?.addEventListener("submit", onSubmit);

// The login page follows a sign-out: only now the session is over for the other tabs too.
const left = sessionStorage.getItem(LEFT);
if (left && !user) channel.postMessage({ left });
sessionStorage.removeItem(LEFT);
