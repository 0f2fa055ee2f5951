"use strict";
// All fields of one document beside its pages: a field lights its place, keys turn pages.
(() => {
  const root = document.getElementById("document");
  const { pages } = JSON.parse(root.dataset.view);
  const viewer = new window.Viewer(root.querySelector(".viewer"));

  const open = (index, place = {}) => { if (pages[index]) viewer.show({ ...place, ...pages[index], pages }); };

  function light(row) {
    root.querySelectorAll(".fields li.lit").forEach((each) => each.classList.remove("lit"));
    row.classList.add("lit");
    if (!row.dataset.place) return;
    const place = JSON.parse(row.dataset.place);
    open(pages.findIndex((page) => page.number === place.page), place);
  }

  root.addEventListener("focusin", (event) => { const row = event.target.closest(".fields li"); if (row) light(row); });
  root.addEventListener("click", (event) => {
    const row = event.target.closest(".fields li");
    if (row) light(row);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...root.querySelectorAll(".fields li")];
    const index = rows.findIndex((row) => row.classList.contains("lit"));
    if (event.key === "j" || event.key === "ArrowDown") { event.preventDefault(); rows[Math.min(index + 1, rows.length - 1)]?.focus(); }
    else if (event.key === "k" || event.key === "ArrowUp") { event.preventDefault(); rows[Math.max(index - 1, 0)]?.focus(); }
    else viewer.key(event);
  });
  open(0);
})();
