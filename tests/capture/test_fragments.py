import itertools
import struct

import pytest

from capture.fragments import Fragments
from capture.frames import Datagram, Fragment
from capture.segment import ACK, FIN, PSH, RST, SYN, Endpoint, Segment
from capture.streams import reassemble

FOUR = b"\x0a\0\0\1\x0a\0\0\2"
SIX = bytes(15) + b"\1" + bytes(15) + b"\2"
WORDS = bytes(range(100))


def tcp(payload: bytes, flags: int = PSH | ACK, seq: int = 1000) -> bytes:
    return struct.pack(">HHIIHHHH", 40000, 12345, seq, 9, 5 << 12 | flags, 512, 0, 0) + payload


def cut(body: bytes, *ends: int, addresses: bytes = FOUR, identification: int = 1, protocol: int = 6) -> list[Fragment]:
    """A datagram in fragments: frame 10 and on, each 34 bytes into its frame."""
    found = []
    for number, (start, end) in enumerate(itertools.pairwise([0, *ends, len(body)])):
        datagram = Datagram(addresses, protocol, 34, end - start, identification, start, end < len(body))
        found.append(Fragment(10 + number, 1000 + number, 34, datagram, body[start:end]))
    return found


def put_together(fragments: list[Fragment]) -> list[Segment]:
    together = Fragments()
    return [segment for fragment in fragments for segment in together.add(fragment)]


@pytest.mark.parametrize("addresses", [FOUR, SIX])
def test_in_any_order(addresses: bytes) -> None:
    parts = cut(tcp(WORDS), 8, 32, 80, addresses=addresses)
    hosts = ("10.0.0.1", "10.0.0.2") if addresses == FOUR else ("::1", "::2")
    ends = Endpoint(hosts[0], 40000), Endpoint(hosts[1], 12345)
    for order in itertools.permutations(parts):
        together = Fragments()
        assert [together.add(part) for part in order[:-1]] == [[], [], []]
        # the first has eight bytes of the header, and no payload
        assert together.add(order[-1]) == [
            Segment(11, 1001, *ends, 1000, 9, PSH | ACK, 12, WORDS[:12], 34 + 12),
            Segment(12, 1002, *ends, 1012, 9, PSH | ACK, 48, WORDS[12:60], 34),
            Segment(13, 1003, *ends, 1060, 9, PSH | ACK, 40, WORDS[60:], 34),
        ]


def test_what_came_twice_does_no_harm() -> None:
    parts = cut(tcp(WORDS), 32, 64)
    once = put_together(parts)
    assert put_together([parts[0], parts[0], parts[2], parts[0], parts[2], parts[1]]) == once
    assert put_together([*parts, *parts]) == once * 2, "all of it sent again"


def test_what_overlaps_is_dropped_for_good() -> None:
    parts = cut(tcp(WORDS), 32, 64)
    changed = parts[1]._replace(data=bytes(32))
    shorter = cut(tcp(WORDS), 40)
    for bad in (changed, *shorter):
        for order in itertools.permutations([*parts[:2], bad]):
            assert put_together([*order, parts[2], *parts[:1]]) == []
    last = parts[2]._replace(datagram=parts[2].datagram._replace(start=72))
    assert put_together([last, *parts]) == []
    assert put_together([parts[2], last, *parts[:2]]) == []
    too_long = parts[0]._replace(datagram=parts[0].datagram._replace(start=0xFFF8))
    assert put_together([too_long, *parts]) == []


def test_datagrams_are_told_apart() -> None:
    one, two = cut(tcp(WORDS), 48), cut(tcp(WORDS[::-1]), 48, identification=2)
    other = cut(tcp(WORDS), 48, protocol=17)
    back = cut(tcp(WORDS), 48, addresses=FOUR[4:] + FOUR[:4])
    mixed = [part for parts in zip(one, two, other, back, strict=True) for part in parts]
    assert b"".join(s.payload for s in put_together(mixed)) == WORDS + WORDS[::-1] + WORDS
    # in version 6 the first fragment alone says what it carries (RFC 8200, section 4.5)
    first, last = cut(tcp(WORDS), 48, addresses=SIX)
    last = last._replace(datagram=last.datagram._replace(protocol=59))
    assert b"".join(s.payload for s in put_together([last, first])) == WORDS


def test_flags_stand_once() -> None:
    flags = [segment.flags for segment in put_together(cut(tcp(WORDS, SYN | FIN | ACK), 32, 64))]
    assert flags == [SYN | ACK, ACK, FIN | ACK]
    segments = put_together(cut(tcp(WORDS, SYN, seq=2**32 - 20), 32, 64))
    assert [segment.seq for segment in segments] == [2**32 - 20, 2**32 - 20 + 13, 2**32 - 20 + 45 - 2**32]
    up, _ = reassemble(segments)
    assert (up.data, up.gaps) == (WORDS, ())


def test_without_payload() -> None:
    (segment,) = put_together(cut(tcp(b"", SYN), 8, 16))
    assert (segment.frame, segment.flags, segment.length, segment.payload) == (10, SYN, 0, b"")
    (segment,) = put_together(cut(tcp(b"why", RST), 8, 16))
    assert (segment.flags, segment.length, segment.payload) == (RST, 3, b"")


def test_extension_headers_among_the_fragments() -> None:
    options = bytes([6, 0, 1, 4, 0, 0, 0, 0])
    segments = put_together(cut(options + tcp(WORDS), 16, 64, addresses=SIX, protocol=60))
    assert b"".join(segment.payload for segment in segments) == WORDS
    assert put_together(cut(tcp(WORDS), 16, 64, addresses=SIX, protocol=60)) == [], "what looks like options is TCP"


def test_what_is_not_tcp() -> None:
    assert put_together(cut(bytes(100), 48, protocol=17)) == []
    assert put_together(cut(bytes(100), 48)) == [], "a header of 0 bytes"
    assert put_together(cut(tcp(b"")[:16], 8)) == []


def test_no_more_than_so_many_are_waited_for() -> None:
    together = Fragments()
    lost = [cut(tcp(WORDS), 48, identification=number) for number in range(1000)]
    for first, _ in lost:
        together.add(first)
    assert len(together._waiting) == 128
    assert together.add(lost[0][1]) == [], "the oldest is let go"
    assert b"".join(segment.payload for segment in together.add(lost[-1][1])) == WORDS


def later(fragment: Fragment, seconds: int) -> Fragment:
    return fragment._replace(time_ns=fragment.time_ns + seconds * 1_000_000_000)


def test_a_name_that_comes_again_an_hour_later_is_another_datagram() -> None:
    first, second = cut(tcp(WORDS), 56), cut(tcp(WORDS.upper()), 56)
    together = Fragments()
    assert together.add(first[1]) == []
    assert together.add(later(second[0], 3600)) == [], "the first one's tail does not go with this head"
    found = together.add(later(second[1], 3600))
    assert b"".join(segment.payload for segment in found) == WORDS.upper()


def test_what_was_refused_is_forgotten_in_time() -> None:
    parts = cut(tcp(WORDS), 56)
    together = Fragments()
    together.add(parts[0])
    together.add(parts[0]._replace(data=bytes(56)))
    assert [together.add(part) for part in parts] == [[], []]
    assert [bool(together.add(later(part, 61))) for part in parts] == [False, True]


def test_fragments_that_never_become_whole_take_no_more_than_a_bounded_room() -> None:
    together = Fragments()
    for identification in range(100):
        for part in cut(bytes(8 * 400), *range(8, 8 * 400, 8), identification=identification)[1:]:
            assert together.add(part) == []
    assert sum(len(waiting.fragments) for waiting in together._waiting.values()) <= 8192
