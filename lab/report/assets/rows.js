// A long list of which only the rows in sight are in the document. All rows have one height. Knows nothing of what is in them.

import { el } from "./dom.js";

export class Rows {
  // scroller: the element that scrolls. draw(n): makes the element of row n, from 0; `.row` in the style sheet gives its
  // height, absolute position and width. spare: rows drawn above and below what is in sight, so that scrolling shows no gaps.
  constructor(scroller, draw, { role = "rowgroup", spare = 8 } = {}) {
    this.scroller = scroller;
    this.draw = draw;
    this.spare = spare;
    this.count = 0;
    this.kept = -1; // a row that stays in the document even out of sight: the one that has the focus, or would get it
    this.limit = 0; // for print: this many rows whatever is in sight
    this.drawn = new Map();
    this.gauge = el("div", { class: "row gauge", "aria-hidden": "true" });
    this.body = el("div", { class: "rows", role });
    scroller.append(el("div", { class: "gauges" }, this.gauge), this.body);
    this.height = 0;
    scroller.addEventListener("scroll", () => this.update(), { passive: true });
    const watch = new ResizeObserver(() => this.measure());
    watch.observe(scroller);
    watch.observe(this.gauge);
  }

  measure() {
    const height = this.gauge.getBoundingClientRect().height;
    if (height > 0 && height !== this.height) {
      this.height = height;
      this.body.style.setProperty("height", `${this.count * height}px`);
      for (const [n, row] of this.drawn) row.style.setProperty("top", `${n * height}px`);
    }
    this.update();
  }

  // Draw anew; there are so many rows now.
  reset(count) {
    this.count = count;
    this.kept = Math.min(this.kept, count - 1);
    this.drawn.clear();
    this.emptying = true; // who loses the focus now may ask for something to be shown
    this.body.replaceChildren();
    this.emptying = false;
    this.body.style.setProperty("height", `${count * this.height}px`);
    this.measure();
  }

  row(n) {
    return this.drawn.get(n);
  }

  // How many whole rows fit.
  get page() {
    return Math.max(1, Math.floor((this.scroller.clientHeight - this.body.offsetTop) / this.height) || 1);
  }

  // Row n stays in the document from now on, in sight or not.
  keep(n) {
    this.kept = n;
    if (!this.drawn.has(n)) this.update();
  }

  // Scroll until row n is in sight.
  reveal(n) {
    if (this.height > 0) {
      const { scroller, height } = this;
      const least = this.body.offsetTop + (n + 1) * height - scroller.clientHeight; // it is the last row in sight
      const most = n * height; // it is the first
      const at = scroller.scrollTop;
      if (at - most > height || least - at > height) scroller.scrollTop = (least + most) / 2; // from afar: to the middle
      else if (at > most) scroller.scrollTop = most;
      else if (at < least) scroller.scrollTop = least;
    }
    this.update();
  }

  wanted() {
    if (this.limit) return [0, Math.min(this.count, this.limit)];
    if (!this.height) return [0, 0];
    const first = Math.floor(this.scroller.scrollTop / this.height);
    const shown = Math.ceil(this.scroller.clientHeight / this.height);
    return [Math.max(0, first - this.spare), Math.min(this.count, first + shown + this.spare)];
  }

  update() {
    if (this.emptying) return;
    const [first, end] = this.wanted();
    for (const [n, row] of this.drawn) {
      if ((n < first || n >= end) && n !== this.kept) {
        row.remove();
        this.drawn.delete(n);
      }
    }
    const numbers = [];
    for (let n = first; n < end; n += 1) numbers.push(n);
    if (this.kept >= 0 && this.kept < first) numbers.unshift(this.kept);
    if (this.kept >= end) numbers.push(this.kept);
    let next = this.body.firstElementChild; // rows stand in order, and those that stay are not moved: they may hold the focus
    for (const n of numbers) {
      const row = this.drawn.get(n);
      if (row) {
        next = row.nextElementSibling;
        continue;
      }
      const made = this.draw(n);
      made.style.setProperty("top", `${n * this.height}px`);
      this.drawn.set(n, made);
      this.body.insertBefore(made, next);
    }
  }
}
