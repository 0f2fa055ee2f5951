"use strict";
// What a key means, on whatever keyboard.  A digit goes by its place (AZERTY writes & on the key 1); a letter goes by what is written
// on the key where that is Latin (A is A on AZERTY, too), and by its place where it is not (Cyrillic, Greek, Hebrew and others).
window.Keys = {
  shown: new Map(), // code -> what this keyboard writes there, as far as it is known

  // The names that a key press goes by, the likeliest first: "1", "e", "+", "Enter".
  names(event) {
    const key = event.key;
    if (key.length > 1 && key !== "Dead" && key !== "Unidentified") return [key];
    const names = [];
    const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code);
    if (/^[0-9]$/.test(key)) names.push(key);
    else if (digit && !event.shiftKey) names.push(digit[1]);
    const letter = this.letter(event);
    if (letter) names.push(letter);
    if (!names.includes(key.toLowerCase()) && key.length === 1) names.push(key.toLowerCase());
    return names;
  },
  letter(event) {
    const key = event.key.toLowerCase();
    if (/^[a-z]$/.test(key)) return key;
    const place = /^Key([A-Z])$/.exec(event.code);
    if (!place) return "";
    // with Alt some systems write another sign: what the keyboard writes without it counts
    const plain = (event.altKey && !/^[ -~]$/.test(event.key) && this.shown.get(event.code)) || event.key;
    if (/^[a-z]$/.test(plain.toLowerCase())) return plain.toLowerCase();
    const letters = plain.length === 1 && /\p{L}/u.test(plain);
    const unclear = plain === "Dead" || plain === "Unidentified";
    return (letters && !/\p{Script=Latin}/u.test(plain)) || (letters && plain === "\u0131") || unclear ? place[1].toLowerCase() : "";
  },
  // AltGr writes signs; it is no command.
  isAlt: (event) => event.altKey && !event.getModifierState("AltGraph"),

  // ---- the keys as they are written on this keyboard
  async learn() {
    try { for (const [code, key] of await navigator.keyboard.getLayoutMap()) this.shown.set(code, key); } catch { /* learnt while one types */ }
    this.label(document);
  },
  notice(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !/^Key[A-Z]$/.test(event.code) || !/^\p{L}$/u.test(event.key)) return;
    if (this.shown.get(event.code) === event.key.toLowerCase()) return;
    this.shown.set(event.code, event.key.toLowerCase());
    this.label(document);
  },
  // What is written on the key that means this letter.
  sign(letter) {
    for (const written of this.shown.values()) if (written === letter) return letter.toUpperCase();
    const there = this.shown.get(`Key${letter.toUpperCase()}`);
    return there && /^\p{L}$/u.test(there) && !/\p{Script=Latin}/u.test(there) ? there.toUpperCase() : letter.toUpperCase();
  },
  label(part) {
    for (const each of part.querySelectorAll("kbd")) {
      if (!each.dataset.key && /^[A-Z]$/.test(each.textContent)) each.dataset.key = each.textContent.toLowerCase();
      if (each.dataset.key) each.textContent = this.sign(each.dataset.key);
    }
  },
};
document.addEventListener("keydown", (event) => window.Keys.notice(event), true);
window.Keys.learn();
