// Bytes drawn beside each other: a frame with some of them lit, a record split into its parts, the way from colons to bytes,
// and what the keys open below the ciphertext. Knows how a TLS record is laid out (RFC 8446, section 5; RFC 5246, section 6.2);
// everything else is handed in.

import { el } from "./dom.js";
import { hex, shownChar } from "./bytes.js";
import { RECORD_HEADER } from "./fields.js";
import { sign } from "./settings.js";

const DUMP_ROWS = 32; // of a frame; the whole of it is in the byte explorer
const ROWS_ABOVE = 3; // kept above the lit bytes where the frame's start is not shown
const SHOWN = 64; // bytes written out before "show all"
const NUMBERS_SHOWN = 8; // bytes of which hex and number are set side by side
const MAX_LINES = 64; // of the opened layer

const asHex = (bytes, between) => Array.from(bytes, (byte) => hex(byte)).join(between);

// What would move, hide or reorder text, but what holds an emoji together, and tabs: as chat/escape.py.
const UNSEEN = /([\p{Extended_Pictographic}\p{Emoji_Modifier}]\ufe0f?\u200d(?=\p{Extended_Pictographic})|\p{Emoji}\ufe0f|\t)|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

// Control and bidirectional characters must not act, only be seen: written as the rest of the lab writes them, `\x1b`, `\u202e`.
export function seen(text) {
  return text.replace(UNSEEN, (char, harmless) => {
    if (harmless) return char;
    const code = char.codePointAt(0);
    if (code < 0x100) return `\\x${hex(code)}`;
    return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
  });
}

// Long texts are cut, with a button that shows the rest. draw(all): an array of children.
export function foldable(words, isLong, draw, className = "") {
  const body = el("div", { class: className });
  let open = false;
  const button = isLong && el("button", {
    type: "button", class: "link small", "aria-expanded": "false",
    onclick: () => {
      open = !open;
      button.setAttribute("aria-expanded", String(open));
      show();
    },
  });
  const show = () => {
    body.replaceChildren(...draw(open || !isLong));
    if (button) button.textContent = words.say("page", open ? "detail.less" : "detail.all");
  };
  show();
  return el("div", { class: "foldable" }, body, button);
}

// A line of bytes with neighbours of one class in one element. piece(at): how a byte is written, with its own space.
function runs(from, to, classOf, piece) {
  const made = [];
  let text = "";
  for (let at = from; at < to; at += 1) {
    text += piece(at);
    if (at + 1 === to || classOf(at + 1) !== classOf(at)) {
      made.push(el("span", { class: classOf(at) }, text));
      text = "";
    }
  }
  return made;
}

// The hexdump of a frame: offset, bytes, text. classOf(at) gives the class of a byte; lit: [first, last].
export function dump(bytes, { classOf, lit, across, label, words }) {
  const rows = Math.ceil(bytes.length / across);
  const litRow = Math.floor(lit[0] / across);
  const first = litRow < DUMP_ROWS - ROWS_ABOVE ? 0 : litRow - ROWS_ABOVE;
  const last = Math.min(rows, first + DUMP_ROWS);
  const cut = (count) => count > 0 && el("div", { class: "cut muted" }, words.say("page", "detail.cut", { n: words.number(count) }));
  const lines = [];
  for (let row = first; row < last; row += 1) {
    const from = row * across;
    const to = Math.min(from + across, bytes.length);
    lines.push(el("div", { class: "line" }, el("span", { class: "offset muted" }, hex(from, 4)),
      el("span", { class: "line-hex" }, runs(from, to, classOf, (at) => (at + 1 === to ? hex(bytes[at]) : `${hex(bytes[at])} `)), "   ".repeat(from + across - to)),
      el("span", { class: "line-text" }, runs(from, to, classOf, (at) => shownChar(bytes[at])))));
  }
  return el("div", { class: "dump-lines bytes", role: "group", "aria-label": label, tabindex: 0 },
    cut(first * across), lines, cut(bytes.length - last * across));
}

// The parts of an encrypted record: [{ name, tint, bytes }], in order; those of no bytes are left out.
export function partsOf(bytes, { nonce, tag }) {
  const body = Math.min(RECORD_HEADER + nonce, bytes.length);
  const end = Math.max(body, bytes.length - tag);
  return [
    { name: "header", tint: "frame", bytes: bytes.subarray(0, RECORD_HEADER) }, { name: "nonce", tint: "frame", bytes: bytes.subarray(RECORD_HEADER, body) },
    { name: "sealed", tint: "sealed", bytes: bytes.subarray(body, end) }, { name: "tag", tint: "sealed", bytes: bytes.subarray(end) },
  ].filter((part) => part.bytes.length);
}

const sizeText = (n, words) => (n === 1 ? words.say("page", "part.one") : words.say("page", "part.size", { n: words.number(n) }));

// The parts as a bar: as wide as they are long, but wide enough to be read.
export function splitBar(parts, words) {
  const bar = el("ol", { class: "split-bar" }, parts.map(({ name, tint, bytes }) => {
    const part = el("li", { class: `split-part part-${name} tint-${tint}` }, el("strong", {}, words.say("page", `part.${name}`)), el("span", { class: "small" }, sizeText(bytes.length, words)));
    part.style.setProperty("flex-grow", String(Math.sqrt(bytes.length)));
    return part;
  }));
  return bar;
}

function longHex(bytes, between, words, className) {
  return foldable(words, bytes.length > SHOWN, (all) => [asHex(all ? bytes : bytes.subarray(0, SHOWN), between), all ? "" : " …"], `bytes wrap ${className}`);
}

function asNumbers(bytes, words) {
  const some = Array.from(bytes.subarray(0, NUMBERS_SHOWN));
  return el("ul", { class: "numbers-of-bytes bytes" }, some.map((byte) => el("li", {}, el("span", {}, hex(byte)), el("span", { class: "muted" }, byte))),
    bytes.length > some.length && el("li", { class: "muted" }, `+${words.number(bytes.length - some.length)}`));
}

function wayList(list) {
  return el("ol", { class: "way" }, list.map(([text, content]) => el("li", {}, el("p", { class: "way-title" }, text), content)));
}

// From `48:65:6c:…` to the words: the plaintext side.
export function wayOfWords(bytes, words) {
  const say = (key) => words.say("page", key);
  const text = seen(new TextDecoder().decode(bytes).replace(/\r?\n$/, ""));
  return wayList([
    [say("way.colons"), longHex(bytes, ":", words, "")], [say("way.stripped"), longHex(bytes, "", words, "")], [say("way.bytes"), asNumbers(bytes, words)],
    [say("way.words"), el("div", {}, foldable(words, text.length > 300, (all) => [all ? text : `${text.slice(0, 300)} …`], "words result tint-clear"),
      bytes.at(-1) === 10 && el("p", { class: "small muted" }, say("way.lf")))],
  ]);
}

// From `17:03:03:00:26:…` to header and body: the TLS side.
export function wayOfRecord(bytes, parts, words) {
  const say = (key, values) => words.say("page", key, values);
  const [type, , , high, low] = bytes;
  const row = (name, tint, text) => el("div", {}, el("dt", { class: `tint-${tint}` }, name), el("dd", {}, text));
  const kind = words.has("page", `type.${type}`) ? say(`type.${type}`) : String(type);
  const has = (name) => parts.some((part) => part.name === name);
  const garbled = seen(new TextDecoder().decode(bytes.subarray(RECORD_HEADER, RECORD_HEADER + SHOWN)));
  return wayList([
    [say("way.colons"), longHex(bytes, ":", words, "")], [say("way.stripped"), longHex(bytes, "", words, "")], [say("way.bytes"), asNumbers(bytes, words)],
    [say("way.split"), el("div", {}, splitBar(parts, words), el("dl", { class: "meaning small" },
      row(say("part.type", { value: hex(type) }), "frame", say("part.type_is", { kind })),
      row(say("part.version", { value: asHex(bytes.subarray(1, 3), " ") }), "frame", say("part.version_is")),
      row(say("part.length", { value: asHex(bytes.subarray(3, 5), " ") }), "frame", say("part.length_is", { sum: `${high} × 256 + ${low}`, n: words.number(high * 256 + low) })),
      has("nonce") && row(say("part.nonce"), "frame", say("part.nonce_is")),
      row(say("part.sealed"), "sealed", say("part.sealed_is")),
      row(say("part.tag"), "sealed", say(has("tag") ? "part.tag_is" : "part.no_tag_is"))))],
    [say("way.garbled"), el("p", { class: "words result tint-sealed" }, garbled, bytes.length > RECORD_HEADER + SHOWN && " …")],
  ]);
}

// What the keys open, below the ciphertext. Where a cipher keeps each byte in its place, byte stands under byte.
export function under(parts, inner, opened, across, words) {
  const say = (key, values) => words.say("page", key, values);
  const sealed = parts.find((part) => part.name === "sealed")?.bytes ?? new Uint8Array();
  const hidesType = sealed.length === opened.length + 1 + inner.padding; // RFC 8446, section 5.2
  const whole = hidesType ? Uint8Array.of(...opened, inner.type, ...new Uint8Array(inner.padding)) : opened;
  const aligned = whole.length === sealed.length;
  const [from, to] = inner.words;
  const classOf = (at) => (at >= from && at < to ? "on-opened is-words" : "on-opened");
  const rows = [];
  for (let at = 0; at < whole.length && rows.length < MAX_LINES; at += across) {
    const end = Math.min(at + across, whole.length);
    const line = (name, className, content) => el("div", { class: `line ${className}` }, el("span", { class: "line-name" }, say(`under.${name}`)), el("span", { class: "line-hex" }, content));
    const spaced = (write) => (place) => `${write(place)} `;
    rows.push(el("div", { class: "under-row" },
      aligned && line("sealed", "is-sealed", asHex(sealed.subarray(at, end), " ")),
      line("opened", "is-opened", runs(at, end, classOf, spaced((place) => hex(whole[place])))),
      line("text", "is-opened", runs(at, end, classOf, spaced((place) => ` ${shownChar(whole[place])}`)))));
  }
  const left = whole.length - rows.length * across;
  return el("div", { class: "under" },
    el("h4", { class: "is-opened" }, sign("opened"), " ", say(aligned ? "under.title" : "under.title_apart")),
    el("div", { class: "dump-lines under-lines bytes", role: "group", tabindex: 0, "aria-label": say(aligned ? "under.title" : "under.title_apart") },
      rows, left > 0 && el("div", { class: "cut muted" }, say("detail.cut", { n: words.number(left) }))),
    hidesType && el("p", { class: "small muted" }, say("under.type", { type: hex(inner.type) }), " ", inner.padding > 0 && say("under.padding", { n: inner.padding })),
    !aligned && el("p", { class: "small muted" }, say("under.apart")));
}
