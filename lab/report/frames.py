"""The frames of the page: the list of them, and each taken apart and explained, packed so that the page opens few.

Pure: dissections come in, JSON comes out. A chunk holds the dissections of some frames as JSON, compressed (raw
deflate, RFC 1951), in base 64; what a field is called and says stands once in it, since the next frame says it again.
Whatever was captured is in a label: it passes `visible`.
"""

import base64
import itertools
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capture.anatomy_records import OPENED_BELOW
from capture.dissection import Dissection, Node
from capture.explanations import LANGUAGES, explain, key_of, what_is
from capture.protection import Protection
from capture.tls import HEADER
from chat.escape import visible
from lab.report.glance import Glance, glances
from lab.report.wire import Wire

PER_CHUNK = 64  # frames
_LEVEL = 6  # of zlib
_RAW = -15  # no header, the largest window
_LABEL = 400  # characters: a certificate's label holds all of its bytes once more
_SEALED, _SEALED_LABEL = "tls.app_data", "Encrypted Application Data"
_NOTHING = Glance(-1, False, 0, "")
_READERS: Mapping[Protection, str] = {"clear": "clear", "encrypted": "sealed", "unknown": ""}  # assets/fields.js
_Band = tuple[int, int, str]  # first and last byte of a frame, and who can read them


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of a capture, as the page has them.

    Attributes:
        value: the list and the chunks.
        fields: what the fields are that occur in them, by name.
    """

    value: dict[str, Any]
    fields: dict[str, Any]


def frames(wire: Wire, dissections: Iterable[Dissection]) -> Frames:
    """Pack the frames of a capture with their dissections."""
    explained = _Explained(_split(wire))
    chunks: list[str] = []
    tops: dict[int, str] = {}
    numbers = {frame.number for frame in wire.frames}
    # a frame that only one of the two readers has reached, in a torn file, has no place in the list
    listed = (dissection for dissection in dissections if dissection.frame in numbers)
    while chunk := list(itertools.islice(listed, PER_CHUNK)):
        tops |= {dissection.frame: _top(dissection) for dissection in chunk}
        chunks.append(_pack(explained.chunk(chunk)))
    seen = glances(wire)
    shown = [(frame, seen.get(frame.number, _NOTHING)) for frame in wire.frames if frame.number in tops]
    index = {
        "frame": [frame.number for frame, _ in shown],
        "t": [wire.since_start(frame.time_ns) for frame, _ in shown],
        "conn": [glance.connection for _, glance in shown],
        "from_client": [glance.from_client for _, glance in shown],
        "size": [len(frame.data) for frame, _ in shown],
        "payload": [glance.payload for _, glance in shown],
        "info": [glance.info or tops[frame.number] for frame, glance in shown],
    }
    value = {"count": len(shown), "per": PER_CHUNK, "index": index, "chunks": chunks}
    return Frames(value, explained.fields())


def _as_sealed(nodes: Sequence[Node]) -> list[Node]:
    """Return the fields; in each opened record of TLS 1.3 its ciphertext is one, as it is without the keys.

    With the keys Wireshark has that field for application data only; where it is missing would tell what is inside.
    """
    found = []
    for at, node in enumerate(nodes):
        if not node.name and node.label.startswith(OPENED_BELOW):
            continue
        found.append(node)
        if node.name == "tls.record.length" and node.number and nodes[at - 2].name == "tls.record.opaque_type":
            rest = nodes[at + 1 :]
            end = next((n for n, one in enumerate(rest) if one.depth < node.depth), len(rest))
            if not any((one.name, one.depth) == (_SEALED, node.depth) for one in rest[:end]):
                start = node.start + node.size
                found.append(Node(_SEALED, _SEALED_LABEL, None, node.source, start, node.number, node.depth))
    return found


def _split(wire: Wire) -> dict[int, list[_Band]]:
    """Return who can read what of the records that end in a later frame, where Wireshark shows all their fields."""
    found: dict[int, list[_Band]] = defaultdict(list)
    for row in (row for talk in wire.talks if talk.tls is not None for row in talk.tls.rows):
        if len({span.frame for span in row.spans}) > 1:
            record, body = row.record, row.record.start + HEADER
            for first, end, layer in ((record.start, body, "frame"), (body, record.end, _READERS[row.protection])):
                for span in record.stream.locate(first, end):
                    found[span.frame].append((span.first, span.last, layer))
    return found


def _top(dissection: Dissection) -> str:
    """Return what the innermost protocol of a frame is called."""
    labels = [node.label for node in dissection.nodes if not node.depth]
    return visible(labels[-1][:_LABEL]) if labels else ""


def _pack(chunk: str) -> str:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
    return base64.b64encode(packer.compress(chunk.encode("ascii")) + packer.flush()).decode("ascii")


_json = json.JSONEncoder(separators=(",", ":")).encode


class _Explained:
    """Dissections as the page has them; what was explained once is not explained again."""

    def __init__(self, split: dict[int, list[_Band]]) -> None:
        self._split = split
        self._known: dict[tuple[str, str, int | None, int, bytes], str] = {}
        self._names: dict[str, None] = {}

    def chunk(self, dissections: list[Dissection]) -> str:
        """Return dissections as JSON: the texts, and the frames, whose fields have a text by its number in the list."""
        texts: dict[str, int] = {}
        frames = ",".join([self._dissection(dissection, texts) for dissection in dissections])
        return f'{{"texts":[{",".join(texts)}],"frames":[{frames}]}}'

    def _dissection(self, dissection: Dissection, texts: dict[str, int]) -> str:
        sources = [{"kind": source.kind, "hex": source.data.hex()} for source in dissection.sources]
        nodes = []
        for node in _as_sealed(dissection.nodes):
            number = texts.setdefault(self._text(node, dissection.bytes_of(node)), len(texts))
            nodes.append(f"[{number},{node.source},{node.start},{node.size},{node.depth}]")
        split = _json(self._split.get(dissection.frame, []))
        return f'{{"frame":{dissection.frame},"sources":{_json(sources)},"nodes":[{",".join(nodes)}],"split":{split}}}'

    def _text(self, node: Node, data: bytes) -> str:
        # most of a frame's fields say what they said in the frame before
        key = node.name, node.label, node.number, node.size, data
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._explain(node, data)
        return known

    def _explain(self, node: Node, data: bytes) -> str:
        """Return name, label and what the value means, in each language, as JSON."""
        self._names[key_of(node)] = None
        label = node.label if len(node.label) <= _LABEL else f"{node.label[:_LABEL]}…"
        told = [explain(node, data, language) for language in LANGUAGES]
        # an explanation is printable as it comes
        return _json([node.name, visible(label), *("" if one is None else one.here for one in told)])

    def fields(self) -> dict[str, Any]:
        """Return what every field is that occurred, where the catalogue has it."""
        found: dict[str, Any] = {}
        for name in self._names:
            told = [(language, one) for language in LANGUAGES if (one := what_is(name, language)) is not None]
            if told:
                wheres = {language: where for language, (_, where) in told}
                whats = {language: what for language, (what, _) in told}
                found[name] = {"where": wheres, **whats}
        return found
