// The chosen message: its bytes lit in the plaintext frame and in the TLS record, the way from hex to bytes on both sides,
// and, with the keys, what stands below the ciphertext.

import { el } from "./dom.js";
import { RECORD_HEADER, bytesOf } from "./fields.js";
import { dump, foldable, partsOf, seen, under, wayOfRecord, wayOfWords } from "./record.js";
import { sign } from "./settings.js";

const QUOTE_SHOWN = 400; // characters before "show all"
const WIDTH_OF_16 = 37.8; // so many ems of room hold sixteen bytes a row

// The first bytes of a message that was read; of an empty line, its line feed.
export function placeOfWords({ spans, payload }) {
  return spans[0] ?? payload[0] ?? null;
}

class UnreadableFrame extends Error {}

class Message {
  // data: the page's; store: its frames; sides: which chats there are; move(by): choose another message.
  constructor({ store, data, words, bus, sides, move }) {
    Object.assign(this, { store, data, words, bus, sides, move });
    this.connections = new Map((data.connections ?? []).map((connection) => [connection.conn, connection]));
    this.across = 8;
    this.turn = 0; // a drawing that has been overtaken is dropped
    this.element = el("article", { class: "message" });
    new ResizeObserver(() => this.fit()).observe(this.element);
  }

  say(key, values) {
    return this.words.say("page", key, values);
  }

  fit() {
    const room = this.element.querySelector(".shown");
    if (!room) return;
    const across = room.clientWidth / Number.parseFloat(getComputedStyle(room).fontSize) >= WIDTH_OF_16 ? 16 : 8;
    if (across === this.across) return;
    this.across = across;
    this.draw();
  }

  show(entry, keys) {
    if (entry !== this.entry) this.record = 0;
    Object.assign(this, { entry, keys });
    this.draw();
  }

  async draw() {
    this.turn += 1;
    const { turn, entry } = this;
    let columns;
    try {
      columns = await Promise.all([this.sides.includes("plain") && this.plain(entry.plain), this.sides.includes("tls") && this.tls(entry.tls)]);
    } catch (error) {
      if (!(error instanceof UnreadableFrame)) throw error;
      columns = [el("p", { class: "is-bad", role: "alert" }, this.say("detail.broken"))];
    }
    if (turn !== this.turn) return;
    const step = (by, key, text) => el("button", { type: "button", "aria-label": this.say(key), title: this.say(key), onclick: () => this.move(by) }, text);
    const focusable = () => [...this.element.querySelectorAll("button, select")];
    const focused = focusable().indexOf(document.activeElement);
    this.element.replaceChildren(
      el("div", { class: "message-head" }, el("h3", {}, this.say("detail.title", { n: entry.n })), el("div", { class: "group" }, step(-1, "detail.previous", "‹"), step(1, "detail.next", "›"))),
      el("div", { class: "quote" }, el("p", { class: "small muted" }, this.say("detail.said", { who: entry.who })), this.text(entry.text)),
      el("div", { class: "columns" }, columns.filter(Boolean)));
    if (focused >= 0) focusable()[focused]?.focus({ preventScroll: true }); // what had the focus was drawn anew
    this.fit();
  }

  text(text) {
    if (text === "") return el("p", { class: "muted" }, this.say("row.empty"));
    return foldable(this.words, text.length > QUOTE_SHOWN, (all) => [all ? text : `${text.slice(0, QUOTE_SHOWN)} …`], "words");
  }

  async bytes(spans) {
    const parts = await Promise.all(spans.map(async ([frame, first, last]) => (await this.frame(frame)).subarray(first, last + 1)));
    return Uint8Array.from(parts.flatMap((part) => Array.from(part)));
  }

  async frame(frame) {
    const dissection = await this.store.load(frame).catch(() => {
      throw new UnreadableFrame(`frame ${frame}`);
    });
    return bytesOf(dissection.sources[0].hex);
  }

  // Where it stands, and the way to the byte explorer.
  place([frame, first, last], extra) {
    return el("div", { class: "place" },
      el("p", {}, el("strong", {}, this.say("row.where", { frame, first, last }))),
      el("button", { type: "button", onclick: () => this.bus.emit("frame", { frame, first, last, source: 0 }) }, this.say("detail.explorer")),
      extra && el("p", { class: "small muted" }, extra));
  }

  speaker({ conn, from_client: fromClient = true }) {
    const connection = this.connections.get(conn);
    if (!connection) return null;
    return this.say(fromClient ? "detail.to_server" : "detail.to_client", { client: connection.client });
  }

  dumpOf(bytes, span, layer) {
    const [frame, first, last] = span;
    const lit = (at) => at >= first && at <= last;
    return dump(bytes, {
      words: this.words, across: this.across, lit: [first, last], label: this.say("detail.dump", { frame, first, last }),
      classOf: (at) => `on-${layer(at)}${lit(at) ? " lit" : ""}`,
    });
  }

  payloadStart(frame) {
    const place = this.store.place(frame);
    const { size, payload } = this.data.frames.index;
    return size[place] - payload[place];
  }

  head(tint, name) {
    return el("h4", { class: `column-head is-${tint}` }, sign(tint), name);
  }

  async plain(plain) {
    const column = (...children) => el("section", { class: "column card column-plain", "aria-label": this.say("detail.plain") }, this.head("clear", this.say("detail.plain")), children);
    const span = plain && placeOfWords(plain);
    if (!span) return column(el("p", { class: "muted" }, this.say(plain ? "row.not_read" : "row.nothing")));
    const start = this.payloadStart(span[0]);
    const frame = await this.frame(span[0]);
    const payload = await this.bytes(plain.payload.length ? plain.payload : plain.spans);
    const passed = plain.passed_on?.length ? this.say("detail.passed_on", { frames: plain.passed_on.join(", ") }) : null;
    return column(
      el("div", { class: "shown" },
        this.place(span, passed),
        this.dumpOf(frame, span, (at) => (at < start ? "frame" : "clear")),
        el("div", { class: "outcome tint-clear" }, el("p", { class: "small" }, this.say("detail.read")), this.text(plain.text))),
      el("div", { class: "walked" }, el("h4", {}, this.say("way.title")), wayOfWords(payload, this.words)));
  }

  async tls(tls) {
    const column = (...children) => el("section", { class: "column card column-tls", "aria-label": this.say("detail.tls") }, this.head(this.keys && tls?.keys ? "opened" : "sealed", this.say("detail.tls")), children);
    if (!tls?.records.length) return column(el("p", { class: "muted" }, this.say(tls ? (tls.keys ? "row.not_found" : "row.unknown") : "row.nothing")));
    const record = tls.records[this.record];
    const [span] = record.spans;
    const start = this.payloadStart(span[0]);
    const frame = await this.frame(span[0]);
    const bytes = await this.bytes(record.spans);
    const parts = partsOf(bytes, record);
    const header = span[1] + RECORD_HEADER + record.nonce;
    return column(
      el("div", { class: "shown" },
        tls.records.length > 1 && this.recordChoice(tls.records.length),
        this.place(span, record.spans.length > 1 ? this.say("row.more", { n: record.spans.length - 1 }) : null),
        this.dumpOf(frame, span, (at) => (at < start || (at >= span[1] && at < header) ? "frame" : "sealed")),
        this.keys ? this.opened(tls, record, parts) : this.outside(record)),
      el("div", { class: "walked" }, el("h4", {}, this.say("way.title")), wayOfRecord(bytes, parts, this.words)));
  }

  recordChoice(all) {
    const name = (n) => this.say("detail.record", { n: n + 1, all });
    const select = el("select", {
      "aria-label": name(this.record),
      onchange: () => {
        this.record = Number(select.value);
        this.draw();
      },
    }, Array.from({ length: all }, (_, n) => el("option", { value: n, selected: n === this.record }, name(n))));
    return select;
  }

  // What can be told without any key.
  outside(record) {
    const { type, version, length, hidden, t } = record;
    const number = (value) => this.words.number(value);
    const kind = this.words.has("page", `type.${type}`) ? this.say(`type.${type}`) : "";
    const rows = [
      ["who", this.speaker(record)], ["when", this.say("detail.when_is", { t: this.words.number(t, 1) })],
      ["length", hidden === null ? this.say("detail.length_only", { length: number(length) }) : this.say("detail.length_is", { length: number(length), hidden: number(hidden) })],
      ["kind", `${kind ? `${kind}: ` : ""}${this.say("detail.kind_is", { type, version: version.replace(/(..)(..)/, "$1 $2") })}`],
    ];
    return el("div", { class: "outcome tint-sealed" }, el("p", { class: "small" }, this.say("detail.unread")),
      el("dl", { class: "facts" }, rows.filter(([, value]) => value).map(([key, value]) => el("div", {}, el("dt", {}, this.say(`detail.${key}`)), el("dd", {}, value)))),
      el("p", { class: "small" }, this.say(record.inner ? "under.locked" : "under.none")));
  }

  opened(tls, record, parts) {
    if (!record.inner) return el("div", { class: "outcome tint-sealed" }, el("p", {}, this.say("under.none")));
    const { inner } = record;
    const [from, to] = inner.words;
    const opened = bytesOf(inner.hex);
    const said = new TextDecoder().decode(opened.subarray(from, to));
    return el("div", { class: "outcome outcome-opened" }, under(parts, inner, opened, this.across, this.words),
      el("div", { class: "tint-opened outcome" }, el("p", { class: "small" }, this.say("under.words")), this.text(tls.keys?.read && tls.records.length === 1 ? tls.keys.text : seen(said))));
  }
}

export function message(options) {
  const made = new Message(options);
  return { element: made.element, show: (entry, keys) => made.show(entry, keys) };
}
