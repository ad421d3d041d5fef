// The numbers: verdicts with their evidence, what randomness proves, which bytes occur, who speaks when, how long it is, and a
// scenario's claims. Says what each number means and what it does not; the drawing is in charts.js.

import { el } from "./dom.js";
import { hex } from "./bytes.js";
import { axes, bars, figure, marks, plot, roundSteps, table, tableBehind } from "./charts.js";
import { sign } from "./settings.js";

const PAPER = 720; // pixels across of a plot on paper
const ROWS = 500; // of a table behind a plot
const VALUES = 256; // of a byte
const MOST_BITS = 8; // of entropy in a byte
const KINDS = ["plain", "tls"];
const TINT = { plain: "clear", tls: "sealed" };

// What the lab wrote while it ran is English in every language of the page, and says so.
const english = (text) => el("span", { lang: "en" }, text);

class Numbers {
  constructor(data, words, bus) {
    Object.assign(this, { data, words, bus });
    this.element = el("div", { class: "numbers" });
    this.draw();
    bus.on("language", () => this.draw());
    bus.on("paper", ({ on }) => this.draw(on ? PAPER : 0));
  }

  say(key, values) {
    return this.words.say("numbers", key, values);
  }

  number(value, digits) {
    return value === null || value === undefined ? this.say("none") : this.words.number(value, digits);
  }

  draw(paper = 0) {
    this.paper = paper;
    const { numbers, claims } = this.data;
    this.element.replaceChildren(...[
      claims?.length && this.claims(claims),
      numbers?.verdicts.length && this.verdicts(numbers),
      numbers?.verdicts.some(({ entropy }) => entropy !== null) && this.random(numbers.verdicts),
      numbers && KINDS.some((kind) => numbers.histogram[kind]) && this.histogram(numbers.histogram),
      numbers?.records.length && this.times(numbers.records),
      numbers?.records.length && this.lengths(numbers.records),
    ].filter(Boolean));
  }

  part(title, text, ...children) {
    return el("section", { class: "figures card", "aria-label": title }, el("h3", {}, title), text && el("p", { class: "muted" }, text), children);
  }

  outcome(ok, good, bad) {
    return el("span", { class: ok ? "is-good" : "is-bad" }, sign(ok ? "good" : "bad"), " ", el("strong", {}, this.say(ok ? good : bad)));
  }

  claims(claims) {
    const heads = ["claim", "textbook", "claim.measured", "claim.outcome", "where"].map((key) => this.say(key));
    const rows = claims.map(({ what, textbook, measured, ok, spans }) => [...[what, textbook, measured].map(english), this.outcome(ok, "holds", "fails"), el("span", { class: "places" }, spans.slice(0, 3).map((span) => this.link(span)))]);
    return this.part(this.say("claims"), this.say("claims.what"), table(heads, rows, "claims"));
  }

  link([frame, first, last]) {
    return el("button", { type: "button", class: "link small", title: this.say("show", { frame }), onclick: () => this.bus.emit("frame", { frame, first, last, source: 0 }) }, this.say("where.frame", { frame, first, last }));
  }

  nameOf({ transport, keys }) {
    return this.say(`verdict.${transport === "plain" ? "plain" : keys ? "keys" : "tls"}`);
  }

  verdicts({ verdicts, packets, dropped, seconds }) {
    const shared = [["captured", this.number(packets)], ["dropped", this.number(dropped)], ["seconds", this.number(seconds, 2)]];
    return el("section", { class: "figures", "aria-label": this.say("verdicts") }, el("h3", {}, this.say("verdicts")),
      el("ul", { class: "verdicts" }, verdicts.map((verdict) => this.verdict(verdict))),
      el("dl", { class: "facts small" }, shared.map(([key, value]) => el("div", {}, el("dt", {}, this.say(key)), el("dd", {}, value)))));
  }

  verdict(verdict) {
    const { transport, keys, expected, ok, read, sent, searched, payload, utf8, problems, entropy, p, chi2 } = verdict;
    const tint = transport === "plain" ? "clear" : keys ? "opened" : "sealed";
    const says = keys ? "says.keys" : expected === "readable" ? "says.readable" : ok ? "says.unreadable" : "says.found";
    const rows = [
      ["sent", this.number(sent)], ["read", this.number(read)], ["searched", this.number(searched)], ["payload", this.number(payload)],
      ["utf8", this.number(utf8)], ["entropy", this.number(entropy, 2)], ["chi2", this.number(chi2, 1)], ["p", p !== null && p < 1e-6 ? "< 0.000001" : this.number(p, 3)],
    ];
    return el("li", { class: `card verdict-card edge-${tint}` },
      el("h4", { class: `is-${tint}` }, sign(tint), " ", this.nameOf(verdict)), el("p", { class: "small muted" }, this.say(`expected.${expected}`)),
      el("p", {}, this.outcome(ok, "ok", "not_ok")), el("p", {}, this.say(says, { read, sent, searched: this.number(searched) })),
      problems.length > 0 && el("ul", { class: "problems is-bad" }, problems.map((problem) => el("li", {}, english(problem)))),
      table([this.say("measured"), this.say("value")], rows.map(([key, value]) => [this.say(key), value]), "evidence"));
  }

  random(verdicts) {
    const measured = verdicts.filter(({ entropy, keys }) => entropy !== null && !keys);
    const scale = measured.map((verdict) => {
      const bar = el("span", { class: `scale-bar fill-${TINT[verdict.transport]}` });
      bar.style.setProperty("width", `${(100 * verdict.entropy) / MOST_BITS}%`);
      return el("div", { class: "scale-row" }, el("dt", {}, this.nameOf(verdict)), el("dd", {}, el("span", { class: "scale", "aria-hidden": "true" }, bar), el("strong", {}, this.number(verdict.entropy, 2)), el("span", { class: "muted" }, ` / ${MOST_BITS}`)));
    });
    return this.part(this.say("random"), null,
      el("dl", { class: "scales", "aria-label": this.say("entropy") }, scale),
      el("div", { class: "proofs" }, ["entropy", "p", "does", "does_not"].map((key) => el("p", { class: key.startsWith("does") ? `proof proof-${key}` : "" }, this.say(`random.${key}`)))));
  }

  histogram(histogram) {
    const kinds = KINDS.filter((kind) => histogram[kind]);
    const totals = Object.fromEntries(kinds.map((kind) => [kind, histogram[kind].reduce((sum, n) => sum + n, 0)]));
    const shares = Object.fromEntries(kinds.map((kind) => [kind, histogram[kind].map((n) => (totals[kind] ? n / totals[kind] : 0))]));
    const most = Math.max(...kinds.flatMap((kind) => shares[kind]));
    const ticks = roundSteps(most * 100, 4);
    const top = ticks.at(-1) / 100;
    const draw = (kind) => figure(({ width, unit }) => {
      const height = 250 * unit;
      const share = shares[kind];
      const peak = share.indexOf(Math.max(...share));
      const name = this.say(`histogram.${kind}`);
      const { area, back } = axes({
        width, height, unit, xName: this.say("histogram.x"), yName: this.say("histogram.y"),
        xs: [0, 32, 64, 96, 128, 160, 192, 224, 255].filter((_, n) => width > 420 * unit || n % 2 === 0).map((value) => ({ at: (value + 0.5) / VALUES, text: hex(value) })),
        ys: ticks.map((value) => ({ at: value / 100 / top, text: this.words.number(value, value % 1 ? 1 : 0) })),
      });
      const desc = this.say("histogram.desc", {
        name, used: histogram[kind].filter(Boolean).length, top: hex(peak), percent: this.words.number(share[peak] * 100, 1), all: this.number(totals[kind]),
      });
      return plot({ width, height, title: `${this.say("histogram")}: ${name}`, desc }, back,
        bars(area, share.map((h, value) => ({ x: value / VALUES, w: 0.86 / VALUES, h: h / top })), `fill-${TINT[kind]}`));
    }, this.paper);
    const heads = [this.say("byte"), ...kinds.flatMap((kind) => [`${this.say(`histogram.${kind}`)}: ${this.say("count")}`, this.say("share")])];
    const rows = () => Array.from({ length: VALUES }, (_, value) => [
      `${hex(value)}${value > 0x20 && value < 0x7f ? ` ${String.fromCharCode(value)}` : ""}`,
      ...kinds.flatMap((kind) => [this.number(histogram[kind][value]), this.number(shares[kind][value] * 100, 2)]),
    ]);
    return this.part(this.say("histogram"), this.say("histogram.what"),
      el("div", { class: "pair" }, kinds.map((kind) => el("figure", {}, el("figcaption", { class: `is-${TINT[kind]}` }, sign(TINT[kind]), " ", this.say(`histogram.${kind}`)), draw(kind)))),
      tableBehind(this.say("table"), heads, rows));
  }

  series(records) {
    return KINDS.map((kind) => ({ kind, list: records.filter(({ transport }) => transport === kind) })).filter(({ list }) => list.length);
  }

  times(records) {
    const [start, end] = [records.reduce((least, { t }) => Math.min(least, t), Infinity), records.reduce((most, { t }) => Math.max(most, t), 0)];
    const lengths = records.map(({ length }) => length);
    const [least, most] = [lengths.reduce((a, b) => Math.min(a, b)), lengths.reduce((a, b) => Math.max(a, b))];
    const powers = Math.max(1, Math.ceil(Math.log10(Math.max(most, 2))));
    const series = this.series(records);
    const draw = ({ width, unit }) => {
      const height = 300 * unit;
      const ticks = roundSteps(end, width > 600 * unit ? 8 : 4);
      const last = ticks.at(-1);
      const { area, back } = axes({
        width, height, unit, xName: this.say("times.x"), yName: this.say("times.y"),
        xs: ticks.map((value) => ({ at: value / last, text: this.number(value, value % 1 ? 1 : 0) })),
        ys: Array.from({ length: powers + 1 }, (_, n) => ({ at: n / powers, text: this.number(10 ** n) })),
      });
      const points = (list, fromClient) => list.filter((record) => record.from_client === fromClient)
        .map(({ t, length }) => ({ x: t / last, y: Math.log10(Math.max(1, length)) / powers }));
      const desc = this.say("times.desc", { n: this.number(records.length), t: this.number(end - start), least: this.number(least), most: this.number(most) });
      return plot({ width, height, title: this.say("times"), desc }, back,
        series.flatMap(({ kind, list }) => [false, true].map((fromClient) => marks(area, points(list, fromClient), `stroke-${TINT[kind]}`, !fromClient))));
    };
    const legend = el("ul", { class: "legend small" }, series.flatMap(({ kind }) => [true, false].map((fromClient) =>
      el("li", {}, el("span", { class: `mark is-${TINT[kind]}`, "aria-hidden": "true" }, fromClient ? "●" : "+"),
        `${this.say(`times.${kind}`)}, ${this.say(fromClient ? "times.client" : "times.server")}`))));
    const heads = ["time", "connection", "transport", "direction", "length", "frame"].map((key) => this.say(key));
    const rows = () => records.slice(0, ROWS).map(({ t, conn, from_client: fromClient, transport, length, frame }) => [
      this.number(t, 1), conn, this.say(`times.${transport}`), this.say(fromClient ? "direction.client" : "direction.server"), this.number(length),
      el("button", { type: "button", class: "link", "aria-label": this.say("show", { frame }), onclick: () => this.bus.emit("frame", { frame, source: 0 }) }, frame),
    ]);
    const note = records.length > ROWS ? this.say("table.first", { n: ROWS, all: this.number(records.length) }) : "";
    return this.part(this.say("times"), this.say("times.what"), legend, figure(draw, this.paper), tableBehind(this.say("table"), heads, rows, note));
  }

  lengths(records) {
    const series = this.series(records);
    const binOf = (length) => Math.max(3, Math.ceil(Math.log2(Math.max(1, length)))); // up to 8, 16, 32, …
    const bins = records.map(({ length }) => binOf(length));
    const [low, high] = [bins.reduce((a, b) => Math.min(a, b)), bins.reduce((a, b) => Math.max(a, b))];
    const sizes = Array.from({ length: high - low + 1 }, (_, n) => low + n);
    const counts = series.map(({ kind, list }) => {
      const counted = new Map(sizes.map((bin) => [bin, 0]));
      for (const { length } of list) counted.set(binOf(length), counted.get(binOf(length)) + 1);
      return { kind, counted };
    });
    const most = Math.max(...counts.flatMap(({ counted }) => [...counted.values()]));
    const ticks = roundSteps(most, 4);
    const draw = ({ width, unit }) => {
      const height = 250 * unit;
      const every = Math.ceil((sizes.length * 60 * unit) / width); // a label needs about so much room
      const { area, back } = axes({
        width, height, unit, xName: this.say("lengths.x"), yName: this.say("lengths.y"),
        xs: sizes.map((bin, n) => ({ at: (n + 0.5) / sizes.length, text: this.number(2 ** bin) })).filter((_, n) => n % every === 0),
        ys: ticks.map((value) => ({ at: value / ticks.at(-1), text: this.number(value, value % 1 ? 1 : 0) })),
      });
      const space = 0.8 / counts.length / sizes.length;
      const byCount = new Map();
      for (const { length } of records) byCount.set(length, (byCount.get(length) ?? 0) + 1);
      const [top, times] = [...byCount].reduce((best, one) => (one[1] > best[1] ? one : best));
      const desc = this.say("lengths.desc", { n: this.number(records.length), top: this.number(top), times: this.number(times) });
      return plot({ width, height, title: this.say("lengths"), desc }, back, counts.map(({ kind, counted }, which) =>
        bars(area, sizes.map((bin, n) => ({ x: (n + 0.1) / sizes.length + which * space, w: space * 0.94, h: counted.get(bin) / ticks.at(-1) })), `fill-${TINT[kind]}`)));
    };
    const legend = el("ul", { class: "legend small" }, counts.map(({ kind }) =>
      el("li", {}, el("span", { class: `mark is-${TINT[kind]}`, "aria-hidden": "true" }, "■"), this.say(`times.${kind}`))));
    const from = (bin) => (bin === 3 ? 0 : 2 ** (bin - 1) + 1);
    const rows = () => sizes.map((bin) => [`${this.number(from(bin))} – ${this.number(2 ** bin)}`, ...counts.map(({ counted }) => this.number(counted.get(bin)))]);
    return this.part(this.say("lengths"), this.say("lengths.what"), legend, figure(draw, this.paper),
      tableBehind(this.say("table"), [this.say("range"), ...counts.map(({ kind }) => this.say(`times.${kind}`))], rows));
  }
}

export function numbers(data, words, bus) {
  return new Numbers(data, words, bus).element;
}
