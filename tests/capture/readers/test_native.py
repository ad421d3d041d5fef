"""The native reader against tshark: every Segment, every stream, on captures made at random."""

import itertools
import random
import struct
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from capture.frames import parse
from capture.packets import packets
from capture.readers import native
from capture.readers.tshark import read
from capture.segment import ACK, FIN, PSH, RST, SYN
from capture.streams import ByteStream, reassemble

Tshark = Callable[..., list[str]]

DATA = Path(__file__).parents[2] / "data"

# One interface for each, in this order: https://www.tcpdump.org/linktypes.html
LINKS = (1, 0, 108, 12, 14, 101, 228, 229, 113, 276)


def block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


def pcapng(frames: list[tuple[int, bytes, int]]) -> bytes:
    """A file of frames, each with its link type and length on the wire, 1.000001001 seconds apart."""
    blocks = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    # if_tsresol: nanoseconds
    blocks += [block(1, struct.pack("<HHIHHI", link, 0, 0, 9, 1, 9) + bytes(4)) for link in LINKS]
    for number, (link, data, wire_length) in enumerate(frames):
        time = 1_700_000_000_000_000_000 + number * 1_000_001_001
        head = struct.pack("<IIIII", LINKS.index(link), time >> 32, time & 0xFFFFFFFF, len(data), wire_length)
        blocks.append(block(6, head + data))
    return b"".join(blocks)


def tcp(ports: Sequence[int], seq: int, ack: int, flags: int, payload: bytes, options: bytes = b"") -> bytes:
    bits = (20 + len(options)) // 4 << 12 | flags
    return struct.pack(">HHIIHHHH", *ports, seq % 2**32, ack % 2**32, bits, 512, 0, 0) + options + payload


def ip(chance: random.Random, version: int, ends: Sequence[int], above: bytes) -> list[bytes]:
    """TCP in a packet, or in fragments of one, in any order; of version 6 with extension headers."""
    extensions: tuple[int, ...] = ()
    if version == 4:
        options = chance.choice([b"", b"", b"\1\1\1\0", b"\7\7\4" + bytes(5)])
        addresses = b"".join(b"\x0a\0\0" + bytes([end]) for end in ends)
        head, kind = 20 + len(options), 6
    else:
        addresses = b"".join(b"\x20\x01\x0d\xb8" + bytes(11) + bytes([end]) for end in ends)
        kind = 6
        extensions = chance.choice([(), (), (60,), (0,), (43, 60), (44,), (60, 44, 60)])
        for extension in extensions:
            body = bytes([kind, 0]) + b"\1\4" + bytes(4)
            if extension == 43:
                body = bytes([kind, 2, 0, 0]) + bytes(20)
            elif extension == 44:
                body = bytes([kind, 0]) + bytes(6)
            above, kind = body + above, extension
    cuts = [0, len(above)]
    if chance.random() < 0.1 and 44 not in extensions:
        cuts = sorted({0, len(above), *(chance.randrange(0, len(above), 8) for _ in range(3))})
    found = []
    identification = chance.randrange(1 << 16)
    for start, end in itertools.pairwise(cuts):
        part, more = above[start:end], end < len(above)
        if version == 4:
            bits = start // 8 | (more << 13) | (0 if more or start else 0x4000)
            first = struct.pack(">BBHHHBBH", 0x40 | head // 4, 0, head + len(part), identification, bits, 64, 6, 0)
            found.append(first + addresses + options + part)
        else:
            nxt = kind
            if len(cuts) > 2:
                part = struct.pack(">BBHI", kind, 0, start | more, identification) + part
                nxt = 44
            found.append(struct.pack(">IHBB", 6 << 28, len(part), nxt, 64) + addresses + part)
    chance.shuffle(found)
    return found


def linked(chance: random.Random, version: int, packets: list[bytes]) -> list[tuple[int, bytes]]:
    """Packets as frames of some link layer, with any number of VLAN tags."""
    link = chance.choice([link for link in LINKS if link != {4: 229, 6: 228}[version]])
    head = b""
    if link in (1, 113, 276):
        kinds = chance.choice([(), (), (), (0x8100,), (0x88A8, 0x8100), (0x8100, 0x8100, 0x8100), (0x9100,)])
        first, *others = (*kinds, {4: 0x0800, 6: 0x86DD}[version])
        head = {
            1: bytes(12) + struct.pack(">H", first),
            113: struct.pack(">HHH8xH", 4, 1, 6, first),
            276: struct.pack(">HHIHBB8x", first, 0, 1, 1, 0, 6),
        }[link]
        head += b"".join(struct.pack(">HH", chance.randrange(1 << 12), kind) for kind in others)
    elif link in (0, 108):
        order = ">" if link == 108 else chance.choice("<>")
        head = struct.pack(order + "I", 2 if version == 4 else chance.choice([24, 28, 30]))
    return [(link, (head + packet).ljust(60 if link == 1 else 0, b"\0")) for packet in packets]


def conversation(chance: random.Random, number: int) -> list[list[tuple[int, bytes]]]:
    """What two sides send, in the order of capture, each as the frames it takes.

    Reordered, repeated, overlapping, lost, with sequence numbers that wrap. Both sides acknowledge all of it at the
    end: that is what tells tshark that bytes are missing.
    """
    version = chance.choice([4, 6])
    ports = (40000 + number, 12345)
    isns = tuple(chance.choice([0, 1000, 2**32 - 1, 2**32 - 30, 2**31 - 5]) for _ in range(2))
    words = tuple(chance.randbytes(chance.choice([0, 10, 60, 200])) for _ in range(2))

    def sent(side: int, at: int, payload: bytes, flags: int, ack: int) -> list[tuple[int, bytes]]:
        seq, ack = isns[side] + at, isns[1 - side] + ack
        options = chance.choice([b"", b"\1\1\x08\x0a" + bytes(8)])
        segment = tcp(ports[:: 1 - 2 * side], seq, ack, flags, payload, options)
        return linked(chance, version, ip(chance, version, (1 + side, 2 - side), segment))

    parts = []
    for side in (0, 1):
        length = len(words[side])
        cuts = sorted({0, length, *(chance.randint(0, length) for _ in range(4))})
        ranges = list(itertools.pairwise(cuts))
        for _ in range(chance.choice([0, 0, 2])):
            ranges.append((chance.randint(0, length), chance.randint(0, length)))
        if chance.random() < 0.3:
            chance.shuffle(ranges)
        if chance.random() < 0.2 and len(ranges) > 1:
            ranges.pop(chance.randrange(len(ranges)))
        parts.append([(side, 1 + min(pair), words[side][min(pair) : max(pair)]) for pair in ranges])
    order = [0] * len(parts[0]) + [1] * len(parts[1])
    chance.shuffle(order)
    found = [sent(0, 0, b"", SYN, -isns[1]), sent(1, 0, b"", SYN | ACK, 1), sent(0, 1, b"", ACK, 1)]
    for side in order:
        found.append(sent(*parts[side].pop(0), PSH | ACK, 1))
    for side in (0, 1, 0):
        found.append(sent(side, 1 + len(words[side]), b"", ACK, 1 + len(words[1 - side])))
    return found


def hostile(chance: random.Random, count: int) -> list[tuple[int, bytes, int]]:
    """Frames with bytes changed, cut short, or of a length that is a lie."""
    found = []
    for _ in range(count):
        version = chance.choice([4, 6])
        flags = chance.choice([SYN, ACK, RST, FIN | ACK, chance.randrange(1 << 12)])
        above = tcp((9, 9), chance.randrange(1 << 32), 0, flags, chance.randbytes(9), b"\1\1\x08\x0a" + bytes(8))
        link, data = linked(chance, version, ip(chance, version, (8, 9), above))[0]
        changed = bytearray(data)
        for _ in range(chance.choice([0, 1, 1, 2])):
            changed[chance.randrange(len(data))] = chance.choice([0, 255, chance.randrange(256)])
        kept = chance.randint(0, len(data)) if chance.random() < 0.5 else len(data)
        found.append((link, bytes(changed[:kept]), len(data) + chance.choice([0, 0, 0, -3, 30])))
    return found


def woven(chance: random.Random, lists: list[list[list[tuple[int, bytes]]]]) -> list[tuple[int, bytes, int]]:
    """The frames of several conversations mixed, the order of each kept."""
    order = [number for number, each in enumerate(lists) for _ in each]
    chance.shuffle(order)
    rest = [iter(each) for each in lists]
    return [(link, data, len(data)) for number in order for link, data in next(rest[number])]


def followed(lines: list[str]) -> Iterator[tuple[tuple[str, str], tuple[bytes, bytes]]]:
    """What `-z follow,tcp,raw` prints: the two ends and what each has sent; the second one's lines are indented."""
    starts = [at for at, line in enumerate(lines) if line == "Follow: tcp,raw"]
    for start in starts:
        first, second = (line.split(": ")[1] for line in lines[start + 2 : start + 4])
        said = {False: b"", True: b""}
        for line in itertools.takewhile(lambda line: not line.startswith("="), lines[start + 4 :]):
            said[line.startswith("\t")] += bytes.fromhex(line)
        yield (first, second), (said[False], said[True])


def with_gaps(stream: ByteStream) -> bytes:
    """The data of a stream, with tshark's words where bytes are missing."""
    found, at = b"", 0
    for gap in stream.gaps:
        found += stream.data[at : gap.at] + f"[{gap.length} bytes missing in capture file]".encode() + b"\0"
        at = gap.at
    return found + stream.data[at:]


def checked(path: Path, run: Tshark, conversations: int) -> None:
    alone = [(p, parse(p.linktype, p.frame, p.time_ns, p.wire_length, p.data)) for p in packets(path)]
    theirs = {segment.frame: segment for segment in read(path)}
    for packet, segment in alone:
        assert segment == theirs.get(packet.frame), packet
    streams = {(str(s.source), str(s.destination)): s for s in reassemble(native.read(path))}
    asked = []
    for number in range(conversations):
        for ends in (("10.0.0.1", "10.0.0.2"), ("[2001:db8::1]", "[2001:db8::2]")):
            pair = f"{ends[0]}:{40000 + number}", f"{ends[1]}:12345"
            if pair in streams:
                asked += ["-z", f"follow,tcp,raw,{pair[0]},{pair[1]}"]
    assert len(asked) == 2 * conversations
    found = list(followed(run(path, "-q", *asked)))
    assert len(found) == conversations
    for (one, two), (up, down) in found:
        assert with_gaps(streams[one, two]) == up, one
        assert with_gaps(streams[two, one]) == down, two


# a seed says no more for being small
@settings(max_examples=10, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1))
def test_as_tshark_on_hundreds_of_conversations(tmp_path: Path, tshark: Tshark, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (nothing secret)
    frames = woven(chance, [conversation(chance, number) for number in range(50)])
    for frame in hostile(chance, 50):
        frames.insert(chance.randrange(len(frames)), frame)
    path = tmp_path / "made.pcapng"
    path.write_bytes(pcapng(frames))
    checked(path, tshark, 50)


def test_fragments_are_put_together(data: Path) -> None:
    segments = list(native.read(data / "fragments.pcap"))
    # tests/data/make.py: 48 bytes in fragments of 32, 24 and 12 bytes, the first of which has 20 of header
    assert [(s.frame, s.payload, s.offset) for s in segments if s.payload] == [
        *(
            (4, b"0123456789ab", 54),
            (5, b"cdef0123456789abcdef0123", 34),
            (6, b"456789abcdef", 34),
            (7, b"whole again", 54),
        )
    ]
    up, _ = reassemble(segments)
    assert (up.data, up.gaps) == (b"0123456789abcdef" * 3 + b"whole again", ())


def test_every_byte_stands_where_it_is_said_to(data: Path) -> None:
    for name in ("fragments-put-together.pcap", "fragments-of-6.pcap", "several-link-layers.pcapng"):
        frames = {packet.frame: packet.data for packet in packets(data / name)}
        segments = list(native.read(data / name))
        assert segments
        for segment in segments:
            assert frames[segment.frame][segment.offset : segment.offset + segment.length] == segment.payload


def test_memory_does_not_grow_with_the_file(data: Path, tmp_path: Path) -> None:
    content = (data / "reordered.pcap").read_bytes()
    peaks = []
    for times in (1000, 4000):
        large = tmp_path / "large.pcap"
        large.write_bytes(content + content[24:] * times)
        tracemalloc.start()
        try:
            count = sum(1 for _ in native.read(large))
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert count == 10 * (times + 1)
    assert peaks[1] < 1.2 * peaks[0] < 2 << 20
