// The card: what the chosen field is, what its value means here, where that is defined, what to call it in Wireshark.

import { el } from "./dom.js";
import { hex } from "./bytes.js";
import { explained, nameAndValue } from "./fields.js";
import { seen } from "./record.js";
import { sign } from "./settings.js";

const RAW_SHOWN = 24; // bytes written out on the card
const BESIDE_SHOWN = 12;
const TEXT_READ = 200; // bytes
const HEX = /^[0-9a-f]{8,}…?$/; // a value that only repeats the bytes

// Bytes as the words they are, or "" where they are none: not UTF-8, or holding controls other than line ends.
function asText(bytes) {
  if (bytes.length < 2) return "";
  try {
    const whole = bytes.length <= TEXT_READ;
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, TEXT_READ), { stream: !whole });
    if (/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text)) return "";
    const escaped = seen(text.replace(/\n/g, "\\n").replace(/\r/g, "\\r"));
    return whole ? escaped : `${escaped}…`;
  } catch {
    return ""; // no UTF-8
  }
}

// "bytes 66 to 70 (0x42 to 0x46), 5 bytes"
export function placeOf({ first, last }, words) {
  const values = { first, last, hexFirst: hex(first), hexLast: hex(last), count: words.number(last - first + 1) };
  return words.say("explorer", first === last ? "place_one" : "place", values);
}

// What a screen reader is told of a choice, in one line.
export function spoken(fields, choice, words) {
  const byte = words.say("explorer", "byte_is", { at: choice.byte, value: hex(fields.sources[choice.source].bytes[choice.byte]) });
  return choice.node ? `${byte}: ${fields.path(choice.node).map((node) => nameAndValue(node.label)[0]).at(-1)}` : byte;
}

async function copy(button, code, words) {
  let key = "copied";
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    getSelection().selectAllChildren(code); // no clipboard for this page: the name is marked, for the person to copy
    key = "copy_yourself";
  }
  button.textContent = words.say("explorer", key);
}

function filterRow(name, words) {
  const code = el("code", { class: "filter" }, name);
  const button = el("button", { type: "button", onclick: () => copy(button, code, words), "aria-label": words.say("explorer", "copy_name", { name }) },
    words.say("explorer", "copy"));
  return [code, " ", button];
}

// choice: see Fields.at(). on: { pin(node), release() }.
export function card(fields, choice, catalogue, words, { pinned, on }) {
  const say = (key, values) => words.say("explorer", key, values);
  const { node, source, first, last } = choice;
  const [name, value] = node ? nameAndValue(node.label) : [say("no_field"), ""];
  const layer = fields.layer(source, choice.byte);
  const path = fields.path(node);
  const found = explained(node, catalogue, words.language);
  const raw = [...fields.sources[source].bytes.slice(first, Math.min(last + 1, first + RAW_SHOWN))].map((byte) => hex(byte)).join(" ");
  const line = (key, content) => [el("dt", {}, say(key)), el("dd", {}, content)];
  const text = asText(fields.sources[source].bytes.subarray(first, last + 1));
  const beside = fields.beside(choice).slice(0, BESIDE_SHOWN);
  return el("section", { class: "card field-card", "aria-label": say("card") },
    el("div", { class: "card-top" },
      el("p", { class: "path muted small" }, path.slice(0, -1).map((step) => nameAndValue(step.label)[0]).join(" › ")),
      pinned && el("button", { type: "button", class: "link small", onclick: on.release }, sign("pin"), say("pinned"))),
    el("div", { class: "card-title" }, el("h4", {}, name), value && !HEX.test(value) && el("span", { class: "bytes value words" }, value)),
    el("p", { class: "small card-place" },
      layer && el("span", { class: `chip tint-${layer}` }, say(`layer.${layer}`)), layer && " ",
      el("span", { class: "muted" }, placeOf(choice, words))),
    el("p", { class: "bytes raw" }, raw, last - first + 1 > RAW_SHOWN && " …"),
    found && found.of !== node && el("p", { class: "part small" }, say("part_of"), " ",
      el("button", { type: "button", class: "link", onclick: () => on.pin(found.of) }, nameAndValue(found.of.label)[0])),
    el("dl", { class: "explanation" }, [
      found?.what && line("what", found.what),
      found?.here && line("here", found.here),
      text && line("text", el("span", { class: "bytes words" }, text)),
      found?.where && line("where", found.where),
      node?.name && line("wireshark", filterRow(node.name, words)),
      beside.length > 0 && line("beside", el("ul", { class: "beside" }, beside.map((other) =>
        el("li", {}, el("button", { type: "button", class: "link small", onclick: () => on.pin(other) }, other.label))))),
    ].filter(Boolean).flat()),
    !found && el("p", { class: "muted" }, say("unexplained")));
}
