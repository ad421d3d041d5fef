"""How trees of fields are written: nodes one after the other, and labels in Wireshark's wording.

Pure. Knows `capture.dissection` and how numbers, bits and bytes are shown; knows no protocol.
"""

from capture.dissection import Node

_SHOWN = 36  # bytes of a value that a label shows, as Wireshark's do


class Tree:
    """Nodes in the order in which they are shown.

    Args:
        source: index of the source that the nodes stand in, until `source` is changed.
        depth: of what has no parent among them.

    Attributes:
        nodes: what was added.
        source: index of the source of what is added next.
        depth: of what is added next.
    """

    def __init__(self, source: int = 0, depth: int = 0) -> None:
        self.nodes: list[Node] = []
        self.source, self.depth = source, depth

    def add(self, name: str, label: str, start: int, size: int, number: int | None = None, *, below: int = 0) -> None:
        """Add a node, `below` levels under `depth`; nothing where it stands on no bytes."""
        if size > 0:
            self.nodes.append(Node(name, label, number, self.source, start, size, self.depth + below))

    def rest(self, label: str, start: int, end: int, *, below: int = 0) -> None:
        """Add bytes that nobody here takes apart, with their number after `label`."""
        self.add("", f"{label}: {plural(end - start, 'byte')}", start, end - start, below=below)


def plural(number: int, thing: str) -> str:
    """Return "1 byte", "2 bytes"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def digits(data: bytes) -> str:
    """Return bytes in hexadecimal, the first of them where they are many."""
    return data.hex() if len(data) <= _SHOWN else data[:_SHOWN].hex() + "…"


def printable(text: str) -> str:
    """Return a text with what is no printable character as an escape: it may have been captured."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def bits(number: int, mask: int, width: int) -> str:
    """Return the bits of a field of `width` bits under a mask as Wireshark draws them: "..1. ...."."""
    drawn = "".join(str(number >> place & 1) if mask >> place & 1 else "." for place in reversed(range(width)))
    head = width % 4
    return " ".join([drawn[:head]] * bool(head) + [drawn[at : at + 4] for at in range(head, width, 4)])


def masked(number: int, mask: int) -> int:
    """Return the value of the bits under a mask."""
    return (number & mask) >> ((mask & -mask).bit_length() - 1)
