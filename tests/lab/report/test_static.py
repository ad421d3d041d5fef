"""The form without script, read back by Python's own HTML parser."""

from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from capture.dissection import Dissection, Node, Source
from capture.dissectors import dissect
from capture.explanations import LANGUAGES, Language, explain
from lab.report.static import static
from lab.report.words import words

DATA = Path(__file__).parents[2] / "data"


@dataclass
class Read(HTMLParser):
    """What HTML says, and whether its tags are in order."""

    open: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    dumps: list[str] = field(default_factory=list)
    items: list[tuple[int, str]] = field(default_factory=list)  # how deep, and the text before what is below
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag == "br":
            return
        self.open.append(tag)
        if tag == "pre":
            self.dumps.append("")
        if tag == "li":
            self.items.append((self.open.count("li"), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "pre" in self.open:
            self.dumps[-1] += data
        elif "li" in self.open:
            depth, text = self.items[-1]
            self.items[-1] = (depth, text + data)


def read(html: str) -> Read:
    reader = Read()
    reader.feed(html)
    reader.close()
    assert not reader.open, "every tag is closed"
    return reader


def undumped(text: str) -> bytes:
    return b"".join(bytes.fromhex(line[10:57]) for line in text.splitlines())


@pytest.fixture(scope="module")
def opened() -> list[Dissection]:
    keys = DATA / "keys-rsa.keys.txt"
    return list(dissect(DATA / "keys-rsa.pcapng", ports={}, keylog=keys, dissector="native"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_byte_and_field_is_there(opened: list[Dissection], language: Language) -> None:
    frame = next(one for one in opened if any(source.kind == "decrypted" for source in one.sources))
    found = read(static([frame], words(language, "explorer"), language))
    assert [undumped(dump) for dump in found.dumps] == [source.data for source in frame.sources]
    assert [depth - 1 for depth, _ in found.items] == [node.depth for node in frame.nodes]
    for node, (_, text) in zip(frame.nodes, found.items, strict=True):
        assert node.label[:60] in text
        assert node.name in text
        explanation = explain(node, frame.bytes_of(node), language)
        if explanation is not None:
            assert explanation.here in text
            assert explanation.what in found.text


def test_nothing_in_it_runs_or_is_fetched(opened: list[Dissection]) -> None:
    found = read(static(opened, words("en", "explorer"), "en"))
    assert found.tags <= {"div", "p", "details", "summary", "pre", "ul", "li", "strong", "code", "em", "br"}
    assert found.attributes == {"lang"}


def test_what_was_captured_is_only_text() -> None:
    hostile = '<script>alert(1)</script>&amp;"\x1b[31m\u202e\0\n'
    data = hostile.encode()
    node = Node(name="<b>", label=hostile, number=None, source=0, start=0, size=len(data), depth=0)
    found = read(static([Dissection(1, (Source("frame", data),), (node,))], words("en", "explorer"), "en"))
    assert not found.tags & {"script", "b"}
    assert "<script>alert(1)</script>&amp;" in found.items[0][1]
    assert not set("\x1b\u202e\0") & set(found.text)
    assert undumped(found.dumps[0]) == data


def test_it_stays_small(opened: list[Dissection]) -> None:
    """A long capture, and a long frame, are cut, and the page says so."""
    telling = next(one for one in opened if any(node.name == "tls" for node in one.nodes))
    long = replace(telling, sources=(Source("frame", telling.sources[0].data + bytes(65536)),))
    found = read(static([long] * 20, words("en", "explorer"), "en"))
    assert len(found.dumps) == 8
    assert "12 more frames" in found.text
    assert len(found.dumps[0]) < 30_000
    assert f"{len(long.sources[0].data) - 4096} more bytes" in found.dumps[0]


def test_frames_that_carry_data_come_first(opened: list[Dissection]) -> None:
    handshake = [one for one in opened[:6] if one.nodes[-1].name.startswith("tcp")]
    assert handshake, "a SYN among them"
    name = f"Frame {handshake[0].frame},"
    assert name not in static(opened, words("en", "explorer"), "en")
    assert name in static(handshake, words("en", "explorer"), "en"), "unless none does"
