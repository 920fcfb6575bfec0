// Messages for screen readers, in the live regions of base.html.
const write = (id, message) => {
  const region = document.getElementById(id);
  if (region) region.textContent = message;
};

export const announce = (message) => write("announce", message);
export const announceQuietly = (message) => write("announce-quietly", message);
