// The reader's choices: language, colours, size of the text, with or without the keys. Puts them on the page's root and
// tells the other parts.

import { el, svg } from "./dom.js";

const THEMES = ["auto", "light", "dark"];
const NAMES = { en: "English", es: "Español" };
const SHORT = { en: "EN", es: "ES" };

// What the reader's browser asks for, where the page has it.
export function preferredLanguage(languages) {
  const asked = (navigator.languages ?? [navigator.language]).map((tag) => tag.slice(0, 2).toLowerCase());
  return asked.find((language) => languages.includes(language)) ?? languages[0];
}

function choice(options, chosen, choose) {
  const buttons = options.map(({ value, text, ...rest }) => el("button", {
    type: "button", ...rest, "aria-pressed": String(value === chosen),
    onclick: () => {
      buttons.forEach((button, n) => button.setAttribute("aria-pressed", String(options[n].value === value)));
      choose(value);
    },
  }, text));
  return buttons;
}

// Language, colours and size, as an element that draws itself anew when the language changes.
export function settings(data, words, bus, root) {
  const box = el("div", { class: "settings", role: "group" });
  const draw = () => {
    const say = (key) => words.say("page", key);
    const languages = choice(
      data.languages.map((value) => ({ value, text: SHORT[value] ?? value, lang: value, "aria-label": NAMES[value] ?? value, title: NAMES[value] ?? value })),
      words.language,
      (language) => {
        words.language = language;
        bus.emit("language");
        box.querySelector(`[lang="${language}"]`).focus();
      });
    const themes = choice(THEMES.map((value) => ({ value, text: say(`theme.${value}`) })), root.dataset.theme ?? "auto", (theme) => {
      if (theme === "auto") delete root.dataset.theme;
      else root.dataset.theme = theme;
    });
    const large = el("button", {
      type: "button", "aria-pressed": String(root.dataset.size === "large"),
      onclick: () => {
        const on = root.dataset.size !== "large";
        if (on) root.dataset.size = "large";
        else delete root.dataset.size;
        large.setAttribute("aria-pressed", String(on));
      },
    }, say("large"));
    box.setAttribute("aria-label", say("settings"));
    box.replaceChildren(
      el("div", { class: "group", role: "group", "aria-label": say("language") }, languages),
      el("div", { class: "group", role: "group", "aria-label": say("theme") }, themes), large);
  };
  draw();
  bus.on("language", draw);
  return box;
}

// The switch "with the keys". Others may throw it too, by the bus.
export function keysSwitch(words, bus) {
  const button = el("button", {
    type: "button", class: "switch", role: "switch", "aria-checked": "false",
    onclick: () => bus.emit("keys", { on: button.getAttribute("aria-checked") !== "true" }),
  });
  const draw = () => button.replaceChildren(words.say("page", "keys"));
  draw();
  bus.on("language", draw);
  bus.on("keys", ({ on }) => button.setAttribute("aria-checked", String(on)));
  return button;
}

// Small signs beside words that say the same: a lock, an open lock, a key, an eye, a tick, a cross, arrows, a pin.
const SIGNS = {
  sealed: ["M6 11h12v9H6z", "M8.5 11V8a3.5 3.5 0 0 1 7 0v3"],
  opened: ["M6 11h12v9H6z", "M8.5 11V7a3.5 3.5 0 0 1 6.8-1.2"],
  key: ["M8 19a4 4 0 1 1 0-8 4 4 0 0 1 0 8z", "M11 12.5 19 4.5", "M16 7.5l3 3"],
  clear: ["M2.5 12S6 6 12 6s9.5 6 9.5 6-3.5 6-9.5 6-9.5-6-9.5-6z", "M12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z"],
  good: ["M4.5 12.5l5 5 10-11"],
  bad: ["M6 6l12 12", "M18 6 6 18"],
  right: ["M4 12h15", "M13 6l6 6-6 6"],
  left: ["M20 12H5", "M11 6l-6 6 6 6"],
  pin: ["M9 3h6l-1 7 4 4H6l4-4z", "M12 14v7"],
};

export function sign(name, extra = "") {
  return svg("svg", { class: `icon ${extra}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    SIGNS[name].map((d) => svg("path", { d, "stroke-linecap": "round", "stroke-linejoin": "round" })));
}
