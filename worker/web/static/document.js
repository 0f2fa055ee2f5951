"use strict";
// All fields of one document beside its pages: a field lights its place, keys turn pages.
(() => {
  const root = document.getElementById("document");
  const { pages } = JSON.parse(root.dataset.view);
  const viewer = new window.Viewer(root.querySelector(".viewer"));
  const label = root.querySelector(".page-no");
  let at = 0;

  function open(index, boxes = []) {
    if (!pages[index]) return;
    at = index;
    viewer.show({ ...pages[index], boxes });
    if (label) label.textContent = `${pages[index].number} of ${pages.length}`;
  }

  function light(row) {
    root.querySelectorAll(".fields li.lit").forEach((each) => each.classList.remove("lit"));
    row.classList.add("lit");
    if (!row.dataset.place) return;
    const place = JSON.parse(row.dataset.place);
    open(pages.findIndex((page) => page.number === place.page), place.boxes);
  }

  root.addEventListener("focusin", (event) => { const row = event.target.closest(".fields li"); if (row) light(row); });
  root.addEventListener("click", (event) => {
    const row = event.target.closest(".fields li");
    if (row) light(row);
    const turn = event.target.closest("[data-view-act]")?.dataset.viewAct;
    if (turn === "before") open(at - 1);
    if (turn === "after") open(at + 1);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...root.querySelectorAll(".fields li")];
    const index = rows.findIndex((row) => row.classList.contains("lit"));
    if (event.key === "PageDown") { event.preventDefault(); open(at + 1); }
    else if (event.key === "PageUp") { event.preventDefault(); open(at - 1); }
    else if (event.key === "j" || event.key === "ArrowDown") { event.preventDefault(); rows[Math.min(index + 1, rows.length - 1)]?.focus(); }
    else if (event.key === "k" || event.key === "ArrowUp") { event.preventDefault(); rows[Math.max(index - 1, 0)]?.focus(); }
    else viewer.key(event);
  });
  open(0);
})();
