"""What can be seen of a page, asked of the browser itself: words, contrast, width, focus, size of the tree."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any, cast

from playwright.sync_api import Page

# What the eye or a screen reader gets: text that is laid out, and the attributes that are read out.
_SAID = """
() => {
  const said = [document.title, document.body.innerText];
  const names = ["aria-label", "aria-description", "aria-roledescription", "title", "placeholder", "alt"];
  for (const element of document.querySelectorAll("*")) {
    for (const name of names) said.push(element.getAttribute(name) ?? "");
  }
  for (const element of document.querySelectorAll("svg title, svg desc")) said.push(element.textContent);
  return said.join("\\n");
}
"""

# Of each text that is laid out: its colour on the colours behind it, as relative luminances (WCAG 2.2), and its size.
_CONTRASTS = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((n) => top[n] * top[3] + below[n] * (1 - top[3])).concat(1);
  const luminance = (colour) => {
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = colour.map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const found = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (element.closest("[disabled], [aria-disabled=true]") || element.getBoundingClientRect().width <= 1) continue;
    const style = getComputedStyle(element);
    const ground = behind(element);
    const ink = over(rgba(element instanceof SVGElement ? style.fill : style.color), ground);
    const [low, high] = [luminance(ink), luminance(ground)].sort((a, b) => a - b);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio >= (large ? 3 : 4.5)) continue;
    const where = `${element.tagName} ${element.getAttribute("class")} ${style.color}`;
    found.set(where, `${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
  }
  return [...found].map((pair) => pair.join(" "));
}
"""

# What has the focus: how it is called, whether it can be told from what has not, whether it is in view.
_FOCUSED = """
() => {
  const element = document.activeElement;
  if (element === document.body || element === null) return null;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  return {
    what: `${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""}`,
    role: element.getAttribute("role") ?? element.tagName.toLowerCase(),
    said: (element.getAttribute("aria-label") ?? (element.labels?.[0] ?? element).innerText).slice(0, 60),
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}
"""


_TOO_WIDE = """
async () => {
  // plots are drawn anew in the frame after their room has changed
  for (let n = 0; n < 3; n += 1) await new Promise(requestAnimationFrame);
  return document.documentElement.scrollWidth - document.documentElement.clientWidth;
}
"""


def data_of(report: Path) -> dict[str, Any]:
    """What the page was given, read out of the file without a browser."""
    text = report.read_text("utf-8").partition('<script type="application/json" id="lab-data">')[2]
    return cast("dict[str, Any]", json.loads(text.partition("</script>")[0]))


def said(page: Page) -> str:
    return cast("str", page.evaluate(_SAID))


def too_faint(page: Page) -> list[str]:
    return cast("list[str]", page.evaluate(_CONTRASTS))


def focused(page: Page) -> dict[str, Any] | None:
    return cast("dict[str, Any] | None", page.evaluate(_FOCUSED))


def too_wide(page: Page) -> int:
    """How many pixels of the page stand out at the right of the window."""
    return cast("int", page.evaluate(_TOO_WIDE))


def elements(page: Page) -> int:
    return cast("int", page.evaluate("document.querySelectorAll('*').length"))


def frame_of(data: dict[str, Any], frame: int) -> dict[str, Any]:
    """A frame as the page has it: `sources` and `nodes`."""
    place = data["frames"]["index"]["frame"].index(frame)
    chunk, at = divmod(place, data["frames"]["per"])
    packed = base64.b64decode(data["frames"]["chunks"][chunk])
    opened = json.loads(zlib.decompress(packed, -15))
    found: dict[str, Any] = opened["frames"][at]
    texts = [opened["texts"][text] for text, *_ in found["nodes"]]
    nodes = [[*text[:2], *node[1:], *text[2:]] for text, node in zip(texts, found["nodes"], strict=True)]
    return {**found, "nodes": nodes}
