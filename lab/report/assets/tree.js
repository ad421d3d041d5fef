// The fields of a frame as a tree that keyboard and screen reader can walk (WAI-ARIA's tree pattern). Every item is in the
// document; an item below a folded one is hidden.

import { el } from "./dom.js";
import { nameAndValue } from "./fields.js";
import { scrollWithin } from "./rows.js";

export class FieldTree {
  // on: { point(node), focus(node), leave(), pin(node), release() }
  constructor(words, on) {
    this.on = on;
    this.folded = new Set();
    this.items = new Map(); // node -> element
    this.nodes = [];
    this.typed = { text: "", time: 0 };
    this.element = el("div", { class: "tree", role: "tree", "aria-label": words.say("explorer", "tree") });
    const nodeOf = (event) => this.nodes[event.target.closest?.("[data-node]")?.dataset.node];
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
    this.nodes = fields.nodes;
    this.folded = folded;
    this.items.clear();
    this.current = null;
    for (const node of fields.nodes) if (!node.hidden) this.items.set(node, this.draw(fields, node));
    this.element.replaceChildren(...this.items.values());
    this.refold();
    const first = this.items.keys().next().value;
    if (first) this.step(first, { tell: false });
  }

  draw(fields, node) {
    const siblings = node.parent ? node.parent.children : fields.nodes.filter((other) => !other.parent && !other.hidden);
    const [name, value] = nameAndValue(node.label);
    const layer = fields.layer(node.source, node.end - 1);
    const item = el("div", {
      class: `item${node.parent ? "" : " top"}`, role: "treeitem", tabindex: -1, "data-node": node.at, "aria-level": node.level + 1,
      "aria-setsize": siblings.length, "aria-posinset": siblings.indexOf(node) + 1, "aria-selected": "false",
      "aria-expanded": node.children.length ? "true" : null,
    },
      el("span", { class: "fold", "aria-hidden": "true" }, node.children.length ? "›" : ""),
      el("span", { class: `stripe on-${layer || "none"}`, "aria-hidden": "true" }),
      el("span", { class: "item-text" }, el("span", { class: "item-name" }, name), value && " ", value && el("span", { class: "item-value" }, value)));
    item.style.setProperty("--level", node.level);
    return item;
  }

  refold() {
    for (const [node, item] of this.items) {
      item.hidden = this.covered(node);
      if (node.children.length) item.setAttribute("aria-expanded", String(!this.folded.has(node.at)));
    }
  }

  covered(node) {
    for (let step = node.parent; step; step = step.parent) if (this.folded.has(step.at)) return true;
    return false;
  }

  fold(node, folded) {
    if (folded) this.folded.add(node.at);
    else this.folded.delete(node.at);
    this.refold();
  }

  foldAll(folded) {
    this.folded.clear();
    for (const node of this.items.keys()) if (folded && node.children.length) this.folded.add(node.at);
    this.refold();
    if (this.current && this.covered(this.current)) this.step(this.current.top, { tell: false });
  }

  // Mark a field; open: unfold what hides it, else its nearest visible ancestor is marked.
  light(node, { open = false, pinned = false } = {}) {
    this.element.querySelector(".lit")?.classList.remove("lit");
    for (const item of this.element.querySelectorAll('[aria-selected="true"]')) item.setAttribute("aria-selected", "false");
    if (!node || !this.items.has(node)) return;
    let shown = node;
    if (open) {
      for (let step = node.parent; step; step = step.parent) this.folded.delete(step.at);
      this.refold();
    }
    for (let step = node; step; step = step.parent) if (this.folded.has(step.at) && step !== node) shown = step;
    const item = this.items.get(shown);
    item.classList.add("lit");
    item.setAttribute("aria-selected", String(pinned && shown === node));
    scrollWithin(this.element, item);
    if (!this.element.contains(document.activeElement)) this.step(shown, { tell: false });
  }

  // The one item that Tab comes to.
  step(node, { tell = true } = {}) {
    this.items.get(this.current)?.setAttribute("tabindex", "-1");
    this.current = node;
    this.items.get(node).setAttribute("tabindex", "0");
    if (tell) this.on.focus(node);
  }

  focus(node) {
    this.items.get(node).focus({ preventScroll: true });
    scrollWithin(this.element, this.items.get(node));
  }

  key(event) {
    const node = this.current;
    const visible = [...this.items.keys()].filter((other) => !this.covered(other));
    const place = visible.indexOf(node);
    const open = node.children.length > 0 && !this.folded.has(node.at);
    const moves = {
      ArrowUp: () => visible[place - 1], ArrowDown: () => visible[place + 1], Home: () => visible[0], End: () => visible.at(-1),
      ArrowRight: () => (open ? node.children[0] : this.fold(node, false)),
      ArrowLeft: () => (open ? this.fold(node, true) : node.parent),
    };
    let to;
    if (event.key === "Enter" || event.key === " ") this.on.pin(node);
    else if (event.key === "Escape") this.on.release();
    else if (event.ctrlKey || event.altKey || event.metaKey) return;
    else if (Object.hasOwn(moves, event.key)) to = moves[event.key]();
    else if (event.key.length === 1) to = this.search(event, visible, place);
    else return;
    if (to) this.focus(to);
    event.preventDefault();
  }

  // Letters typed in quick succession go to the next field whose name begins so.
  search({ key, timeStamp }, visible, place) {
    const again = timeStamp - this.typed.time < 700;
    this.typed = { text: (again ? this.typed.text : "") + key.toLowerCase(), time: timeStamp };
    const from = again ? place : place + 1;
    const order = [...visible.slice(from), ...visible.slice(0, from)];
    return order.find((node) => nameAndValue(node.label)[0].toLowerCase().startsWith(this.typed.text));
  }
}
