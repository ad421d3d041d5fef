"""Finds the source and the offset of each field of a frame, which PDML gives only for the frame's own bytes.

Pure. PDML has a position (`pos`), but not of what; and a field that starts before the one it belongs to, as it does
where it stands in other bytes, has that one's position added to its own. The value of a field, where it has one, says
which of the possible places is right. Fields without a value are placed by those that belong to them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from capture.dissection import Source


@dataclass(slots=True)
class Field:
    """An element of PDML, and what is found out about it.

    Attributes:
        name: its name, empty for mere text.
        label: its text.
        show: its value as text.
        position: its offset as PDML has it.
        size: how many bytes it stands on.
        value: these bytes; None where PDML has none.
        hidden: whether Wireshark does not show it.
        fields: those that belong to it.
        made_up: whether Wireshark concluded it, whatever bytes it names.
        source: index of the source that it stands in.
        start: its offset there.
    """

    name: str
    label: str
    show: str
    position: int
    size: int
    value: bytes | None
    hidden: bool
    fields: "list[Field]" = field(default_factory=list)
    made_up: bool = False
    source: int = 0
    start: int = 0

    @property
    def end(self) -> int:
        """Offset after its last byte."""
        return self.start + self.size


def place(tree: Sequence[Field], sources: Sequence[Source]) -> None:
    """Set source and start of each field of a frame.

    Args:
        tree: its protocols, each with the fields that belong to it.
        sources: all bytes there are; the frame's own come first.
    """
    _Places([source.data for source in sources]).place_all(tree)


class _Places:
    """The places of one frame.

    Sources are used up in their order: of two decrypted records with the same bytes, the first is for the first.
    """

    def __init__(self, sources: Sequence[bytes]) -> None:
        self._sources = sources
        self._unused = list(range(1, len(sources)))

    def place_all(self, tree: Sequence[Field]) -> None:
        previous: Field | None = None
        for one in tree:
            at = previous.start if previous else 0
            # of the same kind twice: the second is not within the first
            floor = previous.end if previous and previous.name == one.name else at
            here = previous.source if previous else 0
            self._settle(one, here, 0, floor)
            self._place_below(one)
            previous = one

    def _place_below(self, parent: Field) -> None:
        floor = parent.start
        for one in parent.fields:
            if one.made_up:
                one.source, one.start = parent.source, one.position
            else:
                # a field with a value may share its bytes with another, as bits do
                self._settle(one, parent.source, parent.start, parent.start if one.value else floor)
            if one.value and one.source == parent.source and not one.made_up:
                floor = max(floor, one.end)
            self._place_below(one)

    def _settle(self, one: Field, here: int, above: int, floor: int) -> None:
        """Choose the place of a field.

        Args:
            one: the field.
            here: the source of what it belongs to.
            above: the start of what it belongs to, there.
            floor: what it does not start before if it stands there as well.
        """
        one.source, one.start = here, one.position
        if not one.size or (one.position >= floor and self._fits(one, here, one.position)):
            return
        for source in self._elsewhere(here):
            for start in (one.position - above, one.position):
                if start >= 0 and self._fits(one, source, start):
                    one.source, one.start = source, start
                    if source in self._unused:
                        self._unused.remove(source)
                    return

    def _elsewhere(self, here: int) -> Iterator[int]:
        yield from [source for source in self._unused if source != here]
        yield from [source for source in range(len(self._sources)) if source != here and source not in self._unused]

    def _fits(self, one: Field, source: int, start: int) -> bool:
        data = self._sources[source]
        if start >= len(data):
            return False
        if one.value:
            return data[start : start + len(one.value)] == one.value
        below = [child for child in one.fields if child.size and not child.made_up]
        certain = [child for child in below if child.value] or below
        return all(self._fits(child, source, child.position) for child in certain)
