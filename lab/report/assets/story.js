// The handshake told as a story: for a connection each step between client and server, what it is for, what an eavesdropper
// learns from it, and which keys exist after it. A plaintext connection beside a TLS one. The words of a step come with the
// data, by its kind.

import { el } from "./dom.js";
import { sign } from "./settings.js";

const BOTH_WAYS = new Set(["conversation", "conversation_plain", "records_sealed"]); // many in one, from both sides
// In the clear in a first handshake up to TLS 1.2, and encrypted in one that follows it.
const CLEAR_AT_FIRST = /^(?!finished|change).*_12(_resumes)?$|^(server|client)_key_exchange|^(server_hello_done|certificate_status|hello_request)$/;

class Story {
  constructor(data, words, bus) {
    Object.assign(this, { data, words, bus });
    this.connections = new Map((data.connections ?? []).map((connection) => [connection.conn, connection]));
    this.kinds = ["plain", "tls"].map((kind) => ({ kind, stories: data.story.filter(({ tls }) => tls === (kind === "tls")) })).filter(({ stories }) => stories.length);
    this.chosen = new Map(this.kinds.map(({ kind, stories }) => [kind, stories[0]]));
    this.keys = false;
    this.element = el("div", { class: `story stories-${this.kinds.length}` });
    this.draw();
    bus.on("language", () => this.draw());
    bus.on("keys", ({ on }) => {
      this.keys = on;
      this.draw();
    });
  }

  say(key, values) {
    return this.words.say("page", key, values);
  }

  draw() {
    this.element.replaceChildren(...this.kinds.map(({ kind, stories }) => this.column(kind, stories)));
  }

  column(kind, stories) {
    const content = el("div", {});
    const tell = () => content.replaceChildren(this.timeline(this.chosen.get(kind)));
    tell();
    const tint = kind === "plain" ? "clear" : "sealed";
    return el("section", { class: `telling telling-${kind}`, "aria-label": this.say(`story.${kind}`) },
      el("div", { class: "telling-head" }, el("h3", { class: `is-${tint}` }, sign(tint), " ", this.say(`story.${kind}`)), this.choice(kind, stories, tell)), content);
  }

  choice(kind, stories, tell) {
    const select = el("select", {
      onchange: () => {
        this.chosen.set(kind, stories[Number(select.value)]);
        tell();
      },
    }, stories.map((one, n) => el("option", { value: n, selected: one === this.chosen.get(kind) }, this.connectionName(one.conn))));
    return el("label", { class: "choice" }, el("span", { class: "muted small" }, this.say("story.connection")), select);
  }

  connectionName(conn) {
    const connection = this.connections.get(conn);
    if (!connection) return String(conn);
    return this.say(connection.who ? "story.option_who" : "story.option", { ...connection, n: conn });
  }

  // outside: the same connection as it looks without the keys.
  timeline({ conn, tls, steps, outside }) {
    let ring = 0;
    const items = [];
    for (const step of this.keys ? steps : outside ?? steps) {
      const keys = this.words.has("story", `${step.kind}.keys`);
      if (keys) ring += 1;
      items.push(this.step(step, { ring, keys, tls }));
    }
    return el("div", { class: "lanes" },
      el("div", { class: "lane-names", "aria-hidden": "true" }, el("span", {}, this.say("story.client")), el("span", {}, this.say("story.server"))),
      el("ol", { class: "timeline", "aria-label": this.say("story.steps", { n: conn }) }, items),
      !tls && el("p", { class: "never tint-clear" }, sign("clear"), " ", this.say("story.never")));
  }

  text(step, part) {
    const key = `${step.kind}.${part}`;
    if (part !== "title" && !this.words.has("story", key)) return null;
    return this.words.say("story", key, { ...step.values, count: this.words.number(step.count) });
  }

  step(step, { ring, keys, tls }) {
    const way = BOTH_WAYS.has(step.kind) ? "both" : step.from_client ? "client" : "server";
    const direction = this.say(`story.from_${way}`);
    const arrows = [way !== "client" && sign("left"), way !== "server" && sign("right")];
    const again = step.sealed && CLEAR_AT_FIRST.test(step.kind);
    const [what, learns] = [this.text(step, "what"), again ? this.say("story.again") : this.text(step, "learns")];
    return el("li", { class: `step from-${way}` },
      el("div", { class: "step-arrow" },
        el("h4", {}, this.text(step, "title")),
        el("p", { class: "direction small muted" }, arrows, " ", direction)),
      el("div", { class: "step-body" },
        this.state(step, tls),
        what && el("p", {}, what),
        learns && el("p", { class: "learns" }, el("strong", {}, this.say("story.learns"), ": "), learns),
        keys && this.ring(ring, this.text(step, "keys")),
        this.places(step.spans)));
  }

  state({ sealed, opened }, tls) {
    if (!tls) return null;
    const chip = (tint, text) => el("span", { class: `chip tint-${tint}` }, sign(tint), text);
    return el("p", { class: "chips" }, sealed ? chip("sealed", this.say("story.sealed")) : chip("clear", this.say("story.open")),
      opened && chip("opened", this.say("story.opened")));
  }

  // The keys so far, the newest filled in.
  ring(count, text) {
    return el("div", { class: "ring" },
      el("p", { class: "ring-keys is-opened" }, Array.from({ length: count }, (_, n) => sign("key", n + 1 === count ? "newest" : "")), el("span", { class: "small" }, this.say("story.ring", { n: count }))),
      el("p", {}, el("strong", {}, this.say("story.keys"), ": "), text));
  }

  places(spans) {
    const shown = spans.filter((span, n) => spans.findIndex((other) => other.join() === span.join()) === n).slice(0, 4);
    return el("p", { class: "places small" }, shown.map(([frame, first, last]) => el("button", {
      type: "button", class: "link", title: this.say("detail.explorer"), onclick: () => this.bus.emit("frame", { frame, first, last, source: 0 }),
    }, this.say("row.where", { frame, first, last }))));
  }
}

export function story(data, words, bus) {
  return new Story(data, words, bus).element;
}
