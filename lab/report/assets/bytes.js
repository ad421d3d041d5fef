// The hexdump: offsets, bytes and text of one source, a grid in which the arrow keys go from byte to byte. Knows where bytes
// stand and how they are tinted; what they mean is the explorer's business.

import { el } from "./dom.js";
import { Rows } from "./rows.js";

const ACROSS_WIDE = 16; // bytes a row
const ACROSS_NARROW = 8;

export const hex = (number, digits = 2) => number.toString(16).padStart(digits, "0");
export const shownChar = (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·");

export class ByteGrid {
  // on: { point(byte), focus(byte), leave(), pin(byte), release() }, byte: its offset in the source.
  constructor(words, on) {
    this.words = words;
    this.on = on;
    this.across = ACROSS_WIDE;
    this.focused = 0;
    this.lit = null; // { first, last, byte }
    this.pointed = null; // the byte under the pointer
    this.element = el("div", { class: "dump bytes", role: "grid", "aria-label": words.say("explorer", "dump") });
    this.rows = new Rows(this.element, (n) => this.drawRow(n));
    this.ruler = this.rulerRow();
    this.element.append(el("div", { class: "gauges" }, this.ruler));
    const byteOf = (event) => event.target.closest?.("[data-byte]")?.dataset.byte;
    const listen = (name, then) => this.element.addEventListener(name, (event) => {
      const byte = byteOf(event);
      if (byte !== undefined) then(Number(byte));
    });
    // Moves only: bytes that come to lie under a resting pointer were not pointed at.
    listen("pointermove", (byte) => byte !== this.pointed && on.point(this.pointed = byte));
    listen("focusin", (byte) => this.step(byte));
    listen("click", (byte) => {
      this.focus(byte);
      on.pin(byte);
    });
    this.element.addEventListener("pointerleave", () => {
      this.pointed = null;
      on.leave();
    });
    this.element.addEventListener("focusout", (event) => this.element.contains(event.relatedTarget) || on.leave());
    this.element.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.fit()).observe(this.element);
  }

  // fields, source: what to show (see fields.js).
  show(fields, source) {
    this.fields = fields;
    this.source = source;
    this.data = fields.sources[source].bytes;
    this.focused = 0;
    this.lit = null;
    this.element.scrollTop = 0;
    this.fill();
  }

  fill() {
    const rows = Math.ceil(this.data.length / this.across);
    this.element.setAttribute("aria-rowcount", rows);
    this.element.setAttribute("aria-colcount", this.across + 1);
    this.digits = Math.max(4, (this.data.length - 1).toString(16).length);
    this.rows.reset(rows);
    this.rows.keep(Math.floor(this.focused / this.across));
  }

  // Sixteen bytes a row where they fit, else eight.
  fit() {
    const width = this.element.clientWidth;
    if (!width || !this.data) return;
    const across = this.ruler.getBoundingClientRect().width <= width ? ACROSS_WIDE : ACROSS_NARROW;
    if (across === this.across) return;
    this.across = across;
    const had = this.element.contains(document.activeElement);
    this.fill();
    if (had) this.focus(this.focused);
    if (this.lit) this.rows.reveal(Math.floor(this.lit.byte / across));
  }

  rulerRow() {
    this.digits = 4;
    this.data = new Uint8Array(ACROSS_WIDE);
    const row = this.drawRow(0);
    this.data = null;
    row.classList.add("ruler");
    row.setAttribute("aria-hidden", "true");
    for (const cell of row.querySelectorAll("[data-byte]")) for (const name of ["data-byte", "role", "tabindex"]) cell.removeAttribute(name);
    return row;
  }

  drawRow(n) {
    const start = n * this.across;
    const end = Math.min(start + this.across, this.data.length);
    const cells = [];
    const chars = [];
    for (let at = start; at < end; at += 1) {
      const byte = this.data[at];
      const layer = this.fields?.layer(this.source, at) ?? "";
      const place = `${layer ? `on-${layer}` : ""}${at - start === 8 ? " half" : ""}`;
      cells.push(el("div", {
        role: "gridcell", class: `byte ${place}${this.mark(at)}`, "data-byte": at, tabindex: at === this.focused ? 0 : -1,
      }, hex(byte)));
      chars.push(el("span", { class: `char ${place}${this.mark(at)}`, "data-byte": at }, shownChar(byte)));
    }
    for (let at = end; at < start + this.across; at += 1) cells.push(el("div", { class: `byte${at - start === 8 ? " half" : ""}`, role: "gridcell" }));
    return el("div", { class: "row dump-row", role: "row", "aria-rowindex": n + 1 },
      el("div", { role: "rowheader", class: "offset" }, el("span", { class: "decimal" }, start), el("span", {}, hex(start, this.digits))),
      cells, el("div", { class: "chars", "aria-hidden": "true" }, chars));
  }

  mark(at) {
    if (!this.lit || at < this.lit.first || at > this.lit.last) return "";
    const edges = `${at === this.lit.first ? " lit-first" : ""}${at === this.lit.last ? " lit-last" : ""}`;
    return ` lit${edges}${at === this.lit.byte ? " lit-here" : ""}`;
  }

  // Light bytes up, `lit.byte` most of all; show: scroll to them.
  light(lit, { show = false } = {}) {
    this.lit = lit;
    if (lit && !this.element.contains(document.activeElement)) this.rove(lit.byte);
    if (lit && show) this.rows.reveal(Math.floor(lit.byte / this.across));
    for (const cell of this.element.querySelectorAll("[data-byte]")) {
      const at = Number(cell.dataset.byte);
      const on = lit !== null && at >= lit.first && at <= lit.last;
      cell.classList.toggle("lit", on);
      cell.classList.toggle("lit-first", on && at === lit.first);
      cell.classList.toggle("lit-last", on && at === lit.last);
      cell.classList.toggle("lit-here", on && at === lit.byte);
    }
  }

  // The one byte that Tab comes to.
  rove(byte) {
    this.cell(this.focused)?.setAttribute("tabindex", "-1");
    this.focused = byte;
    this.rows.keep(Math.floor(byte / this.across));
    this.cell(byte)?.setAttribute("tabindex", "0");
  }

  step(byte) {
    this.rove(byte);
    this.on.focus(byte);
  }

  cell(byte) {
    return this.rows.row(Math.floor(byte / this.across))?.querySelector(`.byte[data-byte="${byte}"]`);
  }

  focus(byte) {
    this.rove(byte);
    this.rows.reveal(Math.floor(byte / this.across));
    this.cell(byte)?.focus({ preventScroll: true });
  }

  key(event) {
    const { across, focused } = this;
    const last = this.data.length - 1;
    const page = this.rows.page * across;
    const row = focused - (focused % across);
    const steps = {
      ArrowLeft: focused - 1, ArrowRight: focused + 1, ArrowUp: focused - across, ArrowDown: focused + across,
      PageUp: Math.max(focused % across, focused - page), PageDown: focused + page,
      Home: event.ctrlKey ? 0 : row, End: event.ctrlKey ? last : row + across - 1,
    };
    if (event.key === "Enter" || event.key === " ") this.on.pin(focused);
    else if (event.key === "Escape") this.on.release();
    else if (event.altKey || event.metaKey || !Object.hasOwn(steps, event.key)) return;
    else {
      const to = steps[event.key];
      const outside = to < 0 || (event.key === "ArrowDown" && to > last);
      if (!outside) this.focus(Math.min(to, last));
    }
    event.preventDefault();
  }

  // All rows, or the first so many, whatever is in sight: for paper. 0: only what is in sight again.
  unroll(limit) {
    this.rows.limit = limit;
    this.rows.update();
  }
}
