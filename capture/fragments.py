"""Fragments of IP datagrams to TCP segments (RFC 791, section 3.2; RFC 8200, section 4.5).

Pure. Keeps what has come of the datagrams that are not whole yet, and no more than a bounded number of them. Knows no
stream.
"""

import bisect
from dataclasses import dataclass, field

from capture.frames import Datagram, Fragment, extended, segment
from capture.segment import FIN, SYN, Segment

_INCOMPLETE = 128  # datagrams waited for
_FRAGMENTS = 8192  # kept of all of them together: a datagram can come in that many pieces of eight bytes
_PATIENCE_NS = 60_000_000_000  # RFC 8200, section 4.5; names of datagrams have 16 bits in IPv4, and come again
_LONGEST = 0xFFFF  # bytes of a datagram

_Key = tuple[bytes, int, int]


@dataclass(slots=True)
class _Waiting:
    """What has come of one datagram, in the order of its bytes; `refused` stands for one that nothing is made of."""

    since_ns: int
    fragments: list[Fragment] = field(default_factory=list)
    received: int = 0
    total: int | None = None
    refused: bool = False


class Fragments:
    """Puts datagrams together: fragments in, in the order of capture; segments out as soon as a datagram is whole."""

    def __init__(self) -> None:
        self._waiting: dict[_Key, _Waiting] = {}
        self._kept = 0  # fragments, of all datagrams

    def add(self, fragment: Fragment) -> list[Segment]:
        """Return the segment that `fragment` makes whole, empty while parts are missing or where it is not TCP.

        It comes as one Segment for each fragment that carries payload, in the order of their bytes, each with the
        frame, time and offset of its own fragment and the sequence number of its first byte. So every byte stands where
        it was captured. SYN is the first one's, FIN the last one's.
        """
        datagram = fragment.datagram
        # the protocol is part of the key with IPv4 alone: with IPv6 only the first fragment's counts
        protocol = datagram.protocol if len(datagram.addresses) == 8 else 0
        key = (datagram.addresses, datagram.identification, protocol)
        waiting = self._waiting.get(key)
        if waiting is not None and abs(fragment.time_ns - waiting.since_ns) > _PATIENCE_NS:
            self._forget(key)  # another datagram of the same name
            waiting = None
        if waiting is None:
            if len(self._waiting) >= _INCOMPLETE:
                self._forget(next(iter(self._waiting)))
            waiting = self._waiting[key] = _Waiting(fragment.time_ns)
        if waiting.refused:
            return []
        before = len(waiting.fragments)
        fits = _insert(waiting, fragment)
        self._kept += len(waiting.fragments) - before
        if not fits:
            # RFC 5722, section 3: where fragments overlap, all of the datagram is dropped, what is still to come too
            self._forget(key)
            self._waiting[key] = _Waiting(waiting.since_ns, refused=True)
            return []
        if waiting.received == waiting.total:
            self._forget(key)
            return _segments(waiting.fragments)
        while self._kept > _FRAGMENTS:
            self._forget(next(iter(self._waiting)))
        return []

    def _forget(self, key: _Key) -> None:
        self._kept -= len(self._waiting.pop(key).fragments)


def _insert(waiting: _Waiting, fragment: Fragment) -> bool:
    """Put a fragment in its place; return whether it fits there. One that is there already does no harm."""
    start, end = fragment.datagram.start, fragment.datagram.start + len(fragment.data)
    place = bisect.bisect_left(waiting.fragments, start, key=lambda other: other.datagram.start)
    after = waiting.fragments[place] if place < len(waiting.fragments) else None
    if after is not None and after.datagram[4:] == fragment.datagram[4:] and after.data == fragment.data:
        return True
    before = waiting.fragments[place - 1] if place else None
    if before is not None and before.datagram.start + len(before.data) > start:
        return False
    if after is not None and (end > after.datagram.start or not fragment.datagram.more):
        return False
    if end > (_LONGEST if waiting.total is None else waiting.total):
        return False
    if not fragment.datagram.more:
        if waiting.total is not None:
            return False
        waiting.total = end
    waiting.fragments.insert(place, fragment)
    waiting.received += len(fragment.data)
    return True


def _segments(fragments: list[Fragment]) -> list[Segment]:
    first = fragments[0]
    data = b"".join(fragment.data for fragment in fragments)
    datagram: Datagram | None = Datagram(first.datagram.addresses, first.datagram.protocol, 0, len(data))
    if datagram is not None and len(datagram.addresses) == 32:
        # what came after the fragment header was cut into fragments like all the rest
        datagram = extended(datagram, data)
    if datagram is None or datagram.start or datagram.more:
        return []
    whole = segment(first.frame, first.time_ns, datagram, data)
    if whole is None:
        return []
    found: list[Segment] = []
    end = whole.offset + len(whole.payload)
    for fragment in fragments:
        start = fragment.datagram.start
        low, high = max(whole.offset, start), min(end, start + len(fragment.data))
        if low < high:
            found.append(
                whole._replace(
                    frame=fragment.frame,
                    time_ns=fragment.time_ns,
                    # a SYN takes the sequence number before the first byte's
                    seq=(whole.seq + low - whole.offset + bool(found and whole.flags & SYN)) % (1 << 32),
                    flags=whole.flags & ~SYN if found else whole.flags,
                    length=high - low,
                    payload=data[low:high],
                    offset=fragment.offset + low - start,
                )
            )
    # one without payload stands where its header begins
    found = found or [whole._replace(offset=first.offset + min(whole.offset, len(first.data)))]
    return [*(part._replace(flags=part.flags & ~FIN) for part in found[:-1]), found[-1]]
