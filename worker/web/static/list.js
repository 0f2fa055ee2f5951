"use strict";
// The rows of a list: added, removed, moved and edited beside the page; what they mean and add up to is said while one types.
(() => {
  const root = document.getElementById("list");
  const csrf = document.querySelector("meta[name=csrf]").content;
  const banner = document.getElementById("banner");
  const form = root.querySelector("form.rows");
  const body = form.querySelector("tbody");
  const saving = document.querySelector(".saving");
  const { pages, places } = JSON.parse(root.dataset.view);
  const list = JSON.parse(root.dataset.list);
  const viewer = new window.Viewer(root.querySelector(".viewer"));
  const url = location.pathname;
  const openedAt = performance.now();
  let busy = false;

  function say(words) { banner.textContent = words; banner.hidden = !words; }
  const post = (to, sent) => fetch(to, { method: "POST", headers: { "X-CSRF-Token": csrf, "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(sent) });

  // ---- the table
  function button(act, sign, words) {
    const made = document.createElement("button");
    made.type = "button"; made.dataset.rowAct = act; made.textContent = sign;
    made.title = words; made.setAttribute("aria-label", words);
    return made;
  }
  function makeRow({ was = null, cells = {}, waits = [] } = {}) {
    const row = document.createElement("tr");
    if (was !== null) row.dataset.was = was;
    const number = document.createElement("td");
    number.className = "n";
    row.append(number);
    for (const member of list.members) {
      const cell = document.createElement("td");
      const typed = document.createElement("textarea");
      typed.rows = 1; typed.dir = "auto"; typed.spellcheck = false; typed.maxLength = 10000;
      typed.name = member.name; typed.value = cells[member.name] || "";
      typed.classList.toggle("waits", waits.includes(member.name));
      const means = document.createElement("span");
      means.className = "means";
      cell.append(typed, means);
      row.append(cell);
    }
    const acts = document.createElement("td");
    acts.className = "row-acts";
    acts.append(button("up", "↑", "Move this row up"), button("down", "↓", "Move this row down"), button("below", "+", "Add a row below"), button("remove", "×", "Remove this row"));
    row.append(acts);
    return row;
  }
  function renumber() {
    [...body.rows].forEach((row, at) => {
      row.cells[0].textContent = at + 1;
      for (const typed of row.querySelectorAll("textarea")) typed.setAttribute("aria-label", `${typed.name.replaceAll("_", " ")}, row ${at + 1}`);
    });
    checkSoon();
  }
  const read = () => [...body.rows].map((row) => ({
    was: row.dataset.was === undefined ? null : Number(row.dataset.was),
    cells: Object.fromEntries([...row.querySelectorAll("textarea")].map((typed) => [typed.name, typed.value.trim() ? typed.value : null])),
  }));
  function stand(row, name) { const typed = row && (row.querySelector(`textarea[name="${name}"]`) || row.querySelector("textarea")); if (typed) typed.focus(); }

  // ---- what the rows mean, and add up to
  let waiting = null;
  let asked = 0;
  function checkSoon() { clearTimeout(waiting); waiting = setTimeout(check, 80); }
  async function check() {
    const mine = ++asked;
    let said;
    try { const answer = await post(`${url}/check`, { rows: read() }); if (!answer.ok) return; said = await answer.json(); } catch { return; }
    if (mine !== asked) return;
    [...body.rows].forEach((row, at) => {
      for (const typed of row.querySelectorAll("textarea")) {
        const about = (said.rows[at] || {})[typed.name];
        const means = typed.nextElementSibling;
        typed.setAttribute("aria-invalid", String(Boolean(about) && !about.fits));
        means.className = about && !about.fits ? "means misfit" : "means";
        means.textContent = !about ? "" : about.fits ? (about.message && about.message !== typed.value.trim() ? `means ${about.message}` : "") : about.message;
      }
    });
    showSums(said.sums);
  }
  function showSums(sums) {
    const words = [];
    for (const each of sums) {
      form.querySelector(`[data-sum="${each.member}"]`).textContent = each.total === null ? "" : each.total;
      const name = each.member.replaceAll("_", " ");
      const printed = Object.entries(each.printed).map(([field, amount]) => `${field.replaceAll("_", " ")} ${amount}`).join(", ");
      if (each.total === null) words.push(`${name}: a value cannot be read as an amount yet`);
      else if (each.agrees === null) words.push(`${name} adds up to ${each.total}`);
      else words.push(`${name} adds up to ${each.total}: ${each.agrees ? "as printed" : "differs from what is printed"} (${printed})`);
    }
    const place = form.querySelector(".sums");
    place.textContent = words.join(" · ");
    place.classList.toggle("misfit", sums.some((each) => each.agrees === false));
    place.classList.toggle("fits", sums.some((each) => each.agrees === true) && !sums.some((each) => each.agrees === false));
  }

  // ---- changing rows
  const acts = {
    up: (row) => { if (row.previousElementSibling) row.previousElementSibling.before(row); },
    down: (row) => { if (row.nextElementSibling) row.nextElementSibling.after(row); },
    below: (row) => { const made = makeRow(); if (row) row.after(made); else body.append(made); return made; },
    remove: (row) => { const next = row.nextElementSibling || row.previousElementSibling; row.remove(); return next; },
  };
  function change(act, row, name) {
    if (!row && act !== "below") return;
    const to = acts[act](row) || row;
    renumber();
    if (to && to.isConnected) stand(to, name); else form.querySelector("[data-row-act=add]").focus();
  }
  form.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-row-act]");
    if (!pressed) return;
    const act = pressed.dataset.rowAct;
    if (act === "reload") { location.reload(); return; }
    if (act === "add") { change("below", body.rows[body.rows.length - 1]); return; }
    const row = pressed.closest("tr");
    change(act, row);
    if (row.isConnected && act !== "below") row.querySelector(`[data-row-act="${act}"]`).focus();
  });
  form.addEventListener("input", checkSoon);
  form.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const row = event.target.closest("tbody tr");
    const name = event.target.name;
    const act = event.altKey && { ArrowUp: "up", ArrowDown: "down", Enter: "below", Backspace: "remove", Delete: "remove" }[event.key];
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); save(); }
    else if (act && (row || act === "below")) { event.preventDefault(); change(act, row, name); }
    else if (event.key === "Enter" && row && !event.shiftKey && event.target.matches("textarea")) { event.preventDefault(); if (row.nextElementSibling) stand(row.nextElementSibling, name); else change("below", row, name); }
  });

  // ---- the place on the page
  form.addEventListener("focusin", (event) => {
    const row = event.target.closest("tbody tr");
    if (!row || row.dataset.was === undefined) return;
    const place = places[`${event.target.name} ${row.dataset.was}`];
    const page = place && pages.find((each) => each.number === place.page);
    if (page) { form.dataset.image = page.image; viewer.show({ ...place, ...page, pages }); window.sight.tell(form, viewer); }
  });
  viewer.told = () => window.sight.tell(form, viewer);

  // ---- saving
  async function save() {
    if (busy || !window.sight.allows(form, viewer, "rows")) return;
    busy = true;
    saving.textContent = "saving";
    let answer = null;
    try { answer = await post(url, { rows: read(), version: list.version, seen: true, took_ms: Math.round(performance.now() - openedAt) }); } catch { /* said below */ }
    busy = false;
    saving.textContent = "";
    if (answer === null || answer.status >= 500) { say("The rows are not saved: no connection. They stay here; save them again in a moment."); return; }
    if (answer.ok) { const said = await answer.json(); location.assign(said.open && new URLSearchParams(location.search).get("back") === "review" ? "/review" : `/documents/${root.dataset.document}`); return; }
    const problem = await answer.json().catch(() => ({}));
    say(problem.detail || `The server refused it (${answer.status}).`);
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); save(); });

  // ---- begin
  for (const row of list.rows) body.append(makeRow(row));
  if (!list.rows.length) body.append(makeRow());
  if (pages.length) {
    const first = Object.values(places)[0];
    const page = (first && pages.find((each) => each.number === first.page)) || pages[0];
    form.dataset.image = page.image;
    viewer.show({ ...(first || {}), ...page, pages });
  }
  window.sight.tell(form, viewer);
  renumber();
  stand(body.rows[0]);
})();
