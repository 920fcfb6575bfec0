// Words for screen readers, in the live regions of base.html.
const say = (id, words) => {
  const region = document.getElementById(id);
  if (region) region.textContent = words;
};

export const sayAtOnce = (words) => say("announce", words);
export const sayQuietly = (words) => say("announce-quietly", words);
