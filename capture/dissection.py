"""A captured frame as a tree of fields, each with the bytes that it stands on.

Pure. The value that every dissector yields (`capture.dissectors`), whichever program or code made it. Knows no protocol
and explains nothing; `capture.explanations` does.
"""

from dataclasses import dataclass
from typing import Literal

SourceKind = Literal["frame", "reassembled", "decrypted"]


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes that fields stand in.

    Attributes:
        kind: the frame as it was captured; a record that was put together from several frames; or what a record held,
            opened with the session's keys.
        data: the bytes.
    """

    kind: SourceKind
    data: bytes


@dataclass(frozen=True, slots=True)
class Node:
    """A field, or a protocol: one line of the tree.

    Attributes:
        name: Wireshark's name of it, to filter by (`tls.record.length`); empty where Wireshark has none, only a text.
        label: what Wireshark writes in its tree: "Length: 38".
        number: its value where it is a number, bits of a byte that are not its own left out; None where it is none.
        source: index of its bytes in `Dissection.sources`.
        start: offset of its first byte there.
        size: how many bytes it stands on, at least 1.
        depth: 0 for what stands at the left edge of the tree, 1 for what belongs to the last 0 above it, and so on.
    """

    name: str
    label: str
    number: int | None
    source: int
    start: int
    size: int
    depth: int


@dataclass(frozen=True, slots=True)
class Dissection:
    """A frame, taken apart.

    Attributes:
        frame: its number, from 1.
        sources: the frame's own bytes first.
        nodes: the tree, from top to bottom. What stands on no bytes, as Wireshark's own conclusions do, is left out.
    """

    frame: int
    sources: tuple[Source, ...]
    nodes: tuple[Node, ...]

    def bytes_of(self, node: Node) -> bytes:
        """Return the bytes that a node stands on."""
        return self.sources[node.source].data[node.start : node.start + node.size]
