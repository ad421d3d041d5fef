"""For everybody: by keyboard, with a screen reader, in the dark, on a phone, on a projector, on paper, unmoved."""

from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.lab.report.browser import looking
from tests.lab.report.browser.conftest import Open
from tests.lab.report.browser.looking import data_of

Scheme = Literal["light", "dark"]
_MANY = 400  # presses of Tab, far more than a page should ask for


def unfolded(page: Page) -> Page:
    """With all that can be opened open: the keys in use, a decrypted source chosen, every table."""
    page.locator("summary").evaluate_all("(all) => all.forEach((one) => one.click())")
    page.get_by_role("switch").click()
    page.get_by_role("region", name="TLS", exact=True).or_(page.locator(".column-tls")).get_by_role(
        "button"
    ).first.click()
    page.locator(".explorer").get_by_role("tab").last.click()
    return page


@pytest.mark.parametrize(("scheme", "other", "opened"), [("light", "dark", False), ("dark", "light", True)])
def test_no_barriers_and_every_text_stands_out(
    scheme: Scheme, other: Scheme, opened: bool, both: Path, open_report: Open
) -> None:
    page = open_report(both, scheme=scheme)
    if opened:
        unfolded(page)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert looking.too_faint(page) == []
    page.emulate_media(color_scheme=other)
    assert looking.too_faint(page) == []


def test_the_switch_for_colours_goes_before_the_system(both: Path, open_report: Open) -> None:
    page = open_report(both, scheme="light")
    ground = "getComputedStyle(document.querySelector('.lab-report')).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark", exact=True).click()
    dark = page.evaluate(ground)
    assert dark != light
    assert looking.too_faint(page) == []
    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name="Light", exact=True).click()
    assert page.evaluate(ground) == light
    page.get_by_role("button", name="Auto", exact=True).click()
    assert page.evaluate(ground) == dark


def test_the_whole_page_by_keyboard(both: Path, open_report: Open) -> None:
    """From the first Tab to the last: each stop is named, ringed and in view; lists and grids are one stop each."""
    page = open_report(both)
    stops: list[dict[str, Any]] = []
    for _ in range(_MANY):
        page.keyboard.press("Tab")
        stop = looking.focused(page)
        if stop is None:
            break
        stops.append(stop)
    assert 20 < len(stops) < _MANY, "it comes to an end"
    assert stops[0]["said"] == "Skip to the content"
    assert [stop for stop in stops if not stop["said"].strip()] == []
    assert [stop for stop in stops if not stop["ring"]] == []
    assert [stop for stop in stops if not stop["seen"]] == []
    roles = [stop["role"] for stop in stops]
    assert roles.count("listbox") == 1
    assert roles.count("option") == 0
    assert roles.count("treeitem") == 1
    assert roles.count("gridcell") == 1
    assert roles.count("switch") == 1
    # and back again
    page.keyboard.press("Shift+Tab")
    back = looking.focused(page)
    assert back
    assert back["what"] == stops[-1]["what"]


def test_skipping_to_the_content(both: Path, open_report: Open) -> None:
    page = open_report(both)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "MAIN"
    page.keyboard.press("Tab")
    stop = looking.focused(page)
    assert stop
    assert stop["role"] == "listbox"


def test_what_a_screen_reader_is_told(both: Path, open_report: Open) -> None:
    page, data = open_report(both), data_of(both)
    levels = [
        int(tag[1]) for tag in page.locator("h1, h2, h3, h4").evaluate_all("(all) => all.map((one) => one.tagName)")
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels)), "no level is left out"
    for role in ("banner", "navigation", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)
    first = data["messages"][0]
    expect(page.get_by_role("listbox", name="Messages")).to_match_aria_snapshot(
        f'- listbox "Messages":\n  - option /Message 1, {first["who"]}/ [selected]\n'
    )
    expect(page.get_by_role("tree", name="Fields")).to_match_aria_snapshot(
        '- tree "Fields":\n  - treeitem /Ethernet II/ [expanded] [level=1]\n'
    )
    expect(page.get_by_role("grid", name="Bytes of the frame")).to_match_aria_snapshot(
        '- grid "Bytes of the frame":\n  - rowgroup:\n    - row:\n      - rowheader\n      - gridcell "00"\n'
    )
    expect(page.get_by_role("tablist", name="Where the bytes stand")).to_match_aria_snapshot(
        '- tablist "Where the bytes stand":\n  - tab /Frame/ [selected]\n'
    )
    page.get_by_role("switch", name="With the keys").click()
    expect(page.get_by_role("status").filter(has_text="The keys are in use")).to_have_count(1)


def test_nothing_moves_for_those_who_asked_for_that(both: Path, open_report: Open) -> None:
    page = open_report(both)
    moving = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((element) => {
          const style = getComputedStyle(element);
          const seconds = `${style.transitionDuration},${style.animationDuration}`.split(",").map(parseFloat);
          return Math.max(...seconds) > 0.01 || style.scrollBehavior === "smooth";
        }).map((element) => element.outerHTML.slice(0, 80))"""
    )
    assert moving == []


@pytest.mark.parametrize("size", ["narrow", "projector"])
def test_no_page_is_wider_than_its_window(size: str, both: Path, open_report: Open) -> None:
    page = unfolded(open_report(both, size=size))
    assert looking.too_wide(page) <= 0
    page.get_by_role("button", name="Large text").click()
    expect(page.get_by_role("button", name="Large text")).to_have_attribute("aria-pressed", "true")
    assert looking.too_wide(page) <= 0
    assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('main')).fontSize)") >= 20
    page.set_viewport_size({"width": 320, "height": 640})  # WCAG 2.2, 1.4.10
    page.get_by_role("button", name="Large text").click()
    assert looking.too_wide(page) <= 0


def test_on_paper(both: Path, open_report: Open) -> None:
    """All messages, and what was chosen, black on white; nothing that can only be pressed."""
    page, data = open_report(both, scheme="dark"), data_of(both)
    messages = page.get_by_role("listbox").get_by_role("option")
    messages.nth(5).click()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    shown = page.locator("body").inner_text()
    for message in data["messages"]:
        assert message["text"][:60] in shown
    assert messages.count() == len(data["messages"])
    expect(page.get_by_role("heading", name="Message 6", exact=True)).to_be_visible()
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.lab-report')).backgroundColor") == "rgb(255, 255, 255)"
    )
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.get_by_role("button", name="Dark", exact=True)).to_be_hidden()
    assert looking.too_faint(page) == []
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    paper = page.pdf(format="A4")
    assert paper.startswith(b"%PDF-")
    assert paper.count(b"/Type /Page\n") > 2


def test_without_script_it_says_what_is_missing(both: Path, open_report: Open) -> None:
    page = open_report(both, script=False)
    shown = page.locator("body").inner_text()
    assert "JavaScript" in shown
    assert "Esta página" in shown
