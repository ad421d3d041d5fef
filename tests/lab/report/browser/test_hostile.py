"""What was said and captured is shown, and is nothing but text: markup, escapes, direction marks, zeros, 64 KiB."""

import struct
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from capture.segment import ACK, PSH, SYN, Endpoint
from capture.tap import tcp_frame
from tests.lab.report.browser.conftest import Made, Open, demo, lab
from tests.lab.report.browser.looking import data_of, elements, said, too_wide
from tests.lab.report.chromium import Pages

# each of them would show itself if it were run: in the title, which is looked at, or by a dialog, which is written down
TYPED = (
    "<script>document.title='owned'</script>",
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\"> &lt;b&gt; &amp;#60;",
    "--><!-- ]]> <svg/onload=alert(1)> {title} ${alert(1)} page.title",
    "\u202egnp.exe\u202c \u2066left\u2069 \u2028 \u2029 \u200b \ufeff",
    "javascript:alert(1) <a href='javascript:alert(1)'>press</a>",
    "x<b>&" * 800,
)
# the lab's own chat refuses these; another program, or a capture that was handed in, does not
LONG = "<b>&\x9b31m" * 7200
RAW = (b"\x1b[2J\x1b]0;owned\x07 bell", b"zero\0zero", LONG.encode(), b"\xff\xfe\xed\xa0\x80 not UTF-8")


@pytest.fixture(scope="session")
def typed(made: Made) -> Path:
    """The report of a demo in which people type what means harm."""

    def build(folder: Path) -> None:
        words = folder / "words"
        words.write_text("".join(f"alice > {line}\n" for line in TYPED), "utf-8")
        demo(folder, "both", f"--messages={words}")

    return made("typed", build)


@pytest.fixture(scope="session")
def raw(made: Made) -> Path:
    """The report of a capture of another program's chat."""

    def build(folder: Path) -> None:
        capture = folder / "raw.pcap"
        capture.write_bytes(_captured(b"mallory", *RAW))
        lab(folder, "report", str(capture), f"--out={folder / 'report.html'}")

    return made("raw", build)


def _captured(*lines: bytes) -> bytes:
    """A capture file of one connection, in which the client says each line and the server says it back."""
    client, server = Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 12345)
    sent = {client: 1, server: 1}
    frames = [tcp_frame(client, server, 0, 0, SYN, b""), tcp_frame(server, client, 0, 1, SYN | ACK, b"")]
    for line in lines:
        for one, other, words in ((client, server, line + b"\n"), (server, client, b"mallory > " + line + b"\n")):
            for start in range(0, len(words), 60_000):
                part = words[start : start + 60_000]
                frames.append(tcp_frame(one, other, sent[one], sent[other], PSH | ACK, part))
                sent[one] += len(part)
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1)
    return data + b"".join(
        struct.pack("<IIII", 1_700_000_000 + n, 0, len(frame), len(frame)) + frame for n, frame in enumerate(frames)
    )


def untouched(page: Page) -> None:
    """Nothing that was said has become a part of the page."""
    assert page.title() != "owned"
    assert page.locator("script").count() == 2, "the data and the page's own"
    live = "img, iframe, object, embed, link, form, [onerror], [onload], a[href^=javascript]"
    assert page.locator(live).count() == 0
    shown = said(page)
    for character in "\x1b\x07\0\x9b\u202e\u202c\u2066\u2069\u200b\ufeff":
        assert character not in shown, f"U+{ord(character):04X}"


@pytest.mark.parametrize("name", ["typed", "raw"])
def test_nothing_of_it_is_run(name: str, open_report: Open, request: pytest.FixtureRequest) -> None:
    """Whichever message and frame is shown, with the keys, and whole."""
    report: Path = request.getfixturevalue(name)
    # before script has done anything with it
    markup = report.read_text("utf-8")
    assert markup.count("<script") == markup.count("</script") == 2
    assert "<img" not in markup
    page = open_report(report)
    untouched(page)
    assert too_wide(page) <= 0
    if page.get_by_role("switch").count():
        page.get_by_role("switch").click()
    folded = page.get_by_role("article").get_by_role("button", name="Show all of it")
    for part in (page.get_by_role("listbox", name="Messages"), page.get_by_role("grid", name="Frames")):
        part.focus()
        page.keyboard.press("Home")
        for _ in range(5):
            page.keyboard.press("ArrowDown")
            while folded.count():
                folded.first.click()
            part.focus()
            untouched(page)


def test_the_words_are_shown_as_they_were_typed(typed: Path, open_report: Open) -> None:
    page = open_report(typed)
    shown = said(page)
    for line in TYPED[:4]:
        assert line in shown
    assert "\\u202egnp.exe\\u202c" in shown
    page.get_by_role("listbox").focus()
    page.keyboard.press("End")
    page.get_by_role("article").get_by_role("button", name="Show all of it").first.click()
    expect(page.get_by_role("article")).to_contain_text(TYPED[-1])


def test_64_kib_and_controls_are_shown_as_text(raw: Path, open_report: Open) -> None:
    page, data = open_report(raw), data_of(raw)
    assert len(LONG.encode()) > 64_000
    (long,) = [message for message in data["messages"] if len(message["text"]) > 64_000]
    assert long["text"] == LONG.replace("\x9b", "\\x9b")
    shown = said(page)
    assert "\\x1b[2J" in shown
    assert "zero\\x00zero" in shown
    page.get_by_role("listbox").focus()
    page.keyboard.press("Home")
    for _ in range(long["n"] - 1):
        page.keyboard.press("ArrowDown")
    article = page.get_by_role("article")
    article.get_by_role("button", name="Show all of it").first.click()
    expect(article).to_contain_text(long["text"])
    assert elements(page) < 10_000


def test_a_script_put_into_the_page_is_refused(both: Path, pages: Pages) -> None:
    page = pages.open(both)
    page.evaluate(
        """() => new Promise((done) => {
          const refused = [];
          document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
            if (refused.push(effectiveDirective) === 3) done();
          });
          const script = document.createElement("script");
          script.textContent = "window.owned = 1";
          const other = document.createElement("div");
          other.innerHTML = '<img src="data:," onerror="window.owned = 2"><style>body { color: red }</style>';
          document.body.append(script, other);
        })"""
    )
    assert page.evaluate("window.owned") is None
    refused = [line for line in pages.wrong if "Content Security Policy" in line]
    assert len(refused) == len(pages.wrong) >= 2
    pages.wrong.clear()
