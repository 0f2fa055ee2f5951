"use strict";
// What the document itself says about a field: each witness lights its place on the page, one after the other.
window.witnesses = {
  // Lights the place of this witness; the value's own again when it is lit already.
  point(part, viewer, button) {
    if (button.getAttribute("aria-pressed") === "true") { viewer.back(); return; }
    this.putOut();
    button.setAttribute("aria-pressed", "true");
    viewer.point(JSON.parse(button.dataset.place));
  },
  putOut() { for (const each of document.querySelectorAll("button.witness[aria-pressed=true]")) each.setAttribute("aria-pressed", "false"); },
  // The next one's place, the contradictions first; after the last one the value's own.
  next(part, viewer) {
    const all = part ? [...part.querySelectorAll("button.witness")] : [];
    if (!all.length) return;
    const at = all.findIndex((each) => each.getAttribute("aria-pressed") === "true");
    const found = all[at + 1] || all[at];
    this.point(part, viewer, found);
  },
};
document.addEventListener("viewer:home", () => window.witnesses.putOut());
