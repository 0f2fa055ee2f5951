"use strict";
// One field at a time, the next one loaded already.  A decision shows the next field at once and is sent behind it; what is not
// sent yet is kept in the browser, so that neither a lost connection nor a closed window loses it.
(() => {
  const stage = document.getElementById("stage");
  const csrf = document.querySelector("meta[name=csrf]").content;
  const now = document.getElementById("now");
  const banner = document.getElementById("banner");
  const saving = document.querySelector(".saving");
  const conflict = document.getElementById("conflict");
  const help = document.getElementById("help");
  const viewer = new window.Viewer(stage.querySelector(".viewer"));
  const who = stage.dataset.who;
  const UNSENT = `surefield.unsent.${who}`;
  const draftKey = (item) => `surefield.draft.${who}.${item}`;
  let card = null; // what is shown
  let next = null; // a promise of the card after it, or of null
  let shownAt = 0;
  let busy = false; // waiting for the server's word on a correction

  // ---- what is not sent yet
  const unsent = () => { try { return JSON.parse(localStorage.getItem(UNSENT)) || []; } catch { return []; } };
  const keepUnsent = (list) => { localStorage.setItem(UNSENT, JSON.stringify(list)); tell(list.length); };
  let troubled = false;
  function tell(left) {
    saving.textContent = !left ? "" : troubled ? `${left} not saved yet: no connection. Kept here, trying again.` : `saving ${left}`;
    saving.classList.toggle("waits", troubled && left > 0);
  }

  async function post(url, body, headers = {}) {
    const form = body instanceof URLSearchParams ? body : new URLSearchParams(body);
    return fetch(url, { method: "POST", body: form, headers: { "X-CSRF-Token": csrf, "X-Part": "1", Accept: "application/json", ...headers }, redirect: "manual" });
  }

  let sending = null;
  function flush() { sending = sending || send().finally(() => { sending = null; }); return sending; }
  async function send() {
    for (let list = unsent(); list.length; list = unsent()) {
      const entry = list[0];
      let answer;
      try {
        answer = await post(entry.url, entry.body);
        if (answer.status >= 500 || answer.status === 429) throw new Error("not now");
      } catch {
        troubled = true; tell(list.length);
        setTimeout(flush, 2000);
        return;
      }
      troubled = false;
      if (answer.status === 401 || answer.status === 403) { say("You are not signed in any more. Sign in again in another tab, then load this page again: what you decided and typed is kept in this browser."); tell(list.length); return; }
      keepUnsent(unsent().filter((each) => each.id !== entry.id));
      if (answer.status === 409) showConflict(await answer.text());
      else if (answer.status >= 400) { say((await refusal(answer)) + " "); addLink(`/review/items/${entry.item}`, "Look at that field again"); }
      else localStorage.removeItem(draftKey(entry.item));
    }
  }
  async function refusal(answer) {
    const text = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".said-text");
    return text ? text.textContent : `The server refused it (${answer.status}).`;
  }

  // ---- showing
  function say(words) { banner.textContent = words; banner.hidden = !words; }
  function addLink(url, words) { const link = document.createElement("a"); link.href = url; link.textContent = words; banner.append(link); }
  function showConflict(html) { conflict.querySelector(".inside").innerHTML = html; if (!conflict.open) conflict.showModal(); }

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
    if (!card) { viewer.show(null); document.title = "Review · Surefield"; waitForMore(); return; }
    const view = JSON.parse(card.dataset.view);
    viewer.show(view);
    window.drawCrop(card.querySelector(".crop"), view);
    document.title = `${card.querySelector("h1").textContent.trim()} · Surefield`;
    shownAt = performance.now();
    const typed = input();
    if (typed) {
      const draft = localStorage.getItem(draftKey(card.dataset.item));
      if (draft !== null && draft !== typed.value) { typed.value = draft; say("What you had typed here is back."); }
      markTyped();
      if (card.dataset.canAccept === "no") typed.focus(); else document.activeElement?.blur();
    }
    const shown = card;
    viewer.loaded().then(() => { shown.dataset.ready = "yes"; });
    prefetch();
  }

  function prefetch() {
    delete stage.dataset.next;
    const url = new URL("/review/next", location.origin);
    for (const [name, value] of new URLSearchParams(location.search)) url.searchParams.append(name, value);
    const desk = unsent().map((entry) => entry.item);
    if (card) desk.push(card.dataset.item);
    for (const item of new Set(desk)) url.searchParams.append("besides", item);
    next = fetch(url, { headers: { "X-Part": "1" } })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
      .then((html) => { const found = parsed(html); stage.dataset.next = found ? found.dataset.item : "none"; return found; });
    next.catch(() => { stage.dataset.next = "lost"; });
  }

  async function advance() {
    say("");
    let found = null;
    try { found = await next; } catch { await flush(); prefetch(); try { found = await next; } catch { say("The next field cannot be loaded: no connection. Load the page again in a moment; nothing is lost."); return; } }
    show(found);
  }

  let waiting = null;
  function waitForMore() {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      if (card || document.hidden) { if (!card) waitForMore(); return; }
      await flush();
      prefetch();
      try { const found = await next; if (found) show(found); else waitForMore(); } catch { waitForMore(); }
    }, 5000);
  }

  // ---- deciding
  const input = () => card && card.querySelector("textarea[name=text]");
  const isTyped = () => { const typed = input(); return Boolean(typed) && typed.value !== card.dataset.text; };
  function markTyped() {
    const typed = isTyped() && Boolean(input().value.trim());
    card.classList.toggle("typed", typed);
    card.querySelector("[data-act=enter]").disabled = !typed && card.dataset.canAccept === "no";
  }
  const entryOf = (action, text) => ({
    id: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()), item: card.dataset.item, url: `/review/items/${card.dataset.item}/decide`,
    body: { version: card.dataset.version, action, text, took_ms: String(Math.round(performance.now() - shownAt)) },
  });

  function decide(action) {
    if (!card || busy || card.dataset.open !== "yes") return;
    keepUnsent([...unsent(), entryOf(action, "")]);
    advance();
    flush();
  }

  // A correction waits for the server's word, since the kind's parser may refuse it; the field stays until then.
  async function correct(text) {
    if (!card || busy || card.dataset.open !== "yes") return;
    busy = true;
    const entry = entryOf("correct", text);
    await flush();
    let answer;
    try { answer = await post(entry.url, entry.body); } catch { answer = null; }
    if (answer === null || answer.status >= 500) { troubled = true; keepUnsent([...unsent(), entry]); setTimeout(flush, 2000); advance(); return; }
    busy = false;
    if (answer.status === 409) { showConflict(await answer.text()); advance(); return; }
    if (answer.status === 401 || answer.status === 403) { keepUnsent([...unsent(), entry]); flush(); return; }
    if (answer.status >= 400) { misfit(await refusal(answer)); return; }
    localStorage.removeItem(draftKey(entry.item));
    advance();
  }
  function misfit(words) {
    const line = card.querySelector(".feedback");
    const span = document.createElement("span");
    span.className = "misfit"; span.textContent = words;
    line.replaceChildren(span);
    input().focus();
  }

  function enter() {
    if (!card) return;
    if (card.dataset.open !== "yes") { location.assign("/review"); return; }
    if (isTyped()) correct(input().value);
    else if (card.dataset.canAccept === "yes") decide("accept");
    else input().focus();
  }

  function type({ empty = false } = {}) {
    const typed = input();
    if (!typed) return;
    typed.focus();
    if (empty) { typed.value = ""; typed.dispatchEvent(new Event("input", { bubbles: true })); return; }
    const at = Number(card.dataset.doubtfulAt);
    if (at >= 0) typed.setSelectionRange(...span(typed.value, at)); else typed.setSelectionRange(typed.value.length, typed.value.length);
  }
  // Characters are counted as the server counts them: by code point.
  function span(text, at) { const before = [...text].slice(0, at).join("").length; return [before, before + ([...text][at] || "").length]; }

  function choose(number) {
    const button = card && card.querySelectorAll(".choice")[number - 1];
    if (button) correct(button.dataset.choice);
  }

  function skip() {
    if (!card || card.dataset.open !== "yes") return;
    keepUnsent([...unsent(), { ...entryOf("", ""), url: `/review/items/${card.dataset.item}/skip`, body: {} }]);
    advance();
    flush();
  }

  async function undo() {
    await flush();
    let answer;
    try { answer = await post("/review/undo", {}, { Accept: "text/html" }); } catch { say("No connection: nothing was undone."); return; }
    if (!answer.ok) { say(await refusal(answer)); return; }
    say("");
    show(parsed(await answer.text()));
  }

  function note() { const form = card && card.querySelector(".note"); if (form) { form.hidden = false; form.querySelector("input").focus(); } }
  function openDocument() { if (card) location.assign(`/documents/${card.dataset.document}`); }

  // ---- keys
  const acts = { enter, correct: () => (isTyped() ? correct(input().value) : type()), absent: () => decide("absent"), unreadable: () => decide("unreadable"), skip, undo, note,
    document: openDocument, help: () => help.showModal() };
  const letters = { e: () => type(), a: acts.absent, x: acts.unreadable, s: skip, u: undo, n: note, d: openDocument };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey) return;
    const typing = event.target.matches?.("input, textarea, select");
    const code = /^Key([A-Z])$/.exec(event.code);
    if (event.altKey) {
      const does = code && letters[code[1].toLowerCase()];
      if (does) { event.preventDefault(); does(); }
      return;
    }
    if (typing) {
      if (event.key === "Escape") { event.preventDefault(); event.target.blur(); }
      else if (event.key === "Enter" && event.target === input() && !event.shiftKey) { event.preventDefault(); if (event.target.value.trim()) enter(); }
      return;
    }
    if (event.target.closest?.("a, button, .tools") && (event.key === "Enter" || event.key === " " || event.key === "Tab")) return;
    if (event.key === "Enter") { event.preventDefault(); if (!event.repeat) enter(); }
    else if (event.key === "Tab" && !event.shiftKey && event.target === document.body && input()) { event.preventDefault(); type(); }
    else if (event.key === "Backspace") { event.preventDefault(); type({ empty: true }); }
    else if (event.key === "?") { event.preventDefault(); help.showModal(); }
    else if (/^[1-5]$/.test(event.key)) { event.preventDefault(); if (!event.repeat) choose(Number(event.key)); }
    else if (viewer.key(event)) return;
    else if (letters[event.key.toLowerCase()]) { event.preventDefault(); if (!event.repeat) letters[event.key.toLowerCase()](); }
  });

  now.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act], .choice");
    if (!button) return;
    if (button.classList.contains("choice")) { event.preventDefault(); correct(button.dataset.choice); return; }
    if (button.tagName === "A") return;
    event.preventDefault();
    acts[button.dataset.act]();
  });
  now.addEventListener("input", (event) => { if (event.target === input()) { localStorage.setItem(draftKey(card.dataset.item), event.target.value); markTyped(); } });
  now.addEventListener("htmx:afterRequest", (event) => { if (event.target.matches(".note") && event.detail.successful) { event.target.reset(); event.target.hidden = true; } });
  window.addEventListener("online", flush);

  // ---- the lease
  async function beat() {
    if (!card || card.dataset.open !== "yes") return;
    const items = [card.dataset.item];
    if (stage.dataset.next && /^[0-9a-f-]{36}$/.test(stage.dataset.next)) items.push(stage.dataset.next);
    let held;
    try {
      const answer = await fetch("/review/heartbeat", { method: "POST", headers: { "X-CSRF-Token": csrf, "Content-Type": "application/json" }, body: JSON.stringify({ items }) });
      if (!answer.ok) return;
      held = (await answer.json()).held;
    } catch { return; }
    if (items[1] && !held.includes(items[1]) && items[1] === stage.dataset.next) prefetch();
    if (card && items[0] === card.dataset.item && !busy && !held.includes(items[0])) {
      say("Somebody else has this field now. What you typed is kept in this browser. ");
      addLink(`/review${location.search}`, "Go on with the next one");
    }
  }
  setInterval(beat, 1000 * Number(stage.dataset.beatS));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) beat(); });

  show(now.querySelector("article.card"), { fresh: false });
  flush();
})();
