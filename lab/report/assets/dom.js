// Makes elements and finds words. Everything that is shown passes through here, and only as text: there is no way to
// hand in markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

// el("button", { class: "tab", onclick: f, "aria-pressed": "true" }, "text", child, [more]); null attributes and
// children are left out, handlers are functions.
export function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

// Scroll the page to an element, at once for those who want nothing to move.
export function scrollPageTo(element) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" });
}

// What the parts of the page tell each other: bus.on("frame", f), bus.emit("frame", detail).
export class Bus extends EventTarget {
  on(name, listener) {
    this.addEventListener(name, (event) => listener(event.detail));
  }
  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

// The page's words in the language chosen: words.say("page", "title", {n: 12}). A word that is missing shows its key,
// so that a test sees it.
export class Words {
  constructor(words, language) {
    this.words = words;
    this.language = language;
  }
  has(part, key) {
    return this.words[this.language]?.[part]?.[key] !== undefined;
  }
  say(part, key, values = {}) {
    const text = this.words[this.language]?.[part]?.[key] ?? `${part}.${key}`;
    return text.replace(/\{(\w+)\}/g, (all, name) => (Object.hasOwn(values, name) ? String(values[name]) : all));
  }
  number(value, digits = 0) {
    return value.toLocaleString(this.language, { maximumFractionDigits: digits, minimumFractionDigits: digits });
  }
}
