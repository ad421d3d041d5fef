"""The tests of this folder believe what they are told here: each thing is shown a page that it must complain about."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.lab.report.browser import looking
from tests.lab.report.chromium import Pages

BAD = """<!doctype html><html lang=en><title>t</title><body style="color:#777;background:#fff">
<h1 style="color:#000">page.title</h1><p aria-label="said {n} times">faint</p>
<p style="background:#000;color:#fff">fine</p>
<button style="outline:none">no ring</button><button style="outline:2px solid">ring</button>
<div style="width:3000px">wide</div><img src="http://example.invalid/x.png" alt="">
<script>console.log("heard"); setTimeout(() => { throw new Error("raised") })</script>"""


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.html"
    path.write_text(BAD)
    return path


def test_a_bad_page_is_found_out(bad: Path, browser: Browser) -> None:
    pages = Pages(browser)
    page = pages.open(bad)
    assert [line.split(" ")[0] for line in looking.too_faint(page)] == ["P", "DIV"]
    assert looking.too_wide(page) > 1000
    assert "page.title" in looking.said(page)
    assert "said {n} times" in looking.said(page)
    rings = []
    for _ in range(2):
        page.keyboard.press("Tab")
        focused = looking.focused(page)
        assert focused
        rings.append((focused["said"], focused["ring"]))
    assert rings == [("no ring", False), ("ring", True)]
    with pytest.raises(AssertionError) as raised:
        pages.close()
    for wrong in ("console log: heard", "error: raised", "request: http://example.invalid/x.png"):
        assert wrong in str(raised.value)


def test_nothing_is_missed_where_script_is_off(bad: Path, browser: Browser) -> None:
    pages = Pages(browser)
    pages.open(bad, script=False)
    with pytest.raises(AssertionError, match=r"example\.invalid"):
        pages.close()
