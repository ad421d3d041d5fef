"""What PDML leaves out, from the tree that tshark prints for people (`tshark -V -x`).

Knows how tshark prints: a line for each node, in brackets where Wireshark made it up, then the bytes of each source.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from capture.dissection import Source
from capture.dissectors.values import kind_of

_DUMP = re.compile(r"[0-9a-f]{4,} {2}((?:[0-9a-f]{2} )+)")
_TITLE = re.compile(r"(.*) \(\d+ bytes?\):")


class Line(NamedTuple):
    """A node as it is printed.

    Attributes:
        label: its text.
        made_up: whether it stands in brackets.
    """

    label: str
    made_up: bool


class Printed:
    """Reads what tshark prints, frame by frame."""

    def __init__(self, lines: Iterator[str]) -> None:
        """Read the lines of tshark's output, with or without their line ends."""
        self._lines = lines
        self._frame = 0
        self._next = ""

    def frame(self, labels: Sequence[str]) -> tuple[list[Line], list[Source]]:
        """Return what is printed for the nodes of the next frame, and its sources.

        Args:
            labels: the texts of its nodes, empty where PDML has none.

        Raises:
            ValueError: it does not hold these nodes.
        """
        self._frame += 1
        return [self._line(label.strip()) for label in labels], self._sources()

    def _line(self, label: str) -> Line:
        line = (self._next or next(self._lines, "")).strip()
        self._next = ""
        # spaces at its end, and what cannot be printed, are not the same in both
        made_up = line.startswith("[") and (line == f"[{label}]" or not label.startswith("["))
        if not label:
            return Line(line, made_up)
        if line[made_up : made_up + 4] != label[:4]:
            msg = f"{line!r} is printed for {label!r}"
            raise ValueError(msg)
        return Line(label, made_up)

    def _sources(self) -> list[Source]:
        titles = [""]
        found = [bytearray()]
        following = f"Frame {self._frame + 1}: "
        for line in self._lines:
            if dump := _DUMP.match(line):
                found[-1] += bytes.fromhex(dump[1])
            elif not line.startswith(following) and (title := _TITLE.match(line)):
                titles.append(title[1])
                found.append(bytearray())
            elif line.strip():  # the next frame
                self._next = line
                break
        if len(titles) > 1:  # then the frame's bytes have a title as well
            titles.pop(0), found.pop(0)
        kinds = ["frame", *map(kind_of, titles[1:])]
        return [Source(kind, bytes(data)) for kind, data in zip(kinds, found, strict=True)]
