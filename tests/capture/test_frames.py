import itertools
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.frames import ETHERNET, LINKTYPES, fragment, parse
from capture.packets import packets
from capture.readers.tshark import read
from capture.segment import ACK, PSH, RST, SYN, Endpoint, Segment

RAW, IPV4 = 101, 228

Tool = Callable[[str], str]


def tcp(payload: bytes, options: bytes = b"", flags: int = PSH | ACK) -> bytes:
    bits = (20 + len(options)) // 4 << 12 | flags
    return struct.pack(">HHIIHHHH", 40000, 12345, 7, 9, bits, 512, 0, 0) + options + payload


def ip4(above: bytes, options: bytes = b"", total: int | None = None, bits: int = 0x4000) -> bytes:
    length = 20 + len(options)
    total = length + len(above) if total is None else total
    head = struct.pack(">BBHHHBBH", 0x40 | length // 4, 0, total, 1, bits, 64, 6, 0)
    return head + b"\x0a\0\0\1\x0a\0\0\2" + options + above


def ip6(above: bytes, kind: int = 6) -> bytes:
    return struct.pack(">IHBB", 6 << 28, len(above), kind, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + above


def ethernet(packet: bytes) -> bytes:
    return bytes(12) + (b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd") + packet


STAMPS = b"\1\1\x08\x0a" + bytes(8)
EXTENDED = struct.pack(">BBBBI", 60, 0, 1, 4, 0) + struct.pack(">BBBBI", 6, 0, 0, 1, 0)
FRAMES = [
    ethernet(ip4(tcp(b"hello", STAMPS))),
    ethernet(ip4(tcp(b"hello"), options=b"\1\1\1\0")),
    ethernet(ip6(tcp(b"hello", STAMPS))),
    ethernet(ip6(EXTENDED + tcp(b"hello"), kind=0)),
    bytes(12) + b"\x88\xa8\0\7\x81\0\0\x08\x08\0" + ip4(tcp(b"hello")),
]


def written(path: Path, frames: list[tuple[bytes, int]]) -> Path:
    """A pcap file of Ethernet frames, each with its length on the wire."""
    blocks = [struct.pack("<IIII", 1, at, len(data), length) + data for at, (data, length) in enumerate(frames)]
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 1 << 16, ETHERNET) + b"".join(blocks))
    return path


def as_tshark(path: Path) -> None:
    theirs = {segment.frame: segment for segment in read(path)}
    found = {}
    for packet in packets(path):
        segment = parse(packet.linktype, packet.frame, packet.time_ns, packet.wire_length, packet.data)
        assert segment == theirs.get(packet.frame), packet.data.hex()
        found[packet.frame] = segment
    assert theirs.keys() <= found.keys()


def test_cut_short_at_every_length(tmp_path: Path, tool: Tool) -> None:
    """Cut by the snap length, and as if there had been no more on the wire."""
    tool("tshark")
    cut = [(whole[:size], length) for whole in FRAMES for size in range(len(whole)) for length in (size, len(whole))]
    as_tshark(written(tmp_path / "cut.pcap", cut))


def test_every_byte_of_every_header_changed(tmp_path: Path, tool: Tool) -> None:
    tool("tshark")
    changed = []
    for whole, at in ((frame, at) for frame in FRAMES for at in range(12, len(frame) - 5)):
        for value in {0, 255, whole[at] ^ 1, whole[at] ^ 0x10, whole[at] ^ 0x80}:
            changed.append((whole[:at] + bytes([value]) + whole[at + 1 :], len(whole)))
    as_tshark(written(tmp_path / "changed.pcap", changed))


def test_lengths_that_cannot_be(tmp_path: Path, tool: Tool) -> None:
    tool("tshark")
    above = tcp(b"payload")
    totals = [ip4(above, total=total) for total in (0, 1, 19, 20, 39, 40, 46, 47, 48, 0xFFFF)]
    sixes = [ip6(above)[:4] + struct.pack(">H", said) + ip6(above)[6:] for said in (0, 19, 20, 26, 27, 28, 0xFFFF)]
    frames = [ethernet(packet) + padding for packet in (*totals, *sixes) for padding in (b"", bytes(9))]
    wires = [(frame, len(frame) + more) for frame in frames for more in (0, -1, -9, -60, 50)]
    as_tshark(written(tmp_path / "lengths.pcap", wires))


def test_the_short_way_gives_what_the_long_one_gives() -> None:
    """Ethernet without options in IP has a way of its own; the same packet as raw IP takes the general one."""
    chance = random.Random(1)  # noqa: S311  (nothing secret)
    plain = [ip4(tcp(b"x" * size, options, flags)) for size, options, flags in itertools.product(
        (0, 1, 60), (b"", STAMPS), (ACK, SYN, RST | ACK, 0xFFF)
    )]  # fmt: skip
    both_ways = 0
    for _ in range(20_000):
        packet = bytearray(chance.choice(plain))
        for _ in range(chance.choice([0, 1, 2])):
            packet[chance.randrange(40)] = chance.choice([0, 255, chance.randrange(256)])
        packet[0] = 0x40 | packet[0] & 0xF  # raw IP may be of another version, a frame may not
        kept = bytes(packet) if chance.random() < 0.7 else bytes(packet[: chance.randrange(len(packet))])
        length = len(packet) + chance.choice([0, 0, -2, 5])
        short = parse(ETHERNET, 3, 4, 14 + length, bytes(12) + b"\x08\x00" + kept)
        long = parse(IPV4, 3, 4, length, kept)
        assert short == (long and long._replace(offset=long.offset + 14)), kept.hex()
        both_ways += short is not None
    assert both_ways > 5_000


def test_a_segment() -> None:
    data = ethernet(ip6(EXTENDED + tcp(b"hello", STAMPS), kind=0))
    ends = Endpoint("::1", 40000), Endpoint("::2", 12345)
    assert parse(ETHERNET, 5, 6, len(data), data) == Segment(
        5, 6, *ends, 7, 9, PSH | ACK, 5, b"hello", 14 + 40 + 16 + 32
    )
    assert type(parse(ETHERNET, 5, 6, 59, ethernet(ip4(tcp(b"hello"))))) is Segment


def test_every_link_type_that_is_said_to_be_known_is() -> None:
    packet = ip4(tcp(b"hello"))
    heads = {
        1: ethernet(packet)[:14],
        0: b"\2\0\0\0",
        108: b"\0\0\0\2",
        113: bytes(14) + b"\x08\0",
        276: b"\x08\0" + bytes(18),
    }
    for link in LINKTYPES:
        data = heads.get(link, b"") + (ip6(tcp(b"hello")) if link == 229 else packet)
        segment = parse(link, 1, 1, len(data), data)
        assert segment is not None, link
        assert data[segment.offset :] == segment.payload == b"hello"
    assert parse(147, 1, 1, len(packet), packet) is None


def test_a_fragment() -> None:
    packet = ip4(b"0123456789abcdef", bits=0x2000 | 3)
    found = fragment(RAW, 5, 6, len(packet), packet)
    assert found is not None
    assert (found.frame, found.time_ns, found.offset, found.data) == (5, 6, 20, b"0123456789abcdef")
    assert (found.datagram.start, found.datagram.more, found.datagram.identification) == (24, True, 1)
    assert parse(RAW, 5, 6, len(packet), packet) is None
    assert fragment(RAW, 5, 6, len(packet), packet[:-1]) is None, "the rest of it was not captured"
    whole = ip4(tcp(b"whole"))
    assert fragment(RAW, 5, 6, len(whole), whole) is None
    six = ip6(struct.pack(">BBHI", 6, 0, 48, 77) + b"last", kind=44)
    found = fragment(RAW, 5, 6, len(six), six)
    assert found is not None
    assert (found.offset, found.data) == (48, b"last")
    assert (found.datagram.start, found.datagram.more, found.datagram.identification) == (48, False, 77)


@given(st.sampled_from(sorted(LINKTYPES)), st.binary(max_size=120), st.integers(0, 200))
def test_nothing_makes_it_fail(link: int, data: bytes, wire_length: int) -> None:
    segment = parse(link, 1, 1, wire_length, data)
    part = fragment(link, 1, 1, wire_length, data)
    assert segment is None or part is None
    if segment is not None:
        assert data[segment.offset :].startswith(segment.payload)


@pytest.mark.parametrize("kind", [51, 59, 135, 253])
def test_what_hides_tcp(kind: int) -> None:
    data = ip6(bytes([6, 0]) + bytes(6) + tcp(b"hidden"), kind=kind)
    assert parse(RAW, 1, 1, len(data), data) is None


def test_an_option_that_is_longer_than_the_packet() -> None:
    for length, there in ((4, True), (4 + 26, True), (4 + 27, False), (255, False)):
        header = bytes([6, 0, 1, length]) + bytes(4)
        data = ip6(header + tcp(b"hello!"), kind=60)
        assert (parse(RAW, 1, 1, len(data), data) is not None) is there
