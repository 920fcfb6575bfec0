// Drafts lie in the storage of the tab, one for each form and person. They are encrypted with a
// key that the site gives to that person alone, so after the end of a session they open for
// nobody else, and nothing is lost. A sign-out deletes the person's drafts in all tabs.
const SIGNED_OUT = "signed-out:"; // in the storage of the browser: person -> time of the last sign-out
const { user, draftKeys } = document.body.dataset;
const prefixOf = (person) => `draft:${person}:`;
let isOver = false; // the person of this page signed out: leaving a field must not store it again
const keyOf = (name) => prefixOf(user) + name;

const toBytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));

// The first key writes, and all read: the others are of an old SECRET_KEY. Without TLS browsers
// encrypt nothing; only a demonstration runs so.
const keys = crypto.subtle && draftKeys
  ? draftKeys.split(" ").map((one) => crypto.subtle.importKey("raw", toBytes(one), "AES-GCM", false, ["encrypt", "decrypt"]))
  : [];

const toText = (bytes) => btoa(Array.from(new Uint8Array(bytes), (one) => String.fromCharCode(one)).join(""));

const encrypted = async (draft) => {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const bytes = new TextEncoder().encode(JSON.stringify(draft));
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await keys[0], bytes);
  return { iv: toText(iv), data: toText(data) };
};

// Stores at once, so that no key stroke is lost, and encrypted a moment later.
export const store = async (name, draft) => {
  if (isOver) return;
  const head = { at: Date.now(), submission: draft.submission };
  const plain = JSON.stringify({ ...head, draft });
  sessionStorage.setItem(keyOf(name), plain);
  if (!keys.length) return;
  const text = JSON.stringify({ ...head, ...await encrypted(draft) });
  if (sessionStorage.getItem(keyOf(name)) === plain) sessionStorage.setItem(keyOf(name), text);
};

// Returns the draft; null for none, and for one that this person cannot read.
export const load = async (name) => {
  const found = JSON.parse(sessionStorage.getItem(keyOf(name)));
  if (!found?.data) return found?.draft ?? (found?.entries ? found : null); // as it was stored before
  for (const key of keys) {
    try {
      const bytes = await crypto.subtle.decrypt({ name: "AES-GCM", iv: toBytes(found.iv) }, await key, toBytes(found.data));
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      // Another key, or another person.
    }
  }
  return null;
};

export const remove = (name) => sessionStorage.removeItem(keyOf(name));

const storedKeys = (prefix) => Object.keys(sessionStorage).filter((one) => one.startsWith(prefix));

// Returns the names of the drafts of one kind: `base`, or `base:` and the key of an entry.
export const names = (base) => storedKeys(keyOf(base)).map((one) => one.slice(keyOf("").length))
  .filter((name) => name === base || name.startsWith(`${base}:`));

// Deletes what the site has received: its answer names the submissions in a cookie.
const deleteReceived = () => {
  const cookie = document.cookie.split("; ").find((one) => one.startsWith("received=")) ?? "";
  const received = cookie.slice("received=".length).split(".");
  for (const one of storedKeys(keyOf(""))) {
    const { submission } = JSON.parse(sessionStorage.getItem(one));
    if (submission && received.includes(submission)) sessionStorage.removeItem(one);
  }
};

// Returns whether this tab keeps anything of this person that was not sent.
export const isKept = () => {
  deleteReceived();
  return storedKeys(keyOf("")).length > 0;
};

// Deletes drafts that are older than a sign-out of their person, in this tab or in another. A tab
// that slept does so when it wakes up.
const sweep = () => {
  for (const mark of Object.keys(localStorage).filter((one) => one.startsWith(SIGNED_OUT))) {
    const prefix = prefixOf(mark.slice(SIGNED_OUT.length));
    const at = Number(localStorage.getItem(mark));
    for (const one of storedKeys(prefix)) {
      if (JSON.parse(sessionStorage.getItem(one)).at <= at) sessionStorage.removeItem(one);
    }
  }
};

export const signOut = () => {
  isOver = true;
  localStorage.setItem(SIGNED_OUT + user, String(Date.now()));
  sweep();
};

window.addEventListener("storage", ({ key: mark }) => {
  if (mark === SIGNED_OUT + user) isOver = true;
});

sweep();
if (user) deleteReceived();
for (const event of ["storage", "pageshow", "visibilitychange"]) window.addEventListener(event, sweep);
