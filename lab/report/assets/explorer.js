// The byte explorer: the list of frames, and of the chosen one the bytes beside the tree of fields, with a card that explains
// what is pointed at. Joins the parts and holds what is chosen; the parts draw.

import { el, scrollPageTo } from "./dom.js";
import { ByteGrid } from "./bytes.js";
import { card, spoken } from "./card.js";
import { Fields, LAYERS } from "./fields.js";
import { PacketList, speakers } from "./packets.js";
import { sign } from "./settings.js";
import { SourceTabs } from "./tabs.js";
import { FieldTree } from "./tree.js";

const PRINTED_ROWS = 256; // of a hexdump on paper
const PRINTED_FIELDS = 1024;

class Explorer {
  constructor(data, words, bus, store) {
    Object.assign(this, { data, words, bus, store });
    this.catalogue = data.fields ?? {};
    this.filter = { conn: null, payload: false };
    this.keys = false;
    this.frame = null;
    this.fields = null;
    this.source = 0;
    this.hovered = null; // choices as Fields.at() makes them: what is pointed at now,
    this.pinned = null; // what was clicked,
    this.latest = null; // and what was shown last, which stays until something else is pointed at
    this.element = el("div", { class: "explorer" });
    this.build();
    bus.on("language", () => this.relabel());
    bus.on("keys", ({ on }) => this.useKeys(on));
    bus.on("frame", (where) => this.goTo(where));
    const { frame, conn, payload } = data.frames.index;
    const first = frame.find((number, place) => payload[place] > 0 && conn[place] >= 0) ?? frame[0];
    if (first !== undefined) this.open(first);
    bus.on("paper", ({ on }) => this.paper(on));
  }

  say(key, values) {
    return this.words.say("explorer", key, values);
  }

  build() {
    this.fields = null; // what goes out of the document now has nothing left to say
    const back = { leave: () => this.point(null), release: () => this.pin(null) };
    this.list = new PacketList(this.data, this.words, this.filter, (frame) => this.open(frame));
    this.grid = new ByteGrid(this.words, {
      ...back,
      point: (byte) => this.point(this.fields.at(this.source, byte), { from: "bytes" }),
      focus: (byte) => this.goOn(this.fields.at(this.source, byte), "bytes"),
      pin: (byte) => this.pin(this.fields.at(this.source, byte)),
    });
    this.tree = new FieldTree(this.words, {
      ...back,
      point: (node) => this.point(this.fields.of(node), { from: "tree" }),
      focus: (node) => this.goOn(this.fields.of(node), "tree"),
      pin: (node) => this.pin(this.fields.of(node)),
    });
    this.heading = el("div", { class: "frame-heading" });
    this.tabs = new SourceTabs(this.words, this.list.rowId("tab"), (source) => this.tab(source));
    this.panel = el("div", { class: "panel", role: "tabpanel", id: this.list.rowId("panel") });
    this.aside = el("div", { class: "card-place-holder" });
    this.live = el("p", { class: "unseen", role: "status" });
    const folding = (key, folded) => el("button", { type: "button", class: "link small", onclick: () => this.tree.foldAll(folded) }, this.say(key));
    this.element.replaceChildren(this.list.element, this.heading, el("p", { class: "hint muted small" }, this.say("hint")),
      el("div", { class: "views" },
        el("div", { class: "left" }, this.tabs.element, this.panel, this.aside, this.legend()),
        el("div", { class: "right" },
          el("div", { class: "tree-bar" }, el("h4", {}, this.say("tree")), folding("unfold", false), folding("fold", true)), this.tree.element)),
      this.live);
  }

  legend() {
    return el("ul", { class: "legend small" }, LAYERS.map((layer) =>
      el("li", {}, el("span", { class: `bytes sample on-${layer}`, "aria-hidden": "true" }, "a7"), this.say(`layer.${layer}`))));
  }

  async open(frame) {
    this.frame = frame;
    let dissection;
    try {
      dissection = await this.store.load(frame);
    } catch {
      this.heading.replaceChildren(el("p", { class: "is-bad", role: "alert" }, this.say("unreadable", { frame })));
      return;
    }
    if (this.frame !== frame) return; // another was chosen meanwhile
    this.dissection = dissection;
    this.source = 0;
    this.hovered = this.pinned = this.latest = null;
    this.list.point(this.store.place(frame));
    this.show();
    this.start();
  }

  // What a frame's card shows at first: the payload's first field, else the last header's.
  start() {
    const top = this.fields.nodes.filter((node) => node === node.top && !node.hidden).at(-1);
    if (top) this.point(this.fields.at(top.source, top.start), { from: "start" });
  }

  // Draw the frame that is open.
  show(folded) {
    const place = this.store.place(this.frame);
    const { conn, from_client: fromClient, t, size, payload } = this.data.frames.index;
    const connection = this.list.connections.get(conn[place]);
    this.fields = new Fields(this.dissection, { keys: this.keys, overTls: Boolean(connection?.tls) });
    if (!this.fields.sources[this.source]) this.source = 0;
    const number = (value) => this.words.number(value);
    const facts = [
      speakers(connection, fromClient[place], this.words), connection && this.say(connection.tls ? "tls" : "plain"),
      this.say("ms", { t: this.words.number(t[place], 1) }), this.say("sizes", { size: number(size[place]), payload: number(payload[place]) }),
    ];
    const step = (by, key, text) => el("button", { type: "button", "aria-label": this.say(key), title: this.say(key), onclick: () => this.list.move(by) }, text);
    this.heading.replaceChildren(
      el("div", {}, el("h3", {}, this.say("frame", { frame: this.frame })), el("p", { class: "muted small" }, facts.filter(Boolean).join(" · "))),
      el("div", { class: "group" }, step(-1, "previous", "‹"), step(1, "next", "›")));
    this.tree.show(this.fields, folded);
    this.showSource(this.source);
  }

  showSource(source) {
    this.source = source;
    const { sources } = this.fields;
    this.tabs.draw(sources, source, this.panel.id);
    this.panel.setAttribute("aria-labelledby", this.tabs.id(source));
    const most = Math.max(...sources.map(({ bytes }) => bytes.length));
    this.panel.style.setProperty("--rows", Math.ceil(most / 16));
    if (sources[source].locked) {
      this.panel.replaceChildren(el("div", { class: "locked tint-sealed" }, sign("sealed"), el("p", {}, this.say("locked_why")),
        el("button", { type: "button", onclick: () => this.bus.emit("keys", { on: true }) }, this.say("unlock"))));
      return;
    }
    if (this.grid.element.parentNode !== this.panel) this.panel.replaceChildren(this.grid.element);
    this.grid.show(this.fields, source);
    this.grid.fit();
  }

  tab(source, { focus = true } = {}) {
    this.hovered = this.pinned = null;
    this.showSource(source);
    const top = this.fields.nodes.find((node) => node.source === source && !node.hidden);
    if (top && !this.fields.sources[source].locked) this.point(this.fields.at(source, top.start), { from: "start" });
    if (focus) this.tabs.element.children[source].focus();
  }

  // Pointing shows at once and for as long as it lasts; then what is pinned shows again, else the latest stays.
  point(choice, { from = "" } = {}) {
    if (this.fields) {
      this.hovered = from === "start" ? null : choice;
      if (choice) this.latest = choice;
      this.light(from);
    }
  }

  isPinned(choice) {
    const { pinned } = this;
    return choice && pinned && choice.source === pinned.source && choice.first === pinned.first && choice.last === pinned.last;
  }

  // The keyboard has no place to point away from: who walks on leaves what is pinned.
  goOn(choice, from) {
    if (!this.isPinned(choice)) this.pinned = null;
    this.point(choice, { from });
  }

  pin(choice) {
    const again = this.isPinned(choice);
    this.pinned = again ? null : choice;
    this.hovered = null;
    if (choice) this.latest = choice;
    this.light("pin");
    if (this.latest) this.live.textContent = `${this.say(this.pinned ? "now_pinned" : "now_released")} ${spoken(this.fields, this.latest, this.words)}`;
  }

  light(from) {
    const choice = this.hovered ?? this.pinned ?? this.latest;
    if (!choice) return;
    if (choice.source !== this.source) this.showSource(choice.source);
    if (this.carded !== choice || from === "pin" || from === "start" || from === "go") this.explain(choice);
    this.grid.light(choice, { show: from !== "bytes" });
    this.tree.light(choice.node, { open: from === "pin" || from === "go", pinned: this.pinned === choice });
    if (this.element.contains(document.activeElement) && (from === "bytes" || from === "tree")) this.live.textContent = spoken(this.fields, choice, this.words);
  }

  explain(choice) {
    this.carded = choice;
    this.aside.replaceChildren(card(this.fields, choice, this.catalogue, this.words, {
      pinned: this.pinned === choice,
      on: {
        release: () => this.pin(null),
        pin: (node) => this.pin(this.fields.of(node)),
      },
    }));
  }

  // Asked by another part of the page: show these bytes of this frame, and go there.
  async goTo({ frame, first, last, source = 0 }) {
    if (frame !== this.frame || !this.fields) await this.open(frame);
    if (this.frame !== frame || !this.fields) return;
    if (this.fields.sources[source]?.locked !== false) source = 0;
    const end = this.fields.sources[source].bytes.length - 1;
    const wanted = this.fields.around(source, Math.min(first ?? 0, end), Math.min(last ?? first ?? 0, end));
    this.latest = wanted;
    this.pinned = this.hovered = null;
    scrollPageTo(this.heading);
    this.light("go");
    this.grid.focus(wanted.byte);
    this.latest = wanted;
    this.hovered = null;
    this.light("go");
  }

  // The same choice in fields that were made anew: found by where it stands, since nodes may have come or gone.
  again(choice) {
    if (!choice || this.fields.sources[choice.source].locked) return null;
    const node = choice.node && this.fields.nodes[choice.node.at];
    return { ...choice, node: node && !node.hidden ? node : this.fields.at(choice.source, choice.byte).node };
  }

  redraw(change) {
    const tops = [this.list.grid, this.grid.element, this.tree.element].map((box) => box.scrollTop);
    const { pinned, folded } = { pinned: this.pinned, folded: this.tree.folded };
    const latest = this.hovered ?? this.latest;
    change();
    if (!this.dissection) return;
    this.show(folded);
    this.list.point(this.store.place(this.frame));
    this.hovered = null;
    this.pinned = this.again(pinned);
    this.latest = this.again(latest);
    if (this.pinned || this.latest) this.light("go");
    else this.start();
    [this.list.grid, this.grid.element, this.tree.element].forEach((box, n) => {
      box.scrollTop = tops[n];
    });
  }

  relabel() {
    this.redraw(() => this.build());
  }

  useKeys(on) {
    if (on === this.keys) return;
    const wanted = this.source; // unlocking a locked tab keeps it in front
    this.redraw(() => {
      this.keys = on;
    });
    if (on && this.fields && this.source !== wanted) this.tab(wanted, { focus: false });
  }

  // On paper: all fields open, and the whole dump, or the first so many rows of it.
  paper(on) {
    if (!this.element.isConnected || !this.fields) return;
    this.grid.unroll(on ? PRINTED_ROWS : 0);
    this.tree.unroll(on ? PRINTED_FIELDS : 0);
  }
}

// The explorer as an element. It listens on the bus for "frame", "keys" and "language".
export function explorer(data, words, bus, store) {
  return new Explorer(data, words, bus, store).element;
}
