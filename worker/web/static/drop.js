"use strict";
// Files dropped on the page of documents, or chosen: sent one after the other, and watched until each rests.
(() => {
  const form = document.getElementById("drop");
  if (!form) return;
  const csrf = document.querySelector("meta[name=csrf]").content;
  const chosen = form.querySelector("input[type=file]");
  const type = form.querySelector("select");
  const list = document.getElementById("handed");
  const heard = document.getElementById("heard");
  const most = Number(form.dataset.most);
  const TRIES = 400; // looks at a document that does not rest: about half an hour
  const waiting = [];
  let sending = false;
  form.classList.add("scripted");

  function line(name) {
    const made = document.createElement("li");
    const what = document.createElement("bdi"); what.dir = "auto"; what.textContent = name;
    const bar = document.createElement("progress"); bar.max = 1; bar.value = 0; bar.setAttribute("aria-label", `Sending ${name}`);
    const words = document.createElement("span"); words.className = "words"; words.textContent = "waits";
    const more = document.createElement("p"); more.className = "caution"; more.hidden = true;
    made.append(what, bar, words, more);
    list.append(made);
    list.hidden = false;
    return { name, made, what, bar, words, more };
  }
  function say(one, text, kind = "") { one.words.textContent = text; one.words.className = `words ${kind}`; }
  function end(one, text, kind) { one.bar.remove(); say(one, text, kind); heard.textContent = `${one.name}: ${text}`; }

  // ---- sending
  function take(files) {
    for (const file of files) {
      const one = line(file.name);
      if (file.size > most) end(one, `It has more than ${most.toLocaleString("en")} bytes. Split it, or raise SUREFIELD_MAX_BYTES.`, "failed");
      else waiting.push({ ...one, file, type: type.value });
    }
    next();
  }
  function next() {
    if (sending) return;
    const one = waiting.shift();
    if (!one) return;
    sending = true;
    const done = (text, kind) => { sending = false; if (text) end(one, text, kind); next(); };
    const body = new FormData();
    body.append("document_type", one.type);
    body.append("file", one.file);
    const sent = new XMLHttpRequest(); // fetch does not tell how much of a body has gone
    sent.open("POST", form.action);
    sent.setRequestHeader("X-CSRF-Token", csrf);
    sent.upload.onprogress = (event) => { if (event.lengthComputable) { one.bar.value = event.loaded / event.total; say(one, `${Math.floor(100 * event.loaded / event.total)} %`); } };
    sent.onerror = () => done("The connection broke. Look whether it is there, and drop it again if not: nothing is taken twice.", "failed");
    sent.onload = () => {
      let answer = {};
      try { answer = JSON.parse(sent.responseText); } catch { /* a proxy's own page */ }
      if (sent.status === 401) return done("You are not signed in any more. Sign in again in another tab, then drop it again.", "failed");
      if (sent.status >= 300 || !answer.url) return done(answer.detail || `It was not taken (${sent.status}). Try again.`, "failed");
      const link = document.createElement("a");
      link.href = answer.url;
      link.append(...one.what.childNodes);
      one.what.append(link);
      if (answer.caution) { one.more.textContent = answer.caution; one.more.hidden = false; }
      one.before = answer.created ? "" : "had been handed in before: ";
      end(one, answer.created ? "handed in, on its way" : "had been handed in before", "");
      watch(one, `${answer.url}/state`, TRIES);
      done();
    };
    say(one, "0 %");
    sent.send(body);
  }
  window.addEventListener("beforeunload", (event) => { if (sending || waiting.length) event.preventDefault(); });

  // ---- what becomes of it
  async function watch(one, url, left) {
    let state = null;
    try { const answer = await fetch(url, { headers: { Accept: "application/json" } }); if (answer.ok) state = await answer.json(); } catch { /* again in a moment */ }
    if (state && state.rests) {
      say(one, one.before + state.message, state.status);
      heard.textContent = `${one.name}: ${state.message}`;
      return;
    }
    if (left > 0) setTimeout(() => watch(one, url, left - 1), left > TRIES - 20 ? 1000 : 5000);
  }

  // ---- dropping
  const brings = (event) => [...event.dataTransfer.types].includes("Files");
  let depth = 0; // enter and leave come for every element on the way
  const over = (by) => { depth = by === 0 ? 0 : Math.max(0, depth + by); form.classList.toggle("over", depth > 0); };
  window.addEventListener("dragenter", (event) => { if (brings(event)) { event.preventDefault(); over(1); } });
  window.addEventListener("dragleave", (event) => { if (brings(event)) over(-1); });
  window.addEventListener("dragover", (event) => { if (brings(event)) { event.preventDefault(); event.dataTransfer.dropEffect = "copy"; } });
  window.addEventListener("drop", (event) => {
    if (!brings(event)) return;
    event.preventDefault(); // else the browser leaves the page and shows the file
    over(0);
    const items = [...event.dataTransfer.items].filter((each) => each.kind === "file");
    const files = [];
    for (const each of items) {
      const entry = each.webkitGetAsEntry && each.webkitGetAsEntry();
      if (entry && entry.isDirectory) end(line(entry.name), "It is a folder. Drop the files in it.", "failed");
      else files.push(each.getAsFile());
    }
    take(files);
  });
  chosen.addEventListener("change", () => { take([...chosen.files]); chosen.value = ""; });
  form.addEventListener("submit", (event) => event.preventDefault());
})();
