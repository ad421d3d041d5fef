// The fields of a frame as a tree that keyboard and screen reader can walk (WAI-ARIA's tree pattern). As a rule every item is in
// the document, but not all of a frame with ten thousand records.

import { el } from "./dom.js";
import { nameAndValue } from "./fields.js";
import { Rows } from "./rows.js";

const SPARE = 250; // items; most frames have fewer

export class FieldTree {
  // on: { point(node), focus(node), leave(), pin(node), release() }
  constructor(words, on) {
    this.on = on;
    this.folded = new Set(); // places of nodes
    this.shown = []; // the nodes that no fold covers, in order
    this.current = null; // the node that Tab comes to
    this.lit = null;
    this.pinned = false; // whether the lit one is kept
    this.typed = { text: "", time: 0 };
    this.element = el("div", { class: "tree", role: "tree", "aria-label": words.say("explorer", "tree") });
    this.rows = new Rows(this.element, (n) => this.draw(this.shown[n]), { role: "presentation", spare: SPARE });
    const nodeOf = (event) => this.fields?.nodes[event.target.closest?.("[data-node]")?.dataset.node];
    this.element.addEventListener("pointermove", (event) => {
      const node = nodeOf(event);
      if (node && node !== this.pointed) on.point(this.pointed = node);
    });
    this.element.addEventListener("pointerleave", () => {
      this.pointed = null;
      on.leave();
    });
    this.element.addEventListener("focusout", (event) => this.element.contains(event.relatedTarget) || on.leave());
    this.element.addEventListener("focusin", (event) => nodeOf(event) && this.step(nodeOf(event)));
    this.element.addEventListener("click", (event) => {
      const node = nodeOf(event);
      if (!node) return;
      if (event.target.closest(".fold") && node.children.length) this.fold(node, !this.folded.has(node.at));
      else on.pin(node);
      this.focus(node);
    });
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  // folded: places of nodes that are folded.
  show(fields, folded = new Set()) {
    Object.assign(this, { fields, folded, lit: null });
    this.tops = fields.nodes.filter((node) => !node.parent && !node.hidden);
    this.current = this.tops[0] ?? null;
    this.element.scrollTop = 0;
    this.refold();
  }

  draw(node) {
    const siblings = node.parent?.children ?? this.tops;
    const [name, value] = nameAndValue(node.label);
    const layer = this.fields.layer(node.source, node.end - 1);
    const item = el("div", {
      class: `row item${node.parent ? "" : " top"}`, role: "treeitem", "data-node": node.at, "aria-level": node.level + 1,
      "aria-setsize": siblings.length, "aria-posinset": siblings.indexOf(node) + 1,
      "aria-expanded": node.children.length ? String(!this.folded.has(node.at)) : null,
    },
      el("span", { class: "fold", "aria-hidden": "true" }, node.children.length ? "›" : ""),
      el("span", { class: `stripe on-${layer || "none"}`, "aria-hidden": "true" }),
      el("span", { class: "item-text" }, el("span", { class: "item-name" }, name), value && " ", value && el("span", { class: "item-value" }, value)));
    item.style.setProperty("--level", node.level);
    this.mark(item, node);
    return item;
  }

  mark(item, node) {
    item.classList.toggle("lit", node === this.lit);
    item.setAttribute("aria-selected", String(node === this.lit && this.pinned));
    item.setAttribute("tabindex", node === this.current ? 0 : -1);
  }

  markAll() {
    for (const [n, item] of this.rows.drawn) this.mark(item, this.shown[n]);
  }

  refold() {
    let folded = null; // the last folded node: what comes after it and is deeper is covered
    this.shown = this.fields.nodes.filter((node) => {
      if (node.hidden || (folded && node.level > folded.level)) return false;
      folded = this.folded.has(node.at) ? node : null;
      return true;
    });
    this.places = new Map(this.shown.map((node, place) => [node, place]));
    this.rows.reset(this.shown.length);
    if (this.current) this.step(this.seen(this.current), { tell: false });
  }

  // The node itself, or what is folded over it.
  seen(node) {
    let found = node;
    for (let step = node.parent; step; step = step.parent) if (this.folded.has(step.at)) found = step;
    return found;
  }

  fold(node, folded) {
    if (folded) this.folded.add(node.at);
    else this.folded.delete(node.at);
    this.refold();
    return node;
  }

  foldAll(folded) {
    this.folded = new Set(folded ? this.fields.nodes.filter((node) => node.children.length).map((node) => node.at) : []);
    this.refold();
  }

  // Mark a field; open: unfold what hides it, else what is folded over it is marked.
  light(node, { open = false, pinned = false } = {}) {
    if (node && open && this.seen(node) !== node) {
      for (let step = node.parent; step; step = step.parent) this.folded.delete(step.at);
      this.refold();
    }
    this.lit = node && !node.hidden ? this.seen(node) : null;
    this.pinned = pinned && this.lit === node;
    if (this.lit) {
      this.rows.reveal(this.places.get(this.lit));
      if (!this.element.contains(document.activeElement)) this.step(this.lit, { tell: false });
    }
    this.markAll();
  }

  // The one item that Tab comes to.
  step(node, { tell = true } = {}) {
    this.current = node;
    this.rows.keep(this.places.get(node));
    this.markAll();
    if (tell) this.on.focus(node);
  }

  focus(node) {
    const place = this.places.get(node);
    this.rows.keep(place);
    this.rows.reveal(place);
    this.rows.row(place).focus({ preventScroll: true });
  }

  key(event) {
    const { current: node, shown } = this;
    const place = this.places.get(node);
    const open = node.children.length > 0 && !this.folded.has(node.at);
    const moves = {
      ArrowUp: () => shown[place - 1], ArrowDown: () => shown[place + 1], Home: () => shown[0], End: () => shown.at(-1),
      ArrowRight: () => (open ? node.children[0] : node.children.length > 0 && this.fold(node, false)),
      ArrowLeft: () => (open ? this.fold(node, true) : node.parent),
    };
    let to;
    if (event.key === "Enter" || event.key === " ") this.on.pin(node);
    else if (event.key === "Escape") this.on.release();
    else if (event.ctrlKey || event.altKey || event.metaKey) return;
    else if (Object.hasOwn(moves, event.key)) to = moves[event.key]();
    else if (event.key.length === 1) to = this.search(event, place);
    else return;
    if (to) this.focus(to);
    event.preventDefault();
  }

  // Letters typed in quick succession go to the next field whose name begins so.
  search({ key, timeStamp }, place) {
    const again = timeStamp - this.typed.time < 700;
    this.typed = { text: (again ? this.typed.text : "") + key.toLowerCase(), time: timeStamp };
    const from = again ? place : place + 1;
    const order = [...this.shown.slice(from), ...this.shown.slice(0, from)];
    return order.find((node) => nameAndValue(node.label)[0].toLowerCase().startsWith(this.typed.text));
  }

  // All fields, or the first so many, unfolded: for paper. 0: as before.
  unroll(limit) {
    if (limit) this.unfolded = this.folded;
    this.folded = limit ? new Set() : this.unfolded ?? this.folded;
    this.rows.limit = limit;
    this.refold();
  }
}
