"use strict";
// One field at a time, the next one loaded already.  A decision shows the next field at once and is sent behind it; what is not
// sent yet is kept in the browser, so that neither a lost connection nor a closed window loses it.
(() => {
  const stage = document.getElementById("stage");
  const csrf = document.querySelector("meta[name=csrf]").content;
  const now = document.getElementById("now");
  const banner = document.getElementById("banner");
  const conflict = document.getElementById("conflict");
  const help = document.getElementById("help");
  const viewer = new window.Viewer(stage.querySelector(".viewer"));
  const outbox = new window.Outbox(stage.dataset.who, csrf, document.querySelector(".saving"), {
    conflict: showConflict,
    refused: (words, entry) => { say(`${words} `); addLink(`/review/items/${entry.item}`, "Look at that field again"); },
    signedOut: () => say("You are not signed in any more. Sign in again in another tab, then load this page again: what you decided and typed is kept in this browser."),
  });
  let card = null; // what is shown
  let next = null; // a promise of the card after it, or of null
  let shownAt = 0;
  let busy = false; // waiting for the server's word on a correction
  const input = () => window.typing.of(card);

  // ---- showing
  function say(words) { banner.textContent = words; banner.hidden = !words; }
  function addLink(url, words) { const link = document.createElement("a"); link.href = url; link.textContent = words; banner.append(link); }
  function showConflict(html) { window.tellConflict(conflict, html); }

  function parsed(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const found = holder.content.querySelector("article.card");
    if (found) { const view = JSON.parse(found.dataset.view); if (view.image) { const early = new Image(); early.src = view.image; early.decode().catch(() => {}); } }
    return found;
  }

  function show(found, { fresh = true } = {}) {
    if (fresh) now.replaceChildren(found || document.getElementById("empty").content.cloneNode(true));
    card = found;
    busy = false;
    window.htmx.process(now);
    window.Keys.label(now);
    if (!card) { viewer.show(null); document.title = "Review · Surefield"; waitForMore(); return; }
    const view = JSON.parse(card.dataset.view);
    card.dataset.image = view.image || "";
    viewer.show(view);
    window.drawCrop(card.querySelector(".crop"), view);
    document.title = `${card.querySelector("h1").textContent.trim()} · Surefield`;
    shownAt = performance.now();
    const typed = input();
    if (typed && outbox.has(card.dataset.item)) sent();
    else if (typed) {
      const draft = outbox.draft(card.dataset.item);
      if (draft !== null && draft !== typed.value) { typed.value = draft; say("What you had typed here is back."); }
      window.typing.mark(card);
      if (card.dataset.canAccept === "no") typed.focus(); else document.activeElement?.blur();
    }
    const shown = card;
    viewer.loaded().then(() => { shown.dataset.ready = "yes"; window.sight.tell(shown, viewer); });
    prefetch();
    if (card.dataset.open === "sent") advance(); // decided before the page was loaded: its decision is on its way
  }

  function prefetch() {
    delete stage.dataset.next;
    const url = new URL("/review/next", location.origin);
    for (const [name, value] of new URLSearchParams(location.search)) url.searchParams.append(name, value);
    const shown = outbox.list().map((entry) => entry.item);
    if (card) shown.push(card.dataset.item);
    for (const item of new Set(shown)) url.searchParams.append("besides", item);
    next = fetch(url, { headers: { "X-Part": "1" } })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
      .then((html) => { const found = parsed(html); stage.dataset.next = found ? found.dataset.item : "none"; return found; });
    next.catch(() => { stage.dataset.next = "lost"; });
  }

  // The next field; without a connection it is asked for until it comes.  Meanwhile the decided one takes no key.
  async function advance() {
    say("");
    const decided = card;
    for (let wait = 500; card === decided; wait = Math.min(2 * wait, 5000)) {
      try {
        const found = await next;
        if (card === decided) { say(""); show(found); }
        return;
      } catch { say("The next field cannot be loaded: no connection. It comes by itself when the connection is back; nothing is lost."); }
      await new Promise((resolve) => { window.addEventListener("online", resolve, { once: true }); setTimeout(resolve, wait); });
      await outbox.flush();
      if (card === decided) prefetch();
    }
  }

  let waiting = null;
  function waitForMore() {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      if (card || document.hidden) { if (!card) waitForMore(); return; }
      await outbox.flush();
      prefetch();
      try { const found = await next; if (found) show(found); else waitForMore(); } catch { waitForMore(); }
    }, 5000);
  }

  viewer.told = () => {
    if (!card) return;
    window.sight.tell(card, viewer);
    if (window.sight.of(card, viewer)) window.drawCrop(card.querySelector(".crop"), JSON.parse(card.dataset.view));
  };

  // ---- deciding
  const undecided = () => card && !busy && card.dataset.open === "yes";
  const may = (action) => undecided() && window.sight.allows(card, viewer, action);

  // What is decided takes no further key, however long the next field is on its way.
  function sent() { card.dataset.open = "sent"; card.classList.add("sent"); }

  function decide(action) {
    if (!may(action)) return;
    outbox.add(outbox.entry(card.dataset, action, "", shownAt, window.sight.of(card, viewer)));
    sent();
    advance();
    outbox.flush();
  }

  // A correction waits for the server's word, since the kind's parser may refuse it; the field stays until then.
  async function correct(text) {
    if (!may("correct")) return;
    busy = true;
    const said = await outbox.settle(outbox.entry(card.dataset, "correct", text, shownAt, true));
    busy = false;
    if (said.refused) window.typing.misfit(card, said.refused);
    else if (said !== "signed out") { sent(); advance(); }
  }

  function enter() {
    if (!card) return;
    if (card.dataset.open === "sent") return;
    if (card.dataset.open !== "yes") { location.assign("/review"); return; }
    if (window.typing.changed(card)) correct(input().value);
    else if (card.dataset.state === "absent") window.sight.absence(card);
    else if (card.dataset.canAccept === "yes") decide("accept");
    else input().focus();
  }
  function confirm() { if (window.typing.changed(card)) enter(); else decide("absent"); }

  function choose(number) {
    const button = card && card.querySelectorAll(".choice")[number - 1];
    if (button) correct(button.dataset.choice);
  }

  function skip() {
    if (!undecided()) return;
    outbox.add(outbox.skipping(card.dataset));
    sent();
    advance();
    outbox.flush();
  }

  async function undo() {
    await outbox.flush();
    let answer;
    try { answer = await outbox.post("/review/undo", {}, { Accept: "text/html" }); } catch { say("No connection: nothing was undone."); return; }
    if (answer.type === "opaqueredirect") { say("Taken back. Nothing of that document waits for a decision."); return; }
    if (!answer.ok) { say(await outbox.refusal(answer)); return; }
    say("");
    show(parsed(await answer.text()));
  }

  function note() { const form = card && card.querySelector(".note"); if (form) { form.hidden = false; form.querySelector("input").focus(); } }
  function openDocument() { if (card) location.assign(`/documents/${card.dataset.document}?field=${card.dataset.item}`); }

  function rows() { const link = card && card.querySelector("[data-act=rows]"); if (link) location.assign(link.href); }

  // ---- keys
  const verdicts = window.listenToVerdicts({
    about: () => (card && card.dataset.open === "yes" && !busy ? { document: card.dataset.document, images: [card.dataset.image], since: shownAt } : null), viewer, outbox, say,
    judged: async (words) => { sent(); prefetch(); await advance(); say(words); },
  });
  const acts = { ...verdicts, rows, enter, confirm, correct: () => (window.typing.changed(card) ? correct(input().value) : window.typing.begin(card)), absent: () => decide("absent"), unreadable: () => decide("unreadable"), skip, undo, note,
    document: openDocument, help: () => help.showModal() };
  window.listenToKeys({ part: () => card, acts, viewer, help, choose });

  now.addEventListener("click", (event) => {
    const witness = event.target.closest("button.witness");
    if (witness) { event.preventDefault(); window.witnesses.point(card, viewer, witness); return; }
    const button = event.target.closest("[data-act], .choice");
    if (!button) return;
    if (button.classList.contains("choice")) { event.preventDefault(); correct(button.dataset.choice); return; }
    if (button.tagName === "A") return;
    event.preventDefault();
    acts[button.dataset.act]();
  });
  now.addEventListener("input", (event) => { if (event.target === input()) { outbox.keepDraft(card.dataset.item, event.target.value); window.typing.mark(card); } });
  now.addEventListener("htmx:afterRequest", (event) => {
    if (!event.target.matches(".note")) return;
    if (!event.detail.successful) { say("The note is not kept yet: no connection, or you are signed out. Press Enter in it again in a moment."); return; }
    say("");
    event.target.reset(); event.target.hidden = true;
  });

  // ---- the lease
  async function beat() {
    if (!card || card.dataset.open !== "yes") return;
    const items = [card.dataset.item];
    if (stage.dataset.next && /^[0-9a-f-]{36}$/.test(stage.dataset.next)) items.push(stage.dataset.next);
    const held = await outbox.held(items);
    if (held === null) return;
    if (items[1] && !held.includes(items[1]) && items[1] === stage.dataset.next) prefetch();
    if (card && items[0] === card.dataset.item && !busy && !held.includes(items[0])) {
      say("Somebody else has this field now. What you typed is kept in this browser. ");
      addLink(`/review${location.search}`, "Go on with the next one");
    }
  }
  setInterval(beat, 1000 * Number(stage.dataset.beatS));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) beat(); });

  show(now.querySelector("article.card"), { fresh: false });
  outbox.flush();
})();
