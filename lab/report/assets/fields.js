// A dissected frame, ready to be asked: which field does this byte belong to, who can read it, what explains it.
// Knows Wireshark's names of the layers; draws nothing.

export const LAYERS = ["frame", "clear", "sealed", "opened"];

// Wireshark's protocols whose bytes are addresses, lengths and counters: the envelope, which everybody can read.
const HEADERS = new Set(["eth", "null", "loop", "sll", "raw", "vlan", "ip", "ipv6", "tcp", "udp", "icmp"]);
export const RECORD_HEADER = 5; // bytes: type, version, length (RFC 8446, section 5.1)
const SEALED = /^(Encrypted (content|Application Data)|Handshake Protocol: Encrypted Handshake Message|Alert Message: Encrypted)/;
const BITS = /^[01. ]+ = /;

export function bytesOf(hex) {
  const bytes = new Uint8Array(hex.length / 2);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

export class Fields {
  // keys: whether what was opened with the session's keys is shown. overTls: whether the connection speaks TLS.
  constructor(dissection, { keys, overTls }) {
    this.frame = dissection.frame;
    this.keys = keys;
    this.overTls = overTls;
    this.sources = dissection.sources.map(({ kind, hex }) => ({ kind, bytes: bytesOf(hex), locked: kind === "decrypted" && !keys }));
    this.nodes = [];
    const above = [];
    for (const [name, label, source, start, size, depth, en, es] of dissection.nodes) {
      above.length = Math.min(above.length, depth);
      const node = { at: this.nodes.length, name, label, source, start, end: start + size, level: above.length, here: { en, es } };
      node.parent = above.at(-1) ?? null;
      node.top = above[0] ?? node;
      node.children = [];
      above.push(node);
      this.nodes.push(node);
      node.parent?.children.push(node);
    }
    this.records = this.nodes.filter((node) => node.name === "tls.record.length" && node.parent).map((node) => node.parent);
    this.lock();
    this.inner = this.sources.map((source, number) => this.innermost(number));
    this.layers = this.sources.map((source, number) => this.readers(number));
    // of records that end in a later frame
    for (const [first, last, layer] of dissection.split) this.layers[0].fill(LAYERS.indexOf(layer), first, last + 1);
  }

  // Without the keys nothing may tell what only they tell: no opened field, no type of what is inside a record.
  lock() {
    const opened = ({ name, source }) => name === "tls.record.opaque_type" || this.sources[source].locked;
    const sealed = new Set(this.records.filter((record) => record.children.some(opened)));
    for (const node of this.nodes) {
      const inside = node.name === "tls.record.content_type" && sealed.has(node.parent);
      node.hidden = !this.keys && (Boolean(node.parent?.hidden) || this.sources[node.source].locked || inside);
      if (!this.keys && sealed.has(node)) [node.label] = node.label.split(":");
      if (!this.keys && sealed.has(node.parent) && SEALED.test(node.label)) node.label = node.label.replace(", opened below", "");
    }
    for (const node of this.nodes) node.children = node.children.filter((child) => !child.hidden);
  }

  // For each byte of a source the field that says most about it, as a place in `nodes`; -1 for none.
  innermost(source) {
    const inner = new Int32Array(this.sources[source].bytes.length).fill(-1);
    const painted = this.nodes.filter((node) => node.source === source && !node.hidden && !this.yields(node));
    // Small goes over large, a later protocol over an earlier one, a part over its whole, the first of equals over the others.
    painted.sort((a, b) => b.end - b.start - (a.end - a.start) || a.top.at - b.top.at || a.level - b.level || b.at - a.at);
    for (const node of painted) inner.fill(node.at, node.start, node.end);
    return inner;
  }

  // Single bits, and what only repeats its parent in other words, leave their bytes to the parent.
  yields(node) {
    const { parent } = node;
    if (!parent || parent.source !== node.source) return false;
    if (BITS.test(node.label)) return parent !== node.top;
    return parent.start === node.start && parent.end === node.end && parent.children.length > 1;
  }

  // For each byte of a source its layer, as a place in LAYERS; 255 where it cannot be told.
  readers(source) {
    const { bytes, kind } = this.sources[source];
    const [envelope, clear, sealed, opened, unknown] = [0, 1, 2, 3, 255];
    const layers = new Uint8Array(bytes.length).fill(kind === "decrypted" ? opened : unknown);
    if (kind === "decrypted") return layers;
    const here = this.nodes.filter((node) => node.source === source);
    for (const node of here) {
      if (node === node.top && HEADERS.has(node.name)) layers.fill(envelope, node.start, node.end);
    }
    for (const node of here) {
      const payload = ["tcp.payload", "tcp.segment_data", "udp.payload"].includes(node.name);
      if (payload || (node === node.top && node.name === "data")) layers.fill(this.overTls ? unknown : clear, node.start, node.end);
    }
    const records = new Set(this.records.filter((record) => record.source === source));
    for (const record of records) {
      layers.fill(envelope, record.start, record.start + RECORD_HEADER);
      layers.fill(sealed, record.start + RECORD_HEADER, record.end);
      if (record.children.some((node) => node.name === "tls.record.opaque_type")) continue;
      const body = record.children.filter((node) => node.source === source && node.start >= record.start + RECORD_HEADER);
      for (const node of body) if (!SEALED.test(node.label)) layers.fill(clear, node.start, node.end);
    }
    return layers;
  }

  layer(source, at) {
    return LAYERS[this.layers[source][at]] ?? "";
  }

  // What a byte belongs to: its field and that field's bytes.
  at(source, byte) {
    const node = this.nodes[this.inner[source][byte]] ?? null;
    return { source, byte, node, first: node ? node.start : byte, last: node ? node.end - 1 : byte };
  }

  of(node) {
    return { source: node.source, byte: node.start, node, first: node.start, last: node.end - 1 };
  }

  // The smallest field that holds all of the bytes, which stay the ones asked for.
  around(source, first, last) {
    let node = this.nodes[this.inner[source][first]] ?? null;
    while (node && (node.source !== source || node.end <= last)) node = node.parent;
    return { source, byte: first, node, first, last };
  }

  // The other fields that stand on a byte: neither the chosen one nor what it is part of.
  beside({ source, byte, node }) {
    const mine = new Set(this.path(node));
    return this.nodes.filter((other) => {
      const covers = other.source === source && other.start <= byte && byte < other.end;
      return covers && !other.hidden && other !== other.top && !mine.has(other) && other.end - other.start <= 8;
    });
  }

  // From the protocol down to the field.
  path(node) {
    const path = [];
    for (let step = node; step; step = step.parent) path.unshift(step);
    return path;
  }
}

// A line that Wireshark gives no name is found by the beginning of its label.
const keyOf = ({ name, label }) => name || `*${label.split(":")[0].split(" (")[0]}`;

// What the catalogue says of a field, or of the nearest thing that it is part of and that the catalogue knows; else null.
export function explained(node, catalogue, language) {
  for (let step = node; step; step = step.parent) {
    const entry = Object.hasOwn(catalogue, keyOf(step)) ? catalogue[keyOf(step)] : null;
    const here = step.here[language];
    if (entry || here) return { of: step, what: entry?.[language], here, where: entry?.where[language] };
  }
  return null;
}

// "Length: 38" or "Ethernet II, Src: …" as its two parts; bit patterns before the name are left out.
export function nameAndValue(label) {
  const text = label.replace(BITS, "");
  const [, name, value = ""] = /^(.*?)(?:(?:: |, )(.*))?$/s.exec(text);
  return [name, value];
}
