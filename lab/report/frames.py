"""The frames of the page: the list of them, and each taken apart and explained, packed so that the page opens few.

Pure: dissections come in, JSON comes out. A chunk holds the dissections of some frames as JSON, compressed (raw
deflate, RFC 1951), in base 64. Whatever was captured is in a label: it passes `visible`.
"""

import base64
import itertools
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from capture.dissection import Dissection, Node
from capture.explanations import LANGUAGES, explain, what_is
from chat.escape import visible
from lab.report.glance import Glance, glances
from lab.report.wire import Wire

PER_CHUNK = 64  # frames
_LEVEL = 6  # of zlib
_RAW = -15  # no header, the largest window
_LABEL = 400  # characters: a certificate's label holds all of its bytes once more
_NOTHING = Glance(-1, False, 0, "")


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
    explained = _Explained()
    chunks: list[str] = []
    tops: dict[int, str] = {}
    listed = iter(dissections)
    while chunk := list(itertools.islice(listed, PER_CHUNK)):
        values = []
        for dissection in chunk:
            values.append(explained.dissection(dissection))
            tops[dissection.frame] = _top(dissection)
        chunks.append(_pack(values))
    seen = glances(wire)
    # what no dissector has reached has no place in the list
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


def _top(dissection: Dissection) -> str:
    """Return what the innermost protocol of a frame is called."""
    labels = [node.label for node in dissection.nodes if not node.depth]
    return visible(labels[-1][:_LABEL]) if labels else ""


def _pack(dissections: list[str]) -> str:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
    text = f"[{','.join(dissections)}]".encode("ascii")
    return base64.b64encode(packer.compress(text) + packer.flush()).decode("ascii")


_json = json.JSONEncoder(separators=(",", ":")).encode


class _Explained:
    """Dissections as the page has them; what was explained once is not explained again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, int | None, int, bytes], tuple[str, str]] = {}
        self._names: dict[str, None] = {}

    def dissection(self, dissection: Dissection) -> str:
        """Return a dissection as JSON."""
        sources = [{"kind": source.kind, "hex": source.data.hex()} for source in dissection.sources]
        nodes = ",".join([self._node(node, dissection.bytes_of(node)) for node in dissection.nodes])
        return f'{{"frame":{dissection.frame},"sources":{_json(sources)},"nodes":[{nodes}]}}'

    def _node(self, node: Node, data: bytes) -> str:
        # most of a frame's fields say what they said in the frame before
        key = node.name, node.label, node.number, node.size, data
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._explain(node, data)
        named, here = known
        return f"[{named},{node.source},{node.start},{node.size},{node.depth},{here}]"

    def _explain(self, node: Node, data: bytes) -> tuple[str, str]:
        """Return what stands before and behind the place of a field, as JSON."""
        self._names[node.name] = None
        label = node.label if len(node.label) <= _LABEL else f"{node.label[:_LABEL]}…"
        told = [explain(node, data, language) for language in LANGUAGES]
        # an explanation is printable as it comes
        here = ",".join([_json(one.here) if one is not None else '""' for one in told])
        return f"{_json(node.name)},{_json(visible(label))}", here

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
