// Side by side: the conversation in the middle, what an eavesdropper has of the plaintext chat on the left and of the TLS
// chat on the right, a message a row. Only the rows in sight are drawn. The chosen message is shown below (message.js).

import { el } from "./dom.js";
import { RECORD_HEADER, bytesOf } from "./fields.js";
import { hex } from "./bytes.js";
import { message, placeOfWords } from "./message.js";
import { Rows } from "./rows.js";
import { sign } from "./settings.js";

const PREVIEW = 24; // bytes at the start of a row's hex
const NAME = 160; // characters of a message in the name that a screen reader says
const TEXT = 300; // characters of a message in a row; the style sheet cuts what does not fit
const PRINTED = 400; // rows on paper
const SETTLED = 60; // ms that a row must stay in sight before its frame is unpacked: while scrolling past, none is

const shortened = (text) => (text.length > TEXT ? `${text.slice(0, TEXT)}…` : text);

class Conversation {
  constructor(data, words, bus, store) {
    Object.assign(this, { data, words, store });
    this.messages = data.messages;
    this.sides = ["plain", "tls"].filter((side) => this.messages.some((entry) => entry[side]));
    this.keys = false;
    this.active = 0;
    this.prefix = `messages-${Math.random().toString(36).slice(2)}`; // several pages may stand in one notebook
    this.legend = el("ul", { class: "legend small" });
    this.heads = el("div", { class: "heads", "aria-hidden": "true" });
    this.list = el("div", { class: "messages", role: "listbox", tabindex: 0 });
    this.rows = new Rows(this.list, (n) => this.drawRow(n), { role: "presentation" });
    this.printed = el("p", { class: "printed small" });
    this.live = el("p", { class: "unseen", role: "status" });
    this.detail = message({ store, data, words, bus, sides: this.sides, move: (by) => this.choose(this.active + by) });
    this.element = el("div", { class: `conversation sides-${this.sides.length}` }, this.legend,
      el("div", { class: "list" }, this.heads, this.list), this.printed, this.live, this.detail.element);
    this.list.style.setProperty("--messages", this.messages.length);
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("click", (event) => {
      const row = event.target.closest("[data-row]");
      if (row) this.choose(Number(row.dataset.row));
    });
    bus.on("language", () => this.relabel());
    bus.on("keys", ({ on }) => this.useKeys(on));
    bus.on("paper", ({ on }) => this.paper(on));
    this.relabel();
  }

  say(key, values) {
    return this.words.say("page", key, values);
  }

  relabel() {
    const tints = ["frame", this.sides.includes("plain") && "clear", ...(this.sides.includes("tls") ? ["sealed", "opened"] : []), "lit"].filter(Boolean);
    this.legend.setAttribute("aria-label", this.say("legend"));
    this.legend.replaceChildren(...tints.map((tint) =>
      el("li", {}, el("span", { class: `bytes sample ${tint === "lit" ? "lit" : `on-${tint}`}`, "aria-hidden": "true" }, "a7"), this.say(`legend.${tint}`))));
    const tls = this.keys ? "tls_keys" : "tls";
    this.heads.replaceChildren(...[
      this.sides.includes("plain") && el("p", { class: "head is-clear" }, sign("clear"), this.say("head.plain")),
      el("p", { class: "head" }, this.say("head.said")),
      this.sides.includes("tls") && el("p", { class: `head ${this.keys ? "is-opened" : "is-sealed"}` }, sign(this.keys ? "opened" : "sealed"), this.say(`head.${tls}`)),
    ].filter(Boolean));
    this.list.setAttribute("aria-label", this.say("list"));
    this.live.textContent = ""; // was said in the other language
    this.redraw();
  }

  useKeys(on) {
    this.keys = on;
    this.relabel();
  }

  redraw() {
    this.rows.reset(this.messages.length);
    this.rows.keep(this.active);
    this.list.setAttribute("aria-activedescendant", this.rowId(this.active));
    this.detail.show(this.messages[this.active], this.keys);
  }

  rowId(n) {
    return `${this.prefix}-${n}`;
  }

  choose(n) {
    const to = Math.max(0, Math.min(n, this.messages.length - 1));
    this.rows.row(this.active)?.setAttribute("aria-selected", "false");
    this.active = to;
    this.rows.keep(to);
    this.rows.reveal(to);
    this.rows.row(to).setAttribute("aria-selected", "true");
    this.list.setAttribute("aria-activedescendant", this.rowId(to));
    const chosen = this.messages[to];
    this.detail.show(chosen, this.keys);
    this.live.textContent = this.say("detail.chosen", { n: chosen.n, all: this.messages.length, who: chosen.who });
  }

  key(event) {
    const last = this.messages.length - 1;
    const steps = {
      ArrowUp: this.active - 1, ArrowDown: this.active + 1, Home: 0, End: last,
      PageUp: this.active - this.rows.page, PageDown: this.active + this.rows.page,
    };
    if (event.altKey || event.ctrlKey || event.metaKey || !Object.hasOwn(steps, event.key)) return;
    event.preventDefault();
    this.choose(steps[event.key]);
  }

  // The option's name: what its three columns say, without the hex.
  name({ n, who, text, plain, tls }) {
    const parts = [this.say("row.name", { n, who, text: text.slice(0, NAME) || this.say("row.empty") })];
    if (this.sides.includes("plain")) {
      const place = plain && placeOfWords(plain);
      parts.push(place ? this.say("row.plain", { frame: place[0] }) : this.say("row.plain_not"));
    }
    const record = tls?.records[0];
    if (this.sides.includes("tls")) parts.push(record ? this.say("row.tls", { bytes: record.length, frame: record.spans[0][0] }) : this.say("row.tls_not"));
    return parts.join(" ");
  }

  drawRow(n) {
    const entry = this.messages[n];
    const { who, text, t } = entry;
    return el("div", {
      class: "row message-row", role: "option", id: this.rowId(n), "data-row": n, "aria-selected": String(n === this.active),
      "aria-posinset": n + 1, "aria-setsize": this.messages.length, "aria-label": this.name(entry),
    },
      this.sides.includes("plain") && this.plainCell(entry.plain),
      el("div", { class: "said" },
        el("p", { class: "said-who small" }, el("span", { class: "muted" }, entry.n), el("strong", {}, who), t !== null && el("span", { class: "muted when" }, this.say("row.when", { t: this.words.number(t, 1) }))),
        el("p", { class: "said-text" }, text === "" ? el("span", { class: "muted" }, this.say("row.empty")) : shortened(text))),
      this.sides.includes("tls") && this.tlsCell(entry.tls));
  }

  where([frame, first, last], others) {
    return el("p", { class: "where small muted" }, this.say("row.where", { frame, first, last }), others > 0 && ` ${this.say("row.more", { n: others })}`);
  }

  plainCell(plain) {
    if (!plain) return el("div", { class: "side side-none muted" }, this.say("row.nothing"));
    const span = placeOfWords(plain);
    if (!span) return el("div", { class: "side side-none muted" }, this.say("row.not_read"));
    return el("div", { class: "side side-plain" },
      this.preview(span, 0, "clear"),
      el("p", { class: "side-text is-clear" }, plain.text === "" ? this.say("row.empty") : shortened(plain.text)),
      this.where(span, plain.spans.length - 1));
  }

  tlsCell(tls) {
    if (!tls) return el("div", { class: "side side-none muted" }, this.say("row.nothing"));
    const [record] = tls.records;
    if (!record) return el("div", { class: "side side-none muted" }, this.say(tls.keys ? "row.not_found" : "row.unknown"));
    const opened = this.keys && tls.keys?.read;
    const wire = tls.records.reduce((sum, { length }) => sum + length + RECORD_HEADER, 0);
    const known = tls.records.every(({ hidden }) => hidden !== null);
    const hidden = known ? tls.records.reduce((sum, one) => sum + one.hidden, 0) : null;
    const outside = known ? this.say("row.outside", { wire: this.words.number(wire), hidden: this.words.number(hidden) }) : this.say("row.outside_unknown", { wire: this.words.number(wire) });
    return el("div", { class: `side side-tls${opened ? " side-opened" : ""}` },
      this.preview(record.spans[0], RECORD_HEADER + record.nonce, "sealed"),
      opened
        ? el("p", { class: "side-text is-opened" }, tls.keys.text === "" ? this.say("row.empty") : shortened(tls.keys.text))
        : el("p", { class: "side-text is-sealed" }, outside),
      this.where(record.spans[0], tls.records.length - 1 + record.spans.length - 1));
  }

  // The first bytes, which come when the frame is unpacked.
  preview([frame, first, last], header, tint) {
    const line = el("p", { class: "preview bytes" }, "\u00a0");
    const fill = ({ sources }) => {
      const bytes = Array.from(bytesOf(sources[0].hex.slice(2 * first, 2 * Math.min(last + 1, first + PREVIEW))), (byte) => hex(byte));
      const more = last + 1 - first > PREVIEW;
      line.replaceChildren(...[
        header > 0 && el("span", { class: "on-frame" }, bytes.slice(0, header).join(" ")), header > 0 && " ",
        el("span", { class: `on-${tint}` }, bytes.slice(header).join(" ")), more && " …",
      ].filter(Boolean));
    };
    const load = () => line.isConnected && this.store.load(frame).then(fill, () => line.replaceChildren(this.say("detail.broken")));
    setTimeout(load, SETTLED);
    return line;
  }

  // On paper all messages, or the first so many.
  paper(on) {
    this.rows.limit = on ? PRINTED : 0;
    this.rows.update();
    const all = this.messages.length;
    this.printed.textContent = all > PRINTED ? this.say("printed", { first: 1, last: PRINTED, all }) : "";
  }
}

export function conversation(data, words, bus, store) {
  return new Conversation(data, words, bus, store).element;
}
