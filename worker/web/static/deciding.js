"use strict";
// What the review and the document mode have in common: decisions on their way to the server, and what the keys mean.

// Decisions that are not sent yet are kept in the browser, so that neither a lost connection nor a closed window loses them.
window.Outbox = class Outbox {
  // on: conflict(html), refused(words, entry), signedOut(): what the page says when the server does not just take it
  constructor(who, csrf, saving, on) {
    Object.assign(this, { who, csrf, saving, on, key: `surefield.unsent.${who}`, troubled: false, sending: null });
    window.addEventListener("online", () => this.flush());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.flush(); });
  }

  list() { try { return JSON.parse(localStorage.getItem(this.key)) || []; } catch { return []; } }
  keep(list) { localStorage.setItem(this.key, JSON.stringify(list)); this.tell(); }
  // What is on its way about an item is its decision: no key adds another.
  has(item) { return this.list().some((entry) => entry.item === item); }
  add(entry) { if (!this.has(entry.item)) this.keep([...this.list(), entry]); }
  tell() {
    const left = this.list().length;
    this.saving.textContent = !left ? "" : this.troubled ? `${left} not saved yet: no connection. Kept here, trying again.` : `saving ${left}`;
    this.saving.classList.toggle("waits", this.troubled && left > 0);
  }

  draftKey(item) { return `surefield.draft.${this.who}.${item}`; }
  draft(item) { return localStorage.getItem(this.draftKey(item)); }
  keepDraft(item, text) { localStorage.setItem(this.draftKey(item), text); }
  dropDraft(item) { localStorage.removeItem(this.draftKey(item)); }

  // A decision about the field that stands in ``data``: an article or a row with its data attributes.
  entry(data, action, text, since, seen) {
    return { id: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()), item: data.item, url: data.url || `/review/items/${data.item}/decide`,
      body: { ...(data.field ? { field: data.field, ordinal: data.ordinal } : {}), version: data.version, action, text, seen: String(seen), took_ms: String(Math.round(performance.now() - since)) } };
  }
  skipping(data) { return { ...this.entry(data, "", "", performance.now(), false), url: `/review/items/${data.item}/skip`, body: {} }; }

  post(url, body, headers = {}) {
    const form = new URLSearchParams(body);
    return fetch(url, { method: "POST", body: form, headers: { "X-CSRF-Token": this.csrf, "X-Part": "1", Accept: "application/json", ...headers }, redirect: "manual" });
  }

  flush() { this.sending = this.sending || this.send().finally(() => { this.sending = null; }); return this.sending; }
  again() { this.troubled = true; this.tell(); setTimeout(() => this.flush(), 2000); }

  async send() {
    let recovered = false;
    for (let list = this.list(); list.length; list = this.list()) {
      const entry = list[0];
      let answer;
      try {
        answer = await this.post(entry.url, entry.body);
        if (answer.status >= 500 || answer.status === 429) throw new Error("not now");
      } catch { this.again(); return; }
      recovered = recovered || this.troubled;
      this.troubled = false;
      if (await this.isSignedOut(answer)) { this.on.signedOut(); this.tell(); return; }
      this.keep(this.list().filter((each) => each.id !== entry.id));
      if (answer.status === 409) this.on.conflict(await answer.text());
      else if (answer.status >= 400) this.on.refused(await this.refusal(answer), entry);
      else this.dropDraft(entry.item);
    }
    if (recovered && this.on.recovered) this.on.recovered();
  }

  // Sends one decision and waits for the server's word: "saved", "kept" for later, "conflict", or {refused: why}.
  async settle(entry) {
    await this.flush();
    let answer;
    try { answer = await this.post(entry.url, entry.body); } catch { answer = null; }
    if (answer === null || answer.status >= 500) { this.add(entry); this.again(); return "kept"; }
    if (answer.status === 409) { this.on.conflict(await answer.text()); return "conflict"; }
    if (await this.isSignedOut(answer)) { this.add(entry); this.flush(); return "signed out"; }
    if (answer.status >= 400) return { refused: await this.refusal(answer) };
    this.dropDraft(entry.item);
    return "saved";
  }

  // Not: this person may not do that; that is a refusal like others.
  async isSignedOut(answer) {
    return answer.status === 401 || (answer.status === 403 && !(await answer.clone().text()).includes("<code>forbidden</code>"));
  }
  async refusal(answer) {
    const text = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".said-text");
    return text ? text.textContent : `The server refused it (${answer.status}).`;
  }

  // Which of these items are this person's; null when nobody can be asked.
  async held(items) {
    try {
      const answer = await fetch("/review/heartbeat", { method: "POST", headers: { "X-CSRF-Token": this.csrf, "Content-Type": "application/json" }, body: JSON.stringify({ items }) });
      return answer.ok ? (await answer.json()).held : null;
    } catch { return null; }
  }
};

// What the server says of a conflict: a part made for the window, or a page of which the words are wanted.
window.tellConflict = (dialog, html) => {
  const words = new DOMParser().parseFromString(html, "text/html").querySelector(".said-text");
  const said = document.createElement("div");
  if (words) {
    const title = document.createElement("h2");
    title.textContent = "Somebody was faster";
    said.replaceChildren(title, words);
  } else said.innerHTML = html;
  const inside = dialog.querySelector(".inside");
  if (dialog.open) inside.append(said); else { inside.replaceChildren(said); dialog.showModal(); } // of several, none is lost
};

// Nobody confirms what they have not seen: what may be said of a field depends on its page being drawn.
window.sight = {
  without: new Set(["unreadable"]),
  // Whether the page that the field rests on was drawn.
  of: (part, viewer) => viewer.drew.has(part.dataset.image),
  // Says why a field cannot be decided yet; ``loudly`` when somebody tried to.
  tell(part, viewer, loudly = false) {
    const seen = this.of(part, viewer);
    part.classList.toggle("unseen", !seen);
    const place = part.querySelector(".sight");
    if (!place) return;
    const why = part.dataset.image ? viewer.why || "It is still loading." : "The document has no page to show.";
    place.textContent = seen ? "" : `The page is not shown. ${why} Until it is, you can only say unreadable, or skip.`;
    place.classList.toggle("loud", !seen && (loudly || place.classList.contains("loud"))); // the next try does not hush it
  },
  allows(part, viewer, action) {
    if (this.without.has(action) || this.of(part, viewer)) return true;
    this.tell(part, viewer, true);
    return false;
  },
  // Enter confirms no absence: it says which key does.
  absence(part) {
    const place = part.querySelector(".sight");
    place.textContent = `Nothing was read here. Press ${window.Keys.sign("a")} if it is not on the document, or type what stands there.`;
    place.classList.add("loud");
  },
};

// The text field of a card or a row.
window.typing = {
  of: (part) => part && part.querySelector("textarea[name=text]"),
  changed(part) { const typed = this.of(part); return Boolean(typed) && typed.value !== part.dataset.text; },
  mark(part) {
    const typed = this.changed(part) && Boolean(this.of(part).value.trim());
    part.classList.toggle("typed", typed);
    part.querySelector(".acts .main").disabled = !typed && part.dataset.canAccept === "no";
  },
  // The hand on the doubtful character, or on nothing at all.
  begin(part, { empty = false } = {}) {
    const typed = this.of(part);
    if (!typed) return;
    part.classList.toggle("fixing", Boolean(part.dataset.fix));
    typed.focus();
    if (empty) { typed.value = ""; typed.dispatchEvent(new Event("input", { bubbles: true })); return; }
    const at = Number(part.dataset.doubtfulAt);
    const signs = [...typed.value]; // counted as the server counts them: by code point
    const before = at >= 0 ? signs.slice(0, at).join("").length : typed.value.length;
    typed.setSelectionRange(before, before + (at >= 0 ? (signs[at] || "").length : 0));
  },
  misfit(part, words) {
    const span = document.createElement("span");
    span.className = "misfit"; span.textContent = words;
    part.querySelector(".feedback").replaceChildren(span);
    this.of(part).focus();
  },
};

// What is said of a whole document.  about(): {document, images, since}; judged(): what the page does then.
window.listenToVerdicts = ({ about, viewer, outbox, say, judged }) => {
  const ask = document.getElementById("ask");
  const inside = ask.querySelector(".inside");
  const misfit = ask.querySelector(".misfit");
  let busy = false;
  const WORDS = { other_type: "of another type", not_ours: "not ours", illegible: "illegible", duplicate: "a duplicate" };
  async function judge(verdict, more = {}) {
    const what = about();
    if (!what || busy) return;
    const seen = what.images.some((image) => viewer.drew.has(image));
    if (!seen && verdict !== "illegible") { say(`The document is not shown. ${viewer.why || ""} Until it is, you can only say illegible, or skip.`); return; }
    busy = true;
    let answer = null;
    await outbox.flush();
    try { answer = await outbox.post(`/documents/${what.document}/verdict`, { verdict, seen: String(seen), took_ms: String(Math.round(performance.now() - what.since)), ...more }); } catch { /* said below */ }
    busy = false;
    const refused = answer === null ? "No connection: nothing is kept. Try again in a moment." : answer.ok ? null : await outbox.refusal(answer);
    if (refused) { if (ask.open) misfit.textContent = refused; else say(refused); return; }
    if (ask.open) ask.close();
    await judged(`Kept: it is ${WORDS[verdict]}. ${window.Keys.sign("u")} takes it back.`);
  }
  async function question(verdict) {
    const what = about();
    if (!what) return;
    let answer = null;
    try { answer = await fetch(`/documents/${what.document}/verdict?verdict=${verdict}`); } catch { /* said below */ }
    if (!answer || !answer.ok) { say("No connection: nothing was asked. Try again in a moment."); return; }
    inside.innerHTML = await answer.text();
    window.Keys.label(ask);
    misfit.textContent = "";
    ask.showModal();
    const first = inside.querySelector("button, input");
    if (first) first.focus();
  }
  ask.addEventListener("close", () => inside.replaceChildren());
  const press = (button) => judge(button.dataset.verdict, button.dataset.typed ? { of: inside.querySelector("input").value } : button.dataset.type ? { type: button.dataset.type } : { of: button.dataset.of });
  ask.addEventListener("click", (event) => { const button = event.target.closest("[data-verdict]"); if (button) press(button); });
  ask.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const typed = event.target.matches("input");
    const digit = window.Keys.names(event).find((name) => /^[1-9]$/.test(name));
    const button = !typed && digit && inside.querySelectorAll(".choice")[digit - 1];
    if (button) { event.preventDefault(); press(button); }
    else if (typed && event.key === "Enter") { event.preventDefault(); press(inside.querySelector("[data-typed]")); }
  });
  return { otherType: () => question("other_type"), notOurs: () => judge("not_ours"), illegible: () => judge("illegible"), duplicate: () => question("duplicate"),
    askSender: () => { const link = document.querySelector("[data-act=askSender]"); if (link) location.assign(link.href); } };
};
// The keys of both modes.  part(): the card or row that they are about; acts: what each does; more(event): keys of one mode alone.
window.listenToKeys = ({ part, acts, viewer, help, choose, more = () => false }) => {
  const letters = { e: () => window.typing.begin(part()), a: acts.absent, x: acts.unreadable, s: acts.skip, u: acts.undo, n: acts.note, d: acts.document, l: acts.rows, w: () => window.witnesses.next(part(), viewer),
    t: acts.otherType, o: acts.notOurs, i: acts.illegible, c: acts.duplicate, p: acts.askSender };
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.key === "Process" || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey) return;
    const input = window.typing.of(part());
    const typing = event.target.matches?.("input, textarea, select");
    const names = window.Keys.names(event);
    const letter = names.find((name) => letters[name]);
    if (event.altKey) {
      if (letter && window.Keys.isAlt(event)) { event.preventDefault(); letters[letter](); }
      return;
    }
    if (typing) {
      if (event.key === "Escape") { event.preventDefault(); event.target.blur(); }
      else if (event.key === "Enter" && event.target === input && !event.shiftKey) { event.preventDefault(); if (event.target.value.trim()) acts.enter(); }
      return;
    }
    if (event.target.closest?.("a, button, .tools") && (event.key === "Enter" || event.key === " " || event.key === "Tab")) return;
    const once = (does) => { event.preventDefault(); if (!event.repeat) does(); };
    const digit = names.find((name) => /^[1-5]$/.test(name));
    if (more(event, names)) return;
    if (event.key === "Enter") once(acts.enter);
    else if (event.key === "Tab" && !event.shiftKey && event.target === document.body && input) { event.preventDefault(); window.typing.begin(part()); }
    else if (event.key === "Backspace") { event.preventDefault(); window.typing.begin(part(), { empty: true }); }
    else if (event.key === "?") { event.preventDefault(); help.showModal(); }
    else if (digit) once(() => choose(Number(digit)));
    else if (viewer.key(event, names)) return;
    else if (letter) once(letters[letter]);
  });
};
