"use strict";
// One audit: the page, a text field, and keys. Nothing is said of a page that is not drawn.
(() => {
  const card = document.querySelector(".audit");
  const form = card.querySelector("form");
  const typed = form.querySelector("textarea");
  const viewer = new window.Viewer(document.querySelector(".viewer"));
  const openedAt = performance.now();
  const buttons = [...form.querySelectorAll("button[data-key]")];
  let tried = false;
  let sent = false;

  const seen = () => viewer.drew.has(card.dataset.image);
  function tell() {
    const place = form.querySelector(".sight");
    card.classList.toggle("unseen", !seen());
    place.textContent = seen() ? "" : `The page is not shown. ${viewer.why || "It is still loading."} Until it is, you can only say illegible.`;
    place.classList.toggle("loud", !seen() && tried);
  }
  viewer.told = tell;
  viewer.show(JSON.parse(card.dataset.view));
  tell();
  typed.focus();

  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    tried = true;
    if (sent || (button && "sight" in button.dataset && !seen())) { event.preventDefault(); tell(); return; }
    if (button && button.value === "correct" && !typed.value.trim()) {
      event.preventDefault();
      const place = form.querySelector(".sight");
      place.textContent = "Type what the page says first. If it says nothing, press Alt A.";
      place.classList.add("loud");
      typed.focus();
      return;
    }
    sent = true;
    form.elements.took_ms.value = String(Math.round(performance.now() - openedAt));
    const mark = document.createElement("input");
    mark.type = "hidden"; mark.name = "seen"; mark.value = String(seen());
    form.append(mark);
  });
  window.addEventListener("pageshow", () => { sent = false; }); // back from the page after: it may be said again

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && event.target === typed) {
      event.preventDefault(); // one line; of two that differ no key chooses by itself
      const main = buttons.find((each) => each.dataset.key === "Enter");
      if (main) form.requestSubmit(main);
      return;
    }
    if (!window.Keys.isAlt(event)) return;
    const names = window.Keys.names(event);
    const button = buttons.find((each) => names.includes(each.dataset.key));
    if (button) { event.preventDefault(); form.requestSubmit(button); }
  });
})();
