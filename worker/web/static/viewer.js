"use strict";
// The page image under the reader's hand: pan, zoom, rotate, and the value's place lit on it.
// Lengths are points of the page until the very last transform.
window.isSoft = (source) => Boolean(source) && source !== "text-layer";
// A word's box reaches as high and as low as its font ever does, over its neighbours on a tightly set page: a little less shows the same.
window.inkOf = ([x0, y0, x1, y1]) => [x0, y0 + 0.14 * (y1 - y0), x1, y1 - 0.08 * (y1 - y0)];
// The patches that were looked at, [x0, y0, x1, y1, warmth]; of old readings only the box around them is known.
const patchesOf = (view) => (view.attention && view.attention.length ? view.attention : (view.boxes || []).map((box) => [...box, 1]));
const REACH = 1.1; // of a spot's glow, in sizes of its patch
window.attentionArea = (view) => {
  const spots = patchesOf(view);
  if (!spots.length) return null;
  const out = (at, low, high, sign) => at + sign * REACH * (high - low);
  return [Math.min(...spots.map((s) => out(s[0], s[0], s[2], -1))), Math.min(...spots.map((s) => out(s[1], s[1], s[3], -1))),
    Math.max(...spots.map((s) => out(s[2], s[0], s[2], 1))), Math.max(...spots.map((s) => out(s[3], s[1], s[3], 1)))];
};
// Draws the warmth from (left, top) of the page on, ``dots`` to a point.
window.drawHeat = (pen, view, left, top, dots) => {
  const strength = getComputedStyle(document.documentElement).getPropertyValue("--attention").trim();
  for (const [x0, y0, x1, y1, warmth] of patchesOf(view)) {
    pen.save();
    pen.translate(((x0 + x1) / 2 - left) * dots, ((y0 + y1) / 2 - top) * dots);
    pen.scale(((x1 - x0) / 2) * (1 + REACH) * dots, ((y1 - y0) / 2) * (1 + REACH) * dots);
    const fade = pen.createRadialGradient(0, 0, 0, 0, 0, 1);
    for (const [at, share] of [[0, 1], [0.35, 0.72], [0.65, 0.28], [0.85, 0.07], [1, 0]]) fade.addColorStop(at, `rgb(${strength} / ${share * (0.25 + 0.4 * warmth)})`);
    pen.fillStyle = fade;
    pen.fillRect(-1, -1, 2, 2);
    pen.restore();
  }
};
window.Viewer = class Viewer {
  constructor(root) {
    this.root = root;
    this.paper = root.querySelector(".paper");
    this.image = this.paper && this.paper.querySelector("img");
    this.view = null;
    this.scale = 1; this.x = 0; this.y = 0; this.turns = 0;
    this.drew = new Set(); // the images that were drawn, by address
    this.why = null; // in words, why the present one is not
    this.kept = Number(sessionStorage.getItem("surefield.zoom")) || null; // the size that the person chose: the next field has it too
    this.told = () => {}; // called when an image is drawn, or cannot be
    if (!this.paper) return;
    window.addEventListener("online", () => this.retry && this.retry());
    root.addEventListener("pointerdown", (event) => this.grab(event));
    root.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-view-act]");
      if (button) this.act(button.dataset.viewAct);
    });
    new ResizeObserver(() => this.view && this.place()).observe(root);
  }

  // Shows a page: {image, width, height, number, boxes, source, pages}; ``pages`` are all there are to turn to.
  show(view) {
    this.home = view;
    this.open(view);
  }

  // Another place than the value's: {page, boxes}, on any page of the document.
  point(place) {
    const page = ((this.home && this.home.pages) || []).find((each) => each.number === place.page);
    if (page) this.open({ ...page, boxes: place.boxes, source: null, pointed: true });
  }
  back() { if (this.home) { this.open(this.home); this.root.dispatchEvent(new CustomEvent("viewer:home", { bubbles: true })); } }

  turnPage(by) {
    const pages = (this.home && this.home.pages) || [];
    const page = this.view && pages[pages.findIndex((each) => each.number === this.view.number) + by];
    if (page) this.open(page.number === this.home.number ? this.home : page);
  }

  tellPage() {
    const pages = (this.home && this.home.pages) || [];
    for (const each of this.root.querySelectorAll(".turns")) each.hidden = pages.length < 2;
    const label = this.root.querySelector(".page-no");
    if (label) label.textContent = this.view ? `${this.view.number} of ${pages.length}` : "";
  }

  // The same image is not loaded again.
  open(view) {
    if (!this.paper) return;
    if (!view || !view.image) { this.view = null; this.paper.classList.remove("ready"); return; }
    const same = this.view && this.view.image === view.image;
    this.view = view;
    if (!same) {
      this.turns = 0;
      this.image.alt = `Page ${view.number || ""}`;
      this.drawing = this.load(view.image);
    }
    this.paper.style.width = `${view.width}px`;
    this.paper.style.height = `${view.height}px`;
    this.paper.classList.toggle("glide", Boolean(same));
    this.light(view);
    this.place();
    this.paper.classList.add("ready");
    this.tellPage();
  }

  // The image is asked for until it is drawn, or another one is wanted; resolves after the first try.
  async load(url) {
    this.paper.classList.remove("drawn");
    this.why = "It is still loading.";
    this.image.src = url;
    const drawn = await this.attempt(url);
    if (!drawn) this.keepTrying(url);
    return drawn;
  }
  async keepTrying(url) {
    for (let wait = 1000; this.view && this.view.image === url; wait = Math.min(2 * wait, 8000)) {
      await new Promise((resolve) => { this.retry = resolve; setTimeout(resolve, wait); });
      if (!this.view || this.view.image !== url) return;
      this.image.removeAttribute("src");
      this.image.src = url;
      if (await this.attempt(url)) return;
    }
  }
  async attempt(url) {
    let why = null;
    try { await this.image.decode(); } catch { why = await this.reason(url); }
    if (!this.view || this.view.image !== url) return false;
    this.why = why;
    if (!why) this.drew.add(url);
    this.paper.classList.toggle("drawn", !why);
    this.told();
    return !why;
  }
  async reason(url) {
    try {
      const answer = await fetch(url);
      if (answer.status === 401) return "You are not signed in any more.";
      if (answer.status === 404) return "Its image is missing from the store.";
      return answer.ok ? "The image is damaged." : `The server cannot send it now (${answer.status}).`;
    } catch { return "There is no connection."; }
  }

  // When the page's image is there to be seen, or could not be fetched.
  loaded() { return this.view && this.drawing ? this.drawing : Promise.resolve(false); }

  // A place found in words is framed firmly; one that was only looked at glows.
  light(view) {
    this.paper.querySelectorAll(".box, .frame").forEach((each) => each.remove());
    if (window.isSoft(view.source)) { this.glow(view); return; }
    for (const [x0, y0, x1, y1] of (view.boxes || []).map(window.inkOf)) {
      for (const kind of ["box", "frame"]) {
        const mark = document.createElement("div");
        const gap = kind === "frame" ? 1.5 : 0.5;
        mark.className = view.pointed ? `${kind} pointed` : kind;
        mark.style.left = `${x0 - gap}px`; mark.style.top = `${y0 - gap}px`;
        mark.style.width = `${x1 - x0 + 2 * gap}px`; mark.style.height = `${y1 - y0 + 2 * gap}px`;
        this.paper.append(mark);
      }
    }
  }

  // One picture of all the warmth there is on the page, fine enough for something without an edge.
  glow(view) {
    const area = window.attentionArea(view);
    if (!area) return;
    const [x0, y0, x1, y1] = area;
    const dots = Math.min(2, 1600 / Math.max(x1 - x0, y1 - y0));
    const canvas = document.createElement("canvas");
    canvas.className = "box soft";
    canvas.width = Math.ceil((x1 - x0) * dots); canvas.height = Math.ceil((y1 - y0) * dots);
    canvas.style.left = `${x0}px`; canvas.style.top = `${y0}px`;
    canvas.style.width = `${x1 - x0}px`; canvas.style.height = `${y1 - y0}px`;
    window.drawHeat(canvas.getContext("2d"), view, x0, y0, dots);
    this.paper.append(canvas);
  }

  // What the boxes cover together, or null.
  union() {
    const boxes = (this.view && this.view.boxes) || [];
    if (!boxes.length) return null;
    return [Math.min(...boxes.map((b) => b[0])), Math.min(...boxes.map((b) => b[1])), Math.max(...boxes.map((b) => b[2])), Math.max(...boxes.map((b) => b[3]))];
  }

  // The value's place in the middle, large enough to read, with as much of the page around it as fits.
  place() {
    const at = this.union();
    const { clientWidth: w, clientHeight: h } = this.root;
    if (!w) return;
    if (!at && this.kept) { this.scale = this.kept; this.centre(this.view.width / 2, 0); return; }
    if (!at) { this.fit(); return; }
    const wide = this.turns % 2 ? this.view.height : this.view.width;
    const readable = 24 / Math.max(4, Math.min(at[3] - at[1], 40));
    this.scale = Math.min(Math.max((w - 32) / wide, readable), (w - 32) / Math.max(60, at[2] - at[0]), 6);
    if (this.kept) this.scale = this.kept;
    this.centre((at[0] + at[2]) / 2, (at[1] + at[3]) / 2);
  }

  fit() {
    const { clientWidth: w, clientHeight: h } = this.root;
    if (!this.view || !w) return;
    const [pw, ph] = this.turns % 2 ? [this.view.height, this.view.width] : [this.view.width, this.view.height];
    this.scale = Math.min((w - 32) / pw, (h - 32) / ph);
    this.centre(this.view.width / 2, this.view.height / 2);
  }

  centre(px, py) {
    const [qx, qy] = this.turned(px, py);
    const { clientWidth: w, clientHeight: h } = this.root;
    this.x = w / 2 - this.scale * qx;
    this.y = h / 2 - this.scale * qy;
    this.keepInside();
    this.draw();
  }

  // A page narrower or lower than the window stands in its middle; a larger one leaves no empty margin.
  keepInside() {
    const { clientWidth: w, clientHeight: h } = this.root;
    const [pw, ph] = this.turns % 2 ? [this.view.height, this.view.width] : [this.view.width, this.view.height];
    const clamp = (at, size, room) => (size + 32 <= room ? (room - size) / 2 : Math.min(16, Math.max(room - size - 16, at)));
    this.x = clamp(this.x, pw * this.scale, w);
    this.y = clamp(this.y, ph * this.scale, h);
  }

  // A point of the page after the quarter turns, from the top left of the turned page.
  turned(px, py) {
    const { width, height } = this.view;
    return [[px, py], [height - py, px], [width - px, height - py], [py, width - px]][this.turns];
  }

  draw() {
    const { width, height } = this.view;
    const shift = [[0, 0], [height, 0], [width, height], [0, width]][this.turns];
    this.paper.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale}) translate(${shift[0]}px, ${shift[1]}px) rotate(${90 * this.turns}deg)`;
    for (const frame of this.paper.querySelectorAll(".frame")) frame.style.borderWidth = `${2 / this.scale}px`;
  }

  zoom(factor, cx = this.root.clientWidth / 2, cy = this.root.clientHeight / 2) {
    if (!this.view) return;
    const scale = Math.min(12, Math.max(0.05, this.scale * factor));
    this.x = cx - ((cx - this.x) * scale) / this.scale;
    this.y = cy - ((cy - this.y) * scale) / this.scale;
    this.scale = scale;
    this.keep(scale);
    this.draw();
  }
  keep(scale) {
    this.kept = scale;
    if (scale) sessionStorage.setItem("surefield.zoom", String(scale)); else sessionStorage.removeItem("surefield.zoom");
  }

  pan(dx, dy) { if (this.view) { this.x += dx; this.y += dy; this.draw(); } }

  act(name) {
    const acts = { in: () => this.zoom(1.25), out: () => this.zoom(0.8), fit: () => { this.keep(null); this.fit(); }, place: () => { this.keep(null); if (this.view && this.view.pointed) this.back(); else this.place(); },
      before: () => this.turnPage(-1), after: () => this.turnPage(1),
      turn: () => { if (this.view) { this.turns = (this.turns + 1) % 4; this.fit(); } } };
    if (acts[name]) { this.paper.classList.add("glide"); acts[name](); }
  }

  // A key that moves the page; true when it was one.
  key(event, names) {
    const step = 80;
    const keys = { "+": () => this.act("in"), "=": () => this.act("in"), "-": () => this.act("out"), 0: () => this.act("fit"), f: () => this.act("place"), r: () => this.act("turn"), PageUp: () => this.act("before"), PageDown: () => this.act("after"),
      ArrowLeft: () => this.pan(step, 0), ArrowRight: () => this.pan(-step, 0), ArrowUp: () => this.pan(0, step), ArrowDown: () => this.pan(0, -step) };
    const does = names.map((name) => keys[name]).find(Boolean);
    if (does) { event.preventDefault(); does(); }
    return Boolean(does);
  }

  wheel(event) {
    event.preventDefault();
    this.paper.classList.remove("glide");
    const at = this.root.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY / 400), event.clientX - at.left, event.clientY - at.top);
  }

  grab(event) {
    if (event.button !== 0 || event.target.closest(".tools")) return;
    this.paper.classList.remove("glide");
    this.root.setPointerCapture(event.pointerId);
    this.root.classList.add("grabbed");
    let [x, y] = [event.clientX, event.clientY];
    const move = (next) => { this.pan(next.clientX - x, next.clientY - y); [x, y] = [next.clientX, next.clientY]; };
    const drop = () => { this.root.classList.remove("grabbed"); this.root.removeEventListener("pointermove", move); };
    this.root.addEventListener("pointermove", move);
    this.root.addEventListener("pointerup", drop, { once: true });
    this.root.addEventListener("pointercancel", drop, { once: true });
  }
};

// Draws the place around the boxes of a view, enlarged, from the page's own image.
window.drawCrop = async (figure, view) => {
  const canvas = figure.querySelector("canvas");
  const boxes = view.boxes || [];
  figure.classList.toggle("unknown", !boxes.length);
  const caption = figure.querySelector("figcaption");
  const soft = window.isSoft(view.source);
  caption.hidden = Boolean(boxes.length) && !soft;
  caption.textContent = boxes.length ? "Where the model looked: about here." : "The place on the page is not known.";
  if (!boxes.length) return;
  const image = new Image();
  image.src = view.image;
  try { await image.decode(); } catch { return; }
  const [x0, y0] = [Math.min(...boxes.map((b) => b[0])), Math.min(...boxes.map((b) => b[1]))];
  const [x1, y1] = [Math.max(...boxes.map((b) => b[2])), Math.max(...boxes.map((b) => b[3]))];
  const ratio = canvas.clientWidth / Math.max(1, canvas.clientHeight);
  let height = Math.max((y1 - y0) * (soft ? 3 : 2), 16);
  let width = height * ratio;
  if (width < (x1 - x0) * 1.2) { width = (x1 - x0) * 1.2; height = width / ratio; }
  // The place in the middle, but nothing from beyond the page while there is page to show.
  const within = (at, size, room) => (size >= room ? at : Math.min(Math.max(at, 0), room - size));
  const [left, top] = [within((x0 + x1 - width) / 2, width, view.width), within((y0 + y1 - height) / 2, height, view.height)];
  const sharp = window.devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * sharp; canvas.height = canvas.clientHeight * sharp;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff"; pen.fillRect(0, 0, canvas.width, canvas.height);
  const dots = image.naturalWidth / view.width;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(image, left * dots, top * dots, width * dots, height * dots, 0, 0, canvas.width, canvas.height);
  if (soft) { // it is no place to underline
    pen.globalCompositeOperation = "multiply";
    pen.globalAlpha = 0.6;
    const zoomed = canvas.width / width;
    window.drawHeat(pen, view, left, top, zoomed);
    pen.globalAlpha = 1;
    pen.globalCompositeOperation = "source-over";
    return;
  }
  pen.strokeStyle = "#e08600"; pen.lineWidth = 2 * sharp;
  const zoom = canvas.width / width;
  for (const box of boxes.map(window.inkOf)) { pen.beginPath(); pen.moveTo((box[0] - left) * zoom, (box[3] + 1 - top) * zoom); pen.lineTo((box[2] - left) * zoom, (box[3] + 1 - top) * zoom); pen.stroke(); }
};
