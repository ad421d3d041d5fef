// The list of frames: a grid with one row a frame, of which only the rows in sight are drawn. The grid keeps the focus and
// says which row is active; the arrow keys choose the frame that the explorer shows.

import { el } from "./dom.js";
import { Rows } from "./rows.js";

// Who speaks to whom, as short as can be told: "alice → server", or ":40001 → server" where no name is known.
export function speakers(connection, fromClient, words) {
  if (!connection) return words.say("explorer", "nobody");
  const client = connection.who ?? connection.client.slice(connection.client.lastIndexOf(":"));
  const server = words.say("explorer", "server");
  return fromClient ? `${client} → ${server}` : `${server} → ${client}`;
}

export class PacketList {
  // filter: { conn: number or null, payload: boolean }, kept by the caller. choose(frame) is called for a chosen frame.
  constructor(data, words, filter, choose) {
    this.index = data.frames.index;
    this.connections = new Map((data.connections ?? []).map((connection) => [connection.conn, connection]));
    this.words = words;
    this.filter = filter;
    this.choose = choose;
    this.active = 0; // row, not frame
    const say = (key, values) => words.say("explorer", key, values);
    const heads = ["number", "time", "who", "size", "info"].map((key, n) =>
      el("div", { role: "columnheader", "aria-colindex": n + 1, class: `cell-${key}` }, say(`column.${key}`)));
    this.grid = el("div", { class: "packets", role: "grid", tabindex: 0, "aria-label": say("frames"), "aria-colcount": 5 },
      el("div", { role: "rowgroup", class: "packets-head" }, el("div", { role: "row", "aria-rowindex": 1, class: "packet" }, heads)));
    this.rows = new Rows(this.grid, (n) => this.drawRow(n));
    this.count = el("span", { class: "count muted small", role: "status" });
    this.element = el("div", { class: "frames" },
      el("div", { class: "toolbar" }, this.connectionChoice(), this.payloadChoice(), this.count), this.grid);
    this.grid.addEventListener("keydown", (event) => this.key(event));
    this.grid.addEventListener("click", (event) => {
      const row = event.target.closest("[data-row]");
      if (row) this.activate(Number(row.dataset.row));
    });
    this.sift();
  }

  connectionChoice() {
    const option = (value, text) => el("option", { value, selected: String(this.filter.conn ?? "") === String(value) }, text);
    const names = [...this.connections.values()].map((connection) => {
      const kind = this.words.say("explorer", connection.tls ? "tls" : "plain");
      return option(connection.conn, [kind, connection.who, connection.client].filter(Boolean).join(" · "));
    });
    const select = el("select", {
      onchange: () => {
        this.filter.conn = select.value === "" ? null : Number(select.value);
        this.sift();
      },
    }, option("", this.words.say("explorer", "all")), names);
    return el("label", { class: "choice" }, el("span", { class: "muted small" }, this.words.say("explorer", "connection")), select);
  }

  payloadChoice() {
    const box = el("input", {
      type: "checkbox", checked: this.filter.payload,
      onchange: () => {
        this.filter.payload = box.checked;
        this.sift();
      },
    });
    return el("label", { class: "choice" }, box, this.words.say("explorer", "payload_only"));
  }

  // Which frames pass the filter, as places in the index.
  sift() {
    const { conn, payload, frame } = this.index;
    const chosen = this.places?.[this.active];
    this.places = [...frame.keys()].filter((place) =>
      (this.filter.conn === null || conn[place] === this.filter.conn) && (!this.filter.payload || payload[place] > 0));
    this.active = this.places.indexOf(chosen);
    this.grid.setAttribute("aria-rowcount", this.places.length + 1);
    const values = { shown: this.words.number(this.places.length), all: this.words.number(frame.length) };
    this.count.textContent = this.words.say("explorer", this.places.length === frame.length ? "count" : "count_some", values);
    this.rows.reset(this.places.length);
    this.mark();
  }

  drawRow(n) {
    const place = this.places[n];
    const { frame, t, conn, from_client: fromClient, size, payload, info } = this.index;
    const connection = this.connections.get(conn[place]);
    const cell = (key, at, ...children) => el("div", { role: "gridcell", "aria-colindex": at, class: `cell-${key}` }, children);
    return el("div", {
      class: `row packet${payload[place] ? "" : " empty"}`, role: "row", id: this.rowId(n), "data-row": n, "aria-rowindex": n + 2,
      "aria-selected": String(n === this.active),
    },
      cell("number", 1, frame[place]),
      cell("time", 2, this.words.say("explorer", "ms", { t: this.words.number(t[place], 1) })),
      cell("who", 3, connection && el("span", { class: `chip tint-${connection.tls ? "sealed" : "clear"}` },
        this.words.say("explorer", connection.tls ? "tls" : "plain")), connection && " ",
      el("span", {}, speakers(connection, fromClient[place], this.words))),
      cell("size", 4, this.words.number(size[place])),
      cell("info", 5, info[place]));
  }

  rowId(n) {
    this.prefix ??= `frames-${Math.random().toString(36).slice(2)}`; // several explorers may stand in one notebook
    return `${this.prefix}-${n}`;
  }

  mark() {
    this.grid.querySelector('[aria-selected="true"]')?.setAttribute("aria-selected", "false");
    if (this.active >= 0) {
      this.rows.keep(this.active);
      this.rows.reveal(this.active);
      this.rows.row(this.active).setAttribute("aria-selected", "true");
      this.grid.setAttribute("aria-activedescendant", this.rowId(this.active));
    } else this.grid.removeAttribute("aria-activedescendant");
  }

  activate(n) {
    if (n < 0 || n >= this.places.length) return;
    this.active = n;
    this.mark();
    this.choose(this.index.frame[this.places[n]]);
  }

  // Mark a frame that was chosen elsewhere; a filter that hides it is lifted.
  point(place) {
    let n = this.places.indexOf(place);
    if (n < 0) {
      this.filter.conn = null;
      this.filter.payload = false;
      this.element.querySelector("select").value = "";
      this.element.querySelector("input").checked = false;
      this.sift();
      n = this.places.indexOf(place);
    }
    this.active = n;
    this.mark();
  }

  // The frame so many rows on from the chosen one, among those that pass the filter.
  move(step) {
    this.activate(Math.max(0, Math.min(this.places.length - 1, this.active + step)));
  }

  key(event) {
    const last = this.places.length - 1;
    const { active } = this;
    const moves = { ArrowUp: active - 1, ArrowDown: active + 1, PageUp: active - this.rows.page, PageDown: active + this.rows.page, Home: 0, End: last };
    if (event.target !== this.grid || event.ctrlKey || event.altKey || event.metaKey || !Object.hasOwn(moves, event.key)) return;
    this.activate(Math.max(0, Math.min(last, moves[event.key])));
    event.preventDefault();
  }
}
