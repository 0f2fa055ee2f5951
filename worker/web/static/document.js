"use strict";
// All fields of one document beside its pages: a field lights its place, and what waits is decided with the keys of the review.
(() => {
  const root = document.getElementById("document");
  const csrf = document.querySelector("meta[name=csrf]").content;
  const banner = document.getElementById("banner");
  const conflict = document.getElementById("conflict");
  const help = document.getElementById("help");
  const { pages } = JSON.parse(root.dataset.view);
  const viewer = new window.Viewer(root.querySelector(".viewer"));
  const outbox = new window.Outbox(root.dataset.who, csrf, document.querySelector(".saving"), {
    conflict: (html) => window.tellConflict(conflict, html),
    recovered: () => refresh(),
    refused: (words) => say(words),
    signedOut: () => say("You are not signed in any more. Sign in again in another tab, then load this page again: what you decided and typed is kept in this browser."),
  });
  const openedAt = performance.now();
  let row = null; // the field that is lit
  let litAt = 0;
  let busy = false;
  root.classList.add("scripted");

  const rows = () => [...root.querySelectorAll(".fields > li")];
  const input = () => window.typing.of(row);
  const undecided = () => row && (row.dataset.waits || row.classList.contains("fixing")) && !busy && !row.classList.contains("sent");
  function say(words) { banner.textContent = words; banner.hidden = !words; }
  const open = (index, place = {}) => { if (pages[index]) viewer.show({ ...place, ...pages[index], pages }); };

  function light(found) {
    if (found === row) return;
    rows().forEach((each) => each.classList.toggle("lit", each === found));
    row = found;
    litAt = performance.now();
    if (input()) window.typing.mark(row);
    const place = row.dataset.place ? JSON.parse(row.dataset.place) : {};
    const at = Math.max(0, pages.findIndex((page) => page.number === (place.page || Number(row.dataset.page))));
    if (row.dataset.place || row.dataset.page) open(at, place);
    row.dataset.image = pages[at] ? pages[at].image : "";
    window.sight.tell(row, viewer);
    row.scrollIntoView({ block: "nearest" });
    beat();
  }
  function stand(found) { if (found) { light(found); found.focus(); } }
  function step(by) { const all = rows(); stand(all[Math.min(Math.max(all.indexOf(row) + by, 0), all.length - 1)]); }
  // The next field below that waits, or the first that does; with none left, the present one.
  function nextWaiting() {
    const all = rows();
    const waits = (each) => each.dataset.waits && !each.classList.contains("sent") && each !== row;
    stand(all.slice(all.indexOf(row) + 1).find(waits) || all.find(waits) || row);
  }

  // ---- the list as the server has it now; the eye stays where it is
  async function refresh() {
    let html;
    try { const answer = await fetch(location.href); if (!answer.ok) return; html = await answer.text(); } catch { return; }
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const typing = document.activeElement === input() ? [input().selectionStart, input().selectionEnd] : null;
    const at = rows().indexOf(row);
    root.querySelector("#all").replaceWith(fresh.querySelector("#all"));
    const status = fresh.querySelector(".bar .status");
    if (status) document.querySelector(".bar .status").replaceWith(status);
    ready();
    const found = rows()[at];
    if (!found) return;
    const since = litAt;
    row = null;
    light(found);
    litAt = since;
    if (typing && input()) { input().focus(); input().setSelectionRange(...typing); } else if (!document.querySelector("dialog[open]")) found.focus();
  }
  function ready() {
    window.htmx.process(root);
    window.Keys.label(root);
    const waiting = new Set(outbox.list().map((entry) => entry.item));
    for (const each of rows()) {
      const typed = window.typing.of(each);
      if (!typed) continue;
      each.classList.toggle("sent", waiting.has(each.dataset.item));
      const draft = outbox.draft(each.dataset.item);
      if (draft !== null && draft !== typed.value) { typed.value = draft; each.classList.toggle("fixing", Boolean(each.dataset.fix)); }
      window.typing.mark(each);
    }
  }

  // ---- deciding
  async function send(entry) {
    outbox.add(entry);
    row.classList.add("sent");
    say("");
    nextWaiting();
    await outbox.flush();
    await refresh();
  }
  viewer.told = () => { if (row) window.sight.tell(row, viewer); };
  const may = (action) => undecided() && window.sight.allows(row, viewer, action);
  function decide(action) { if (may(action)) send(outbox.entry(row.dataset, action, "", litAt, window.sight.of(row, viewer))); }
  function skip() { if (undecided()) send(outbox.skipping(row.dataset)); }

  // A correction waits for the server's word, since the kind's parser may refuse it.
  async function correct(text) {
    if (!may("correct")) return;
    const decided = row;
    busy = true;
    const said = await outbox.settle(outbox.entry(row.dataset, "correct", text, litAt, true));
    busy = false;
    if (said.refused) { window.typing.misfit(decided, said.refused); return; }
    if (said === "signed out") return;
    decided.classList.add("sent");
    say("");
    nextWaiting();
    await refresh();
  }
  function enter() {
    if (!undecided()) { if (row) nextWaiting(); return; }
    if (window.typing.changed(row)) correct(input().value);
    else if (row.dataset.state === "absent" && row.dataset.waits) window.sight.absence(row);
    else if (row.dataset.canAccept === "yes") decide("accept");
    else input().focus();
  }
  function confirm() { if (window.typing.changed(row)) enter(); else decide("absent"); }
  function choose(number) {
    const button = row && row.querySelectorAll(".choice")[number - 1];
    if (button) correct(button.dataset.choice);
  }
  async function takeBack() {
    let answer = null;
    try { answer = await outbox.post(`/documents/${root.dataset.document}/verdict`, { verdict: "undo" }); } catch { /* said below */ }
    say(answer === null ? "No connection: nothing was undone." : answer.ok ? "" : await outbox.refusal(answer));
    await refresh();
  }
  async function undo() {
    if (root.querySelector("[data-act=takeBack]")) { await takeBack(); return; }
    await outbox.flush();
    let answer;
    try { answer = await outbox.post("/review/undo", {}, { Accept: "text/html" }); } catch { say("No connection: nothing was undone."); return; }
    if (answer.type === "opaqueredirect") { location.reload(); return; }
    if (!answer.ok) { say(await outbox.refusal(answer)); return; }
    const card = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("article.card");
    if (!location.pathname.endsWith(card.dataset.document)) { location.assign(`/review/items/${card.dataset.item}`); return; }
    say("");
    await refresh();
    stand(rows().find((each) => each.dataset.item === card.dataset.item));
  }
  function note() { const form = row && row.querySelector(".note"); if (form) { form.hidden = false; form.querySelector("input").focus(); } }
  function oneByOne() { location.assign(`/review?document=${location.pathname.split("/").pop()}`); }

  function listRows() { const link = (row && row.querySelector("[data-act=rows]")) || root.querySelector("[data-act=rows]"); if (link) location.assign(link.href); }
  function leave() { if (!row) return; outbox.dropDraft(row.dataset.item); row.classList.remove("fixing"); input().value = row.dataset.text; window.typing.mark(row); row.focus(); }
  const verdicts = window.listenToVerdicts({
    about: () => (root.querySelector(".verdicts") ? { document: root.dataset.document, images: pages.map((page) => page.image), since: openedAt } : null), viewer, outbox, say,
    judged: async (words) => { await refresh(); say(words); },
  });
  const acts = { ...verdicts, takeBack, leave, fix: () => window.typing.begin(row), rows: listRows, enter, confirm, correct: () => { if (row && input()) { if (window.typing.changed(row)) correct(input().value); else window.typing.begin(row); } }, absent: () => decide("absent"), unreadable: () => decide("unreadable"), skip, undo, note,
    document: oneByOne, help: () => help.showModal() };

  window.listenToKeys({ part: () => (input() ? row : null), acts, viewer, help, choose, more: (event, names) => {
    const kinds = root.querySelectorAll(".kinds button");
    const digit = names.find((name) => /^[1-9]$/.test(name));
    if (kinds.length && digit) { event.preventDefault(); if (kinds[digit - 1] && !event.repeat) kinds[digit - 1].click(); return true; }
    const by = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 }[names.find((name) => ["j", "k", "ArrowDown", "ArrowUp"].includes(name))];
    if (by) { event.preventDefault(); step(by); }
    return Boolean(by);
  } });

  // ---- the hand
  root.addEventListener("focusin", (event) => { const found = event.target.closest(".fields > li"); if (found) light(found); });
  root.addEventListener("click", (event) => {
    const whole = event.target.closest(".verdicts [data-act], [data-act=takeBack]");
    if (whole) { event.preventDefault(); acts[whole.dataset.act](); return; }
    const found = event.target.closest(".fields > li");
    if (!found) return;
    light(found);
    const witness = event.target.closest("button.witness");
    if (witness) { event.preventDefault(); window.witnesses.point(row, viewer, witness); return; }
    const button = event.target.closest("[data-act], .choice");
    if (!button || button.tagName === "A") return;
    event.preventDefault();
    if (button.classList.contains("choice")) correct(button.dataset.choice); else acts[button.dataset.act]();
  });
  root.addEventListener("input", (event) => { if (event.target === input()) { outbox.keepDraft(row.dataset.item, event.target.value); window.typing.mark(row); } });
  root.addEventListener("htmx:afterRequest", (event) => {
    if (!event.target.matches(".note")) return;
    if (!event.detail.successful) { say("The note is not kept yet: no connection, or you are signed out. Press Enter in it again in a moment."); return; }
    say("");
    event.target.reset(); event.target.hidden = true; row.focus();
  });

  // ---- the lease of the field that is lit
  async function beat() {
    if (!undecided() || !row.dataset.waits) return;
    const asked = row;
    const held = await outbox.held([asked.dataset.item]);
    if (held === null || asked !== row) return;
    const mine = held.includes(asked.dataset.item);
    asked.classList.toggle("theirs", !mine);
    if (!mine && undecided()) say("Somebody else has this field now. What you type is kept in this browser.");
  }
  setInterval(beat, 1000 * Number(root.dataset.beatS));

  open(Number(root.dataset.first));
  ready();
  const first = rows().find((each) => each.dataset.item === root.dataset.chosen) || rows().find((each) => each.dataset.waits);
  if (first) stand(first);
  outbox.flush();
})();
