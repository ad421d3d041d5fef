"""600 messages, more than a thousand frames: only what is seen is drawn. Elements are counted, never milliseconds."""

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.lab.report.browser.conftest import Open, lab
from tests.lab.report.browser.looking import data_of, elements
from tests.lab.report.conftest import Captured

_FEW = 4_000  # elements of a page; with a row for each message or frame there would be ten times as many

# Scrolls through all of a list and returns the most elements that the page had at any time.
_THROUGH = """
async (list) => {
  let most = 0;
  const steps = 50;
  for (let n = 0; n <= steps; n += 1) {
    list.scrollTop = (list.scrollHeight - list.clientHeight) * n / steps;
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    most = Math.max(most, document.querySelectorAll("*").length);
  }
  return most;
}
"""


def through(scrolled: Locator) -> int:
    most = scrolled.evaluate(_THROUGH)
    assert isinstance(most, int)
    assert scrolled.evaluate("(list) => list.scrollTop > 10 * list.clientHeight"), "it was scrolled"
    return most


def test_the_page_stays_small(many: Path, open_report: Open) -> None:
    """One test, so that one worker makes the report and opens it, and no other waits for it."""
    page = open_report(many)
    _to_the_last_message(page, many)
    _to_the_last_frame(page, many)
    page.locator("summary").evaluate_all("(all) => all.forEach((one) => one.click())")
    assert elements(page) < 3 * _FEW, "tables behind plots show the first rows"


def _to_the_last_message(page: Page, many: Path) -> None:
    assert len(data_of(many)["messages"]) == 600
    assert elements(page) < _FEW
    messages = page.get_by_role("listbox", name="Messages")
    assert through(messages) < _FEW
    expect(messages).to_contain_text("message 600 of many")
    messages.focus()
    page.keyboard.press("Home")
    expect(messages).to_contain_text("message 1 of many")
    page.keyboard.press("End")
    expect(messages.get_by_role("option", selected=True)).to_contain_text("message 600 of many")
    expect(page.get_by_role("heading", name="Message 600", exact=True)).to_be_visible()


def _to_the_last_frame(page: Page, many: Path) -> None:
    count = data_of(many)["frames"]["count"]
    assert count > 1_200
    frames = page.get_by_role("grid", name="Frames")
    assert through(frames) < _FEW
    frames.focus()
    page.keyboard.press("End")
    expect(page.get_by_role("heading", name=f"Frame {count}", exact=True)).to_be_visible()
    expect(frames.get_by_role("row", selected=True)).to_be_in_viewport()


def test_a_frame_of_many_records(tmp_path: Path, captured: Captured, open_report: Open) -> None:
    """A frame may hold thousands, each with fields of its own: the tree draws few of them."""
    words = captured((">", b"\x15\x03\x01\0\x02\1\0" * 8_000))
    lab(tmp_path, "report", str(words), f"--out={tmp_path / 'report.html'}")
    page = open_report(tmp_path / "report.html")
    page.get_by_role("grid", name="Frames").focus()
    page.keyboard.press("End")
    expect(page.get_by_role("heading", name="Frame 3", exact=True)).to_be_visible()
    tree = page.get_by_role("tree", name="Fields")
    assert tree.evaluate("(list) => list.scrollHeight > 1000 * list.clientHeight")
    assert elements(page) < _FEW
    tree.locator('[tabindex="0"]').focus()
    page.keyboard.press("End")
    expect(tree.locator(":focus")).to_be_in_viewport()
    assert elements(page) < _FEW
