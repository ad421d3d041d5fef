"""What is to be sent to whom, collected until the server writes it: for each member one piece of bytes, in order.

Knows members as numbers and rooms as names. Must not know: sockets, what the lines say. Contract: each member gets
every line that was said in its room while it was there, except its own, and every line told to it alone, in the order
in which they were put in; nothing twice.

A room with many members is why this exists: what is said is kept once for the room and not once for each member, and
each member only remembers from where on it has to read. Whoever said nothing in this round gets the same bytes as
everybody else, joined once; whoever did gets them with its own lines cut out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

Member = int


@dataclass(slots=True)
class _Log:
    """What was said in a room since the last round."""

    lines: list[bytes] = field(default_factory=list)
    members: dict[Member, "_Place"] = field(default_factory=dict)


@dataclass(slots=True)
class _Place:
    """Where a member is: its room, how much of that room's lines it has, which of them are its own."""

    log: _Log | None = None
    read: int = 0
    own: list[int] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)

    def catch_up(self) -> None:
        """Move what the room has said meanwhile to what is for this member."""
        if self.log is not None and self.read < len(self.log.lines):
            if missed := _without(self.log.lines[self.read :], [at - self.read for at in self.own]):
                self.parts.append(missed)
            self.read = len(self.log.lines)
            self.own.clear()


class Outbox:
    """Lines in, bytes for each member out. A member is in one room or in none."""

    def __init__(self) -> None:
        self._rooms: dict[str, _Log] = {}
        self._places: dict[Member, _Place] = {}
        self._changed: set[str] = set()
        self._told: set[Member] = set()

    def __bool__(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._changed or self._told)

    def add(self, member: Member) -> None:
        """Take in a member, which is in no room yet."""
        self._places[member] = _Place()

    def remove(self, member: Member) -> bytes:
        """Forget a member; return what was still to be sent to it."""
        self.leave(member)
        place = self._places.pop(member)
        self._told.discard(member)
        return b"".join(place.parts)

    def enter(self, member: Member, room: str) -> None:
        """Put a member into a room; it gets what is said there from now on."""
        self.leave(member)
        place = self._places[member]
        place.log = self._rooms.setdefault(room, _Log())
        place.read = len(place.log.lines)
        place.log.members[member] = place

    def leave(self, member: Member) -> None:
        """Take a member out of its room; it keeps what was said until now."""
        place = self._places[member]
        if place.log is None:
            return
        place.catch_up()
        del place.log.members[member]
        place.log = None
        if place.parts:
            self._told.add(member)

    def say(self, room: str, line: bytes, by: Member | None = None) -> None:
        """Say a line, its LF included, to everybody in a room but `by`."""
        log = self._rooms[room]
        if by is not None:
            log.members[by].own.append(len(log.lines))
        log.lines.append(line)
        self._changed.add(room)

    def tell(self, member: Member, line: bytes) -> None:
        """Say a line, its LF included, to one member."""
        place = self._places[member]
        place.catch_up()
        place.parts.append(line)
        self._told.add(member)

    def close(self, room: str) -> None:
        """Forget a room in which there is nobody."""
        del self._rooms[room]
        self._changed.discard(room)

    def take(self) -> Iterator[tuple[Member, bytes]]:
        """Yield what is for each member; the next round begins. Read it to its end before anything else is put in."""
        for room in self._changed:
            log = self._rooms[room]
            whole = b"".join(log.lines)
            ends = None
            for member, place in log.members.items():
                if place.parts:
                    place.catch_up()  # it is among those who were told something, and gets it below
                elif place.read:
                    place.catch_up()
                    if place.parts:
                        yield member, place.parts.pop()
                elif place.own:
                    if ends is None:
                        ends = [0, *accumulate(map(len, log.lines))]
                    mine = _cut(whole, ends, place.own)
                    place.own.clear()
                    if mine:
                        yield member, mine
                else:
                    yield member, whole
                place.read = 0
            log.lines.clear()
        self._changed.clear()
        for member in self._told:
            place = self._places[member]
            if place.parts:
                yield member, b"".join(place.parts)
                place.parts.clear()
            place.read = 0
        self._told.clear()


def _without(lines: list[bytes], own: list[int]) -> bytes:
    whole = b"".join(lines)
    return _cut(whole, [0, *accumulate(map(len, lines))], own) if own else whole


def _cut(whole: bytes, ends: list[int], own: list[int]) -> bytes:
    """Return `whole` without the lines whose places are in `own`; line n is whole[ends[n]:ends[n + 1]]."""
    pieces, start = [], 0
    for at in own:
        pieces.append(whole[start : ends[at]])
        start = ends[at + 1]
    pieces.append(whole[start:])
    return b"".join(pieces)
