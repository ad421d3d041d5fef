"""The byte explorer: from a byte to its field and back, by mouse, key and finger; what it says of it; the keys."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.lab.report.browser.conftest import Open
from tests.lab.report.browser.looking import data_of, frame_of

LENGTH = "tls.record.length"


@dataclass(frozen=True, slots=True)
class Explorer:
    """The explorer of an open page, by what its parts are called."""

    page: Page
    data: dict[str, Any]

    @property
    def frames(self) -> Locator:
        return self.page.get_by_role("grid", name="Frames")

    @property
    def dump(self) -> Locator:
        return self.page.get_by_role("grid", name="Bytes of the frame")

    @property
    def tree(self) -> Locator:
        return self.page.get_by_role("tree", name="Fields")

    @property
    def card(self) -> Locator:
        return self.page.get_by_role("region", name="The chosen field, explained")

    def show(self, frame: int) -> dict[str, Any]:
        """Choose a frame in the list, by keyboard; return what the page was given of it."""
        self.frames.focus()
        frames = self.data["frames"]["index"]["frame"]
        place = frames.index(frame)
        late = place > len(frames) // 2
        self.page.keyboard.press("End" if late else "Home")
        for _ in range(len(frames) - 1 - place if late else place):
            self.page.keyboard.press("ArrowUp" if late else "ArrowDown")
        expect(self.page.get_by_role("heading", name=f"Frame {frame}", exact=True)).to_be_visible()
        return frame_of(self.data, frame)

    def first(self, name: str, frames: list[int] | None = None) -> tuple[int, int, list[Any]]:
        """The first frame that has a field of this name in its own bytes, the field's place among its nodes, and it."""
        for frame in frames or self.data["frames"]["index"]["frame"]:
            for place, node in enumerate(frame_of(self.data, frame)["nodes"]):
                if node[0] == name and node[2] == 0:
                    return frame, place, node
        raise AssertionError(name)

    def byte(self, at: int) -> Locator:
        return self.dump.locator(f'.byte[data-byte="{at}"]')

    def lit(self) -> list[int]:
        """The offsets of the bytes that are lit, in hexadecimal and as text alike."""
        lit = [
            [int(cell.get_attribute("data-byte") or -1) for cell in self.dump.locator(f".{column}.lit").all()]
            for column in ("byte", "char")
        ]
        assert lit[0] == lit[1]
        return lit[0]

    def lit_item(self) -> str:
        return self.tree.locator(".lit").inner_text()


@pytest.fixture
def explorer(both: Path, open_report: Open) -> Explorer:
    return Explorer(open_report(both), data_of(both))


def test_the_bytes_are_those_of_the_frame(explorer: Explorer) -> None:
    frame, _, _ = explorer.first(LENGTH)
    found = explorer.show(frame)
    wanted = bytes.fromhex(found["sources"][0]["hex"])
    cells = explorer.dump.locator(".byte[data-byte]").all_inner_texts()
    assert cells, "none is drawn"
    assert bytes.fromhex("".join(cells)) == wanted[: len(cells)]
    assert explorer.dump.get_attribute("aria-rowcount") == str(-(-len(wanted) // 16))


def test_pointing_at_a_byte_lights_its_field_and_says_what_it_is(explorer: Explorer) -> None:
    frame, _, (name, label, _, start, size, _, here, _) = explorer.first(LENGTH)
    explorer.show(frame)
    explorer.byte(start + 1).hover()
    assert explorer.lit() == list(range(start, start + size))
    assert explorer.lit_item().replace("\n", " ").endswith(label.partition(": ")[2])
    text = explorer.card.inner_text()
    entry = explorer.data["fields"][name]
    for words in (entry["en"], here, entry["where"]["en"], name):
        assert words
        assert words in text
    assert f"bytes {start} to {start + size - 1}" in text


def test_pointing_at_a_field_lights_its_bytes(explorer: Explorer) -> None:
    frame, _, (_, _, _, start, size, _, _, _) = explorer.first("tls.handshake.random")
    explorer.show(frame)
    item = explorer.tree.get_by_role("treeitem").filter(has_text="Random").first
    item.hover()
    assert explorer.lit() == list(range(start, start + size))
    assert explorer.data["fields"]["tls.handshake.random"]["en"] in explorer.card.inner_text()


def test_a_click_keeps_a_field_and_another_lets_it_go(explorer: Explorer) -> None:
    frame, _, (_, _, _, start, size, _, _, _) = explorer.first(LENGTH)
    explorer.show(frame)
    explorer.byte(start).click()
    explorer.byte(0).hover()
    assert explorer.lit() != list(range(start, start + size)), "what is pointed at goes first"
    explorer.page.mouse.move(0, 0)
    assert explorer.lit() == list(range(start, start + size))
    explorer.card.get_by_role("button", name="Pinned").click()
    explorer.byte(0).hover()
    explorer.page.mouse.move(0, 0)
    assert explorer.lit() != list(range(start, start + size))


def test_from_byte_to_byte_by_keyboard(explorer: Explorer) -> None:
    frame, _, (_, _, _, start, size, _, _, _) = explorer.first(LENGTH)
    explorer.show(frame)
    page = explorer.page
    explorer.byte(0).focus()
    for key, at in (("ArrowRight", 1), ("ArrowDown", 17), ("ArrowLeft", 16), ("End", 31), ("Home", 16), ("ArrowUp", 0)):
        page.keyboard.press(key)
        expect(explorer.byte(at)).to_be_focused()
        assert at in explorer.lit()
    page.keyboard.press("ArrowUp")
    expect(explorer.byte(0)).to_be_focused()
    page.keyboard.press("Control+End")
    expect(explorer.dump.locator(".byte:focus")).to_have_count(1)
    page.keyboard.press("Control+Home")
    for key, times in (("ArrowDown", start // 16), ("ArrowRight", start % 16)):
        for _ in range(times):
            page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert explorer.lit() == list(range(start, start + size)), "Enter keeps it"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Control+Home")
    page.keyboard.press("Tab")
    assert explorer.lit()[0] == 0, "who walks on leaves it"


def test_the_tree_by_keyboard(explorer: Explorer) -> None:
    frame, _, _ = explorer.first("tls.handshake.random")
    explorer.show(frame)
    page, tree = explorer.page, explorer.tree
    tree.locator('[tabindex="0"]').focus()
    page.keyboard.press("Home")
    items = tree.get_by_role("treeitem")
    expect(items.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    ethernet = tree.get_by_role("treeitem", name="Ethernet II", level=1)
    expect(ethernet).to_be_focused()
    before = items.count()
    page.keyboard.press("ArrowLeft")
    expect(ethernet).to_have_attribute("aria-expanded", "false")
    assert items.count() < before
    page.keyboard.press("ArrowRight")
    expect(ethernet).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowRight")
    expect(tree.get_by_role("treeitem", name="Destination 00:", level=2)).to_be_focused()
    page.keyboard.press("End")
    expect(items.last).to_be_focused()


def test_touching_a_byte(both: Path, open_report: Open) -> None:
    explorer = Explorer(open_report(both, size="narrow", touch=True), data_of(both))
    frame, _, (name, _, _, start, size, _, _, _) = explorer.first(LENGTH)
    explorer.show(frame)
    explorer.byte(start).tap()
    assert explorer.lit() == list(range(start, start + size))
    assert explorer.data["fields"][name]["en"] in explorer.card.inner_text()


def test_the_name_to_filter_by_is_copied(explorer: Explorer) -> None:
    explorer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    frame, _, node = explorer.first(LENGTH)
    explorer.show(frame)
    explorer.byte(node[3]).click()
    button = explorer.card.get_by_role("button", name=f"Copy {LENGTH}")
    button.click()
    expect(button).to_have_text("Copied")
    assert explorer.page.evaluate("navigator.clipboard.readText()") == LENGTH


def test_what_was_encrypted_opens_with_the_keys_only(explorer: Explorer) -> None:
    said = next(message for message in explorer.data["messages"] if "password" in message["text"])
    frame = said["tls"]["records"][0]["spans"][0][0]
    found = explorer.show(frame)
    assert any(said["text"].encode() in bytes.fromhex(source["hex"]) for source in found["sources"])
    page = explorer.page
    for shown in (page.locator(".explorer .views"), explorer.frames.get_by_role("row", selected=True)):
        assert said["text"] not in shown.inner_text()
    tabs = page.locator(".explorer").get_by_role("tab")
    names = tabs.all_inner_texts()
    assert names[0].startswith("Frame")
    assert "Decrypted" in names[-1]
    assert "locked" in names[-1]
    tabs.first.focus()
    page.keyboard.press("End")
    expect(tabs.last).to_be_focused()
    expect(tabs.last).to_have_attribute("aria-selected", "true")
    expect(explorer.dump).to_have_count(0)
    page.get_by_role("button", name="Open with the keys").click()
    expect(explorer.dump).to_have_count(1)
    opened = bytes.fromhex("".join(explorer.dump.locator(".byte[data-byte]").all_inner_texts()))
    assert said["text"].encode()[:16] in opened


def rows(explorer: Explorer) -> int:
    return int(explorer.frames.get_attribute("aria-rowcount") or 0) - 1  # the first row is the head


def test_the_list_of_frames(explorer: Explorer) -> None:
    index = explorer.data["frames"]["index"]
    assert rows(explorer) == len(index["frame"])
    page = explorer.page
    explorer.frames.focus()
    page.keyboard.press("End")
    expect(page.get_by_role("heading", name=f"Frame {index['frame'][-1]}", exact=True)).to_be_visible()
    page.keyboard.press("PageUp")
    page.keyboard.press("Home")
    expect(page.get_by_role("heading", name=f"Frame {index['frame'][0]}", exact=True)).to_be_visible()
    box = page.get_by_role("checkbox", name="Only frames that carry data")
    box.check()
    assert rows(explorer) == sum(size > 0 for size in index["payload"])
    box.uncheck()
    conn = explorer.data["connections"][1]["conn"]
    page.locator(".explorer").get_by_role("combobox").select_option(str(conn))
    assert rows(explorer) == index["conn"].count(conn)


def test_the_explorer_follows_the_language(explorer: Explorer) -> None:
    """What is chosen stays chosen."""
    frame, _, (name, _, _, start, size, _, _, here) = explorer.first(LENGTH)
    explorer.show(frame)
    explorer.byte(start).click()
    _to_spanish(explorer.page)
    card = explorer.page.locator(".field-card").inner_text()
    assert explorer.data["fields"][name]["es"] in card
    assert here in card
    lit = explorer.page.locator(".dump .byte.lit").all()
    assert [int(cell.get_attribute("data-byte") or -1) for cell in lit] == list(range(start, start + size))


def _to_spanish(page: Page) -> None:
    page.get_by_role("button", name="Español").click()
