"""Side by side: choosing a message shows its bytes in both chats, what can be told without keys, and with them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.lab.report.browser.conftest import Open
from tests.lab.report.browser.looking import data_of, frame_of


@dataclass(frozen=True, slots=True)
class SideBySide:
    page: Page
    data: dict[str, Any]

    @property
    def messages(self) -> Locator:
        return self.page.get_by_role("listbox", name="Messages")

    @property
    def chosen(self) -> Locator:
        return self.messages.get_by_role("option", selected=True)

    @property
    def plain(self) -> Locator:
        return self.page.get_by_role("region", name="Plaintext", exact=True)

    @property
    def tls(self) -> Locator:
        return self.page.get_by_role("region", name="TLS", exact=True)

    def choose(self, n: int) -> dict[str, Any]:
        """Choose message `n` by keyboard, and wait until its bytes are drawn; return what the page was given of it."""
        self.messages.focus()
        self.page.keyboard.press("Home")
        for _ in range(n - 1):
            self.page.keyboard.press("ArrowDown")
        expect(self.page.get_by_role("heading", name=f"Message {n}", exact=True)).to_be_visible()
        return dict(self.data["messages"][n - 1])

    def with_keys(self) -> None:
        self.page.get_by_role("switch", name="With the keys").click()

    def captured(self, spans: list[list[int]]) -> bytes:
        """The bytes of the capture at these places."""
        parts = [
            bytes.fromhex(frame_of(self.data, frame)["sources"][0]["hex"])[first : last + 1]
            for frame, first, last in spans
        ]
        return b"".join(parts)


def hexed(where: Locator) -> bytes:
    """What stands in hexadecimal in some elements, in order."""
    return bytes.fromhex(re.sub(r"\s+", "", "".join(where.all_inner_texts())))


@pytest.fixture
def side(both: Path, open_report: Open) -> SideBySide:
    return SideBySide(open_report(both), data_of(both))


def test_the_list_has_the_whole_conversation(side: SideBySide) -> None:
    options = side.messages.get_by_role("option")
    said = side.data["messages"]
    assert len(said) == 12
    assert options.first.get_attribute("aria-setsize") == "12"
    side.messages.focus()
    for message in said:
        expect(side.chosen).to_have_accessible_name(re.compile(rf"^Message {message['n']}, {message['who']}: "))
        expect(side.chosen).to_contain_text(message["text"][:100])
        side.page.keyboard.press("ArrowDown")
    side.page.keyboard.press("Home")
    expect(side.chosen).to_have_attribute("aria-posinset", "1")
    side.page.keyboard.press("End")
    expect(side.chosen).to_have_attribute("aria-posinset", "12")


def test_a_chosen_message_is_lit_on_both_sides(side: SideBySide) -> None:
    message = side.choose(3)
    words = message["text"].encode()
    assert hexed(side.plain.locator(".line-hex .lit")) == side.captured(message["plain"]["spans"]) == words
    (record,) = message["tls"]["records"]
    assert hexed(side.tls.locator(".line-hex .lit")) == side.captured(record["spans"])
    assert words not in side.captured(record["spans"])
    expect(side.plain).to_contain_text(message["text"])
    expect(side.tls).not_to_contain_text(message["text"])
    assert message["n"] == 3
    expect(side.page.get_by_role("status").filter(has_text="Message 3 of 12")).to_have_count(1)


def test_a_message_is_chosen_by_a_click_and_by_the_arrows_beside_it(side: SideBySide) -> None:
    side.messages.get_by_role("option").nth(1).click()
    expect(side.page.get_by_role("heading", name="Message 2", exact=True)).to_be_visible()
    side.page.get_by_role("button", name="Next message").click()
    expect(side.page.get_by_role("heading", name="Message 3", exact=True)).to_be_visible()
    expect(side.chosen).to_have_attribute("aria-posinset", "3")
    expect(side.page.get_by_role("button", name="Next message")).to_be_focused()
    side.page.get_by_role("button", name="Previous message").click()
    expect(side.chosen).to_have_attribute("aria-posinset", "2")


def test_what_can_be_told_from_outside(side: SideBySide) -> None:
    message = side.choose(5)
    (record,) = message["tls"]["records"]
    connection = next(one for one in side.data["connections"] if one["conn"] == record["conn"])
    expect(side.tls).to_contain_text(connection["client"])
    expect(side.tls).to_contain_text(f"{record['length']} bytes in the record, so {record['hidden']} bytes are hidden")
    assert record["hidden"] == len(message["text"].encode()) + 1, "the line and its end, which the page may say"


def test_the_keys_open_the_layer_below(side: SideBySide) -> None:
    message = side.choose(2)
    switch = side.page.get_by_role("switch", name="With the keys")
    expect(switch).to_have_attribute("aria-checked", "false")
    side.with_keys()
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(side.tls).to_contain_text(message["text"])
    (record,) = message["tls"]["records"]
    under = side.tls.get_by_role("group", name="Opened with the keys, byte under byte")
    opened = hexed(under.locator(".line.is-opened:not(:nth-child(3)) .line-hex"))
    sealed = hexed(under.locator(".line.is-sealed .line-hex"))
    assert opened == bytes.fromhex(record["inner"]["hex"]) + b"\x17"
    assert opened.startswith(message["text"].encode())
    assert len(sealed) == len(opened)
    assert sealed == side.captured(record["spans"])[5:-16]
    expect(side.chosen).to_contain_text(message["text"])
    side.with_keys()
    expect(side.tls).not_to_contain_text(message["text"])


def test_the_way_from_colons_to_bytes(side: SideBySide) -> None:
    message = side.choose(1)
    (record,) = message["tls"]["records"]
    wire = side.captured(record["spans"])
    expect(side.tls).to_contain_text(wire[:60].hex(":"))
    expect(side.tls).to_contain_text(wire[:60].hex())
    assert side.tls.locator(".numbers-of-bytes li").first.inner_text().split() == ["17", "23"]
    parts = side.tls.locator(".split-part").all_inner_texts()
    assert [part.split("\n") for part in parts] == [
        ["Header", "5 bytes"],
        ["Ciphertext", f"{len(wire) - 21} bytes"],
        ["Tag", "16 bytes"],
    ]
    expect(side.tls).to_contain_text(f"= {record['length']} bytes follow")
    line = message["text"].encode() + b"\n"
    expect(side.plain).to_contain_text(line.hex(":"))
    expect(side.plain).to_contain_text(line.hex())
    expect(side.plain.locator(".way .result")).to_have_text(message["text"])


def test_a_long_message_can_be_shown_whole(side: SideBySide) -> None:
    long = max(side.data["messages"], key=lambda message: len(message["text"]))
    side.choose(long["n"])
    article = side.page.get_by_role("article")
    expect(article).not_to_contain_text(long["text"])
    article.get_by_role("button", name="Show all of it").first.click()
    expect(article).to_contain_text(long["text"])
    article.get_by_role("button", name="Show less").first.click()
    expect(article).not_to_contain_text(long["text"])


@pytest.mark.parametrize("part", ["plain", "tls"])
def test_from_a_message_to_its_bytes_in_the_explorer(part: str, side: SideBySide) -> None:
    message = side.choose(4)
    spans = message["plain"]["spans"] if part == "plain" else message["tls"]["records"][0]["spans"]
    (frame, first, last) = spans[0]
    getattr(side, part).get_by_role("button", name="Show in the byte explorer").click()
    expect(side.page.get_by_role("heading", name=f"Frame {frame}", exact=True)).to_be_in_viewport()
    dump = side.page.get_by_role("grid", name="Bytes of the frame")
    expect(dump.locator(".byte.lit")).to_have_count(last - first + 1)
    assert hexed(dump.locator(".byte.lit")) == side.captured(spans)
    assert side.page.evaluate("document.activeElement.dataset.byte") == str(first)
