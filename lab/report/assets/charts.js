// Plots as SVG: bars, dots, a scale. Draws numbers that it is given and knows nothing of what they count. Colours come from
// classes; every plot has a title, a description, and named axes.

import { el, svg } from "./dom.js";

const MARGIN = { top: 14, right: 14, bottom: 46, left: 58 }; // pixels, at a font of 16

// A figure that draws itself as wide as there is room, or for paper as wide as told. draw({ width, unit }): an SVG element; unit:
// pixels of one em / 16.
export function figure(draw, paper) {
  const box = el("div", { class: "plot" });
  if (paper) {
    box.append(draw({ width: paper, unit: 1 }));
    return box;
  }
  let drawn = 0;
  new ResizeObserver(() => {
    const width = Math.round(box.clientWidth);
    const unit = Number.parseFloat(getComputedStyle(box).fontSize) / 16;
    if (!width || width * 100 + unit === drawn) return;
    drawn = width * 100 + unit;
    box.replaceChildren(draw({ width, unit }));
  }).observe(box);
  return box;
}

let plots = 0; // so that names of titles are not given twice in a document

export function plot({ width, height, title, desc }, ...children) {
  plots += 1;
  const [titleId, descId] = [`plot-${plots}-title`, `plot-${plots}-desc`];
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-labelledby": titleId, "aria-describedby": descId },
    svg("title", { id: titleId }, title), svg("desc", { id: descId }, desc), ...children);
}

function text(x, y, anchor, content, className = "tick") {
  return svg("text", { x, y, "text-anchor": anchor, class: className }, content);
}

// Axes and grid. xs, ys: [{ at: 0 to 1, text }]. Returns the plotting area too.
export function axes({ width, height, unit, xs, ys, xName, yName }) {
  const left = MARGIN.left * unit;
  const top = (MARGIN.top + 18) * unit;
  const area = { left, top, width: width - left - MARGIN.right * unit, height: height - top - MARGIN.bottom * unit };
  const bottom = area.top + area.height;
  return {
    area,
    back: svg("g", { "aria-hidden": "true" },
      ys.map(({ at, text: label }) => {
        const y = bottom - at * area.height;
        return [svg("line", { x1: left, x2: left + area.width, y1: y, y2: y, class: at === 0 ? "axis" : "grid" }), text(left - 8 * unit, y + 4 * unit, "end", label)];
      }).flat(),
      xs.map(({ at, text: label }) => text(left + at * area.width, bottom + 17 * unit, "middle", label)),
      text(left + area.width / 2, bottom + 38 * unit, "middle", xName, "axis-name"),
      text(0, 13 * unit, "start", yName, "axis-name")),
  };
}

// Bars as one path a series: x, w from 0 to 1 across, h from 0 to 1 upward.
export function bars(area, list, className) {
  const path = list.filter(({ h }) => h > 0).map(({ x, w, h }) => {
    const tall = Math.max(1, h * area.height);
    const wide = w * area.width;
    return `M${(area.left + x * area.width).toFixed(1)} ${(area.top + area.height).toFixed(1)}v${(-tall).toFixed(1)}h${wide.toFixed(2)}v${tall.toFixed(1)}z`;
  });
  return svg("path", { d: path.join(""), class: className });
}

// Marks as one path a series, however many: dots, or crosses.
export function marks(area, list, className, cross) {
  const arm = 4;
  const path = list.map(({ x, y }) => {
    const [left, top] = [(area.left + x * area.width).toFixed(1), (area.top + (1 - y) * area.height).toFixed(1)];
    return cross ? `M${left - arm} ${top}h${2 * arm}M${left} ${top - arm}v${2 * arm}` : `M${left} ${top}h0`;
  });
  return svg("path", { d: path.join(""), class: `${cross ? "crosses" : "dots"} ${className}` });
}

// Round numbers from 0 to at least `most`, about `wanted` steps.
export function roundSteps(most, wanted) {
  if (most <= 0) return [0, 1];
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const ticks = [];
  for (let n = 0; n * step < most + step; n += 1) ticks.push(n * step);
  return ticks;
}

// The table behind a plot, made when it is first opened. heads: names; rows: a function that gives arrays of text or elements.
export function tableBehind(summary, heads, rows, note) {
  const details = el("details", { class: "behind" }, el("summary", {}, summary));
  details.addEventListener("toggle", () => {
    if (!details.open || details.querySelector("table")) return;
    details.append(table(heads, rows()), note ? el("p", { class: "small muted" }, note) : "");
  });
  return details;
}

export function table(heads, rows, className = "") {
  const numeric = heads.map((_, n) => rows.length > 0 && rows.every((row) => typeof row[n] === "number" || /^[\d.,\s–-]*$/.test(row[n]?.textContent ?? row[n] ?? "")));
  const place = (n) => (numeric[n] ? "number" : null);
  return el("div", { class: "table", tabindex: 0, role: "group", "aria-label": heads.join(", ") }, el("table", { class: className },
    el("thead", {}, el("tr", {}, heads.map((head, n) => el("th", { scope: "col", class: place(n) }, head)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, n) => el("td", { class: place(n) }, cell)))))));
}
