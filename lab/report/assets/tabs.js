// The tabs of a frame's sources: its own bytes, what was put together from several frames, what was opened with the keys.

import { el } from "./dom.js";
import { sign } from "./settings.js";

export class SourceTabs {
  // prefix: begins the ids of the tabs. choose(source) is called for a chosen one.
  constructor(words, prefix, choose) {
    Object.assign(this, { words, prefix, choose, source: 0 });
    this.element = el("div", { class: "tabs", role: "tablist", "aria-label": words.say("explorer", "sources") });
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  id(source) {
    return `${this.prefix}-${source}`;
  }

  // sources: as in Fields. panel: the id of what the tabs control.
  draw(sources, chosen, panel) {
    this.source = chosen;
    const say = (key, values) => this.words.say("explorer", key, values);
    const scrolled = this.element.scrollLeft;
    this.element.replaceChildren(...sources.map(({ kind, bytes, locked }, n) => {
      const same = sources.filter((other) => other.kind === kind);
      const name = say(`source.${kind}`);
      return el("button", {
        type: "button", role: "tab", id: this.id(n), "aria-selected": String(n === chosen), "aria-controls": panel,
        tabindex: n === chosen ? 0 : -1, onclick: () => this.choose(n),
      },
        locked && sign("sealed"), same.length > 1 ? say("source_of", { name, n: same.indexOf(sources[n]) + 1 }) : name, " ",
        el("span", { class: "muted small" }, locked ? say("locked") : say("size", { n: this.words.number(bytes.length) })));
    }));
    const { offsetLeft, offsetWidth } = this.element.children[chosen]; // the chosen tab is in sight
    this.element.scrollLeft = Math.max(offsetLeft + offsetWidth - this.element.clientWidth, Math.min(scrolled, offsetLeft));
  }

  key(event) {
    const last = this.element.children.length - 1;
    const { source } = this;
    const moves = { ArrowLeft: source === 0 ? last : source - 1, ArrowRight: source === last ? 0 : source + 1, Home: 0, End: last };
    if (!Object.hasOwn(moves, event.key)) return;
    event.preventDefault();
    this.choose(moves[event.key]);
  }
}
