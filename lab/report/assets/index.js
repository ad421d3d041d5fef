// The page: joins the parts that the data has. `mount` draws it into an element of a document of its own; the default
// export is what anywidget asks of a module.

import { el, scrollPageTo, Bus, Words } from "./dom.js";
import { conversation } from "./conversation.js";
import { explorer } from "./explorer.js";
import { FrameStore } from "./frames.js";
import { numbers } from "./numbers.js";
import { settings, keysSwitch, preferredLanguage, sign } from "./settings.js";
import { story } from "./story.js";

const PROBLEMS = 3; // said at once, of what could not be read

// Which parts there are, and of what data each is made.
const PARTS = [
  { name: "side", build: conversation, has: (data) => Boolean(data.messages?.length) },
  { name: "story", build: story, has: (data) => Boolean(data.story?.length) },
  { name: "explorer", build: explorer, has: (data) => Boolean(data.frames?.count) },
  { name: "numbers", build: numbers, has: (data) => Boolean(data.numbers || data.claims?.length) },
];

function hasKeys(data) {
  if (!data.messages && !data.story) return true; // a notebook's explorer: it finds out frame by frame
  return Boolean(data.messages?.some((message) => message.tls?.keys) || data.story?.some(({ steps }) => steps.some((step) => step.opened)));
}

function kindOf({ messages }) {
  const plain = messages?.some((message) => message.plain);
  const tls = messages?.some((message) => message.tls);
  if (plain && tls) return "both";
  if (plain) return "plain";
  return tls ? "tls" : "none";
}

function glance(data, say) {
  const verdicts = (data.numbers?.verdicts ?? []).map(({ transport, keys, read, sent, ok }) => ({
    ok, tint: transport === "plain" ? "clear" : keys ? "opened" : "sealed",
    name: say(`glance.${transport === "plain" ? "plain" : keys ? "keys" : "tls"}`), text: say("glance.read", { read, sent }),
  }));
  if (data.claims?.length) {
    const held = data.claims.filter((claim) => claim.ok).length;
    verdicts.push({ ok: held === data.claims.length, tint: "frame", name: say("glance.claims"), text: say("glance.hold", { ok: held, all: data.claims.length }) });
  }
  if (!verdicts.length) return null;
  return el("ul", { class: "glance", "aria-label": say("glance") }, verdicts.map(({ ok, tint, name, text }) =>
    el("li", { class: `verdict tint-${tint}` },
      el("p", { class: "verdict-name" }, tint !== "frame" && sign(tint), name), el("p", { class: "verdict-text" }, text),
      el("p", { class: `verdict-ok ${ok ? "is-good" : "is-bad"}` }, sign(ok ? "good" : "bad"), say(ok ? "glance.ok" : "glance.not_ok")))));
}

function facts(data, words, say) {
  const way = words.has("page", `way.${data.way_id}`) ? say(`way.${data.way_id}`) : data.way;
  const rows = [[say("captured"), way], [say("file"), data.file], [say("frames"), words.number(data.frames?.count ?? 0)], [say("dissector"), data.dissector]];
  return el("dl", { class: "facts small" }, rows.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

// What of the session could not be read. The lab wrote it while it ran, in English.
function problems(data, say) {
  if (!data.problems?.length) return null;
  const [few, more] = [data.problems.slice(0, PROBLEMS), data.problems.slice(PROBLEMS)];
  const list = (some) => el("ul", { lang: "en" }, some.map((problem) => el("li", {}, problem)));
  return el("div", { class: "problems card" }, el("p", { class: "is-bad" }, sign("bad"), " ", el("strong", {}, say("problems"))), list(few),
    more.length > 0 && el("details", {}, el("summary", {}, say("problems_more", { n: more.length })), list(more)));
}

// Which record holds which message only keys could tell: where there are none, the list has no TLS side.
function noKeys(data, say) {
  const closed = data.connections?.some(({ tls }) => tls) && !data.messages?.some(({ tls }) => tls);
  return closed ? el("p", { class: "note" }, sign("sealed"), " ", say("no_keys")) : null;
}

// The link of the part that is in sight says so.
function followScroll(links) {
  const seen = new Map();
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) seen.set(entry.target, entry.isIntersecting);
    const current = [...links.keys()].find((section) => seen.get(section));
    for (const [section, link] of links) {
      if (section === current) {
        link.setAttribute("aria-current", "true");
        link.parentNode.scrollLeft = link.offsetLeft - link.parentNode.offsetLeft; // where there is no room for all
      } else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-25% 0px -70% 0px" });
  for (const section of links.keys()) watch.observe(section);
  return () => watch.disconnect();
}

function goTo(element) {
  scrollPageTo(element);
  element.focus({ preventScroll: true });
}

function link(say, key, target, attributes = {}) {
  const jump = (event) => {
    event.preventDefault();
    goTo(target);
  };
  return el("a", { href: `#${target.id}`, onclick: jump, ...attributes }, say(key));
}

// A part of the page. The explorer brings no heading of its own, the others do.
function section({ name, build }, data, words, bus, store) {
  const heading = el("h2", { id: `lab-${name}-title` });
  const lead = el("p", { class: "lead muted" });
  const element = el("section", { id: `lab-${name}`, class: `part part-${name}`, tabindex: -1, "aria-labelledby": heading.id }, heading, lead);
  const draw = () => {
    heading.textContent = words.say("page", `${name}.title`);
    lead.textContent = words.say("page", name === "side" || name === "story" ? `${name}.lead${leadOf(name, data)}` : `${name}.lead`);
  };
  draw();
  bus.on("language", draw);
  element.append(build(data, words, bus, store));
  return element;
}

function leadOf(name, data) {
  if (name === "side") return kindOf(data) === "both" ? "" : "_one";
  return data.story.some(({ tls }) => tls) ? "" : "_plain";
}

function header(data, words, bus, root) {
  const text = el("div", { class: "masthead-text" });
  const below = el("div", { class: "masthead-below" });
  const say = (key, values) => words.say("page", key, values);
  const draw = () => {
    text.replaceChildren(el("p", { class: "kicker muted" }, say("kicker", data)), el("h1", {}, say("title")), el("p", { class: "lede" }, say(`lede.${kindOf(data)}`)));
    below.replaceChildren(...[glance(data, say), problems(data, say), noKeys(data, say), facts(data, words, say)].filter(Boolean));
  };
  draw();
  bus.on("language", draw);
  return el("header", { class: "masthead" }, el("div", { class: "masthead-top" }, text, settings(data, words, bus, root)), below);
}

// The whole page, for a document of its own.
function page(data, words, bus, store, root) {
  const say = (key, values) => words.say("page", key, values);
  const sections = PARTS.filter(({ has }) => has(data)).map((part) => section(part, data, words, bus, store));
  const main = el("main", { id: "lab-main", tabindex: -1 }, sections);
  const skip = el("div", { class: "skip" });
  const nav = el("nav", {});
  const bar = el("div", { class: "bar", role: "region" }, nav, hasKeys(data) && keysSwitch(words, bus));
  const footer = el("footer", { class: "muted" });
  const live = el("p", { class: "unseen", role: "status" });
  let unfollow = () => {};
  const draw = () => {
    document.documentElement.lang = words.language;
    live.textContent = "";
    document.title = `${say("title")} – ${data.title}`;
    skip.replaceChildren(link(say, "skip", main));
    bar.setAttribute("aria-label", say("bar"));
    nav.setAttribute("aria-label", say("parts"));
    const links = new Map(sections.map((part) => [part, link(say, `nav.${part.id.slice(4)}`, part)]));
    nav.replaceChildren(...links.values());
    unfollow();
    unfollow = followScroll(links);
    footer.replaceChildren(el("p", { class: "small" }, say("footer", data)));
  };
  draw();
  bus.on("language", draw);
  bus.on("keys", ({ on }) => {
    live.textContent = say(on ? "keys_on" : "keys_off");
  });
  root.replaceChildren(skip, header(data, words, bus, root), bar, main, footer, live);
}

// The parts alone, for a cell of a notebook: the document has its own headings and landmarks.
function cell(data, words, bus, store, root) {
  root.replaceChildren(
    el("div", { class: "bar" }, settings(data, words, bus, root), hasKeys(data) && keysSwitch(words, bus)),
    ...PARTS.filter(({ has }) => has(data)).map(({ build }) => build(data, words, bus, store)));
}

// Returns what undoes the one thing that is done outside the root.
function fillRoot(data, root, draw) {
  const words = new Words(data.words, preferredLanguage(data.languages));
  const bus = new Bus();
  root.classList.add("lab-report");
  root.lang = words.language;
  bus.on("language", () => {
    root.lang = words.language;
  });
  draw(data, words, bus, data.frames && new FrameStore(data.frames), root);
  const gone = new AbortController();
  for (const name of ["beforeprint", "afterprint"]) addEventListener(name, () => bus.emit("paper", { on: name === "beforeprint" }), gone);
  return () => gone.abort();
}

export function mount(data, root) {
  fillRoot(data, root, page);
}

function render({ model, el: root }) {
  root.classList.add("lab-cell");
  return fillRoot(model.get("data"), root, cell);
}

export default { render };
