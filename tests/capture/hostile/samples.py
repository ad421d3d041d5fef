"""The shipped captures, taken apart: what hostile connections and capture files are made from."""

import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from capture.keylog import KeyLog, read_keylog
from capture.readers import read_segments
from capture.segment import ACK, PSH, SYN, Endpoint, Segment
from capture.streams import reassemble
from lab.sessions import sessions
from tests.capture.hostile import inputs, reference
from tests.capture.hostile.holding import source

DATA = Path(__file__).parent.parent.parent / "data"
ENDS = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 12346)
Turn = tuple[bool, bytes]  # whether the client speaks, and what


WORDS = (
    (True, b"EHLO anna\r\n"),
    (False, b"250-hello\r\n250 STARTTLS\r\n"),
    (True, b"STARTTLS\r\n"),
    (False, b"220 go ahead\r\n"),
)


class Sample(NamedTuple):
    """A connection of a shipped capture.

    Attributes:
        turns: what its segments carry, in their order.
        keys: its key log, where there is one.
        opened: what its encrypted records hold, by their bytes: type and plaintext.
        records: its records.
    """

    turns: tuple[Turn, ...]
    keys: KeyLog | None
    opened: dict[bytes, tuple[int, bytes]]
    records: tuple[bytes, ...]


@cache
def captures() -> tuple[Path, ...]:
    return tuple(sorted([*DATA.glob("tls*.pcapng"), *DATA.glob("foreign-*.pcapng")]))


@cache
def samples() -> tuple[Sample, ...]:
    found = []
    for path in captures():
        segments = list(read_segments(path, "native"))
        keylog = path.with_name(path.name.replace(".pcapng", ".keys.txt"))
        keys = read_keylog(keylog) if keylog.exists() else None
        for session in sessions(reassemble(segments), keys):
            ends = session.client.stream.source
            turns = [(s.source == ends, s.payload) for s in segments if s.length and ends in (s.source, s.destination)]
            opened = {
                item.record.header + item.record.fragment: (item.content_type, item.plaintext)
                for items in session.opened or ()
                for item in items
            }
            raw = [r.header + r.fragment for layer in (session.client, session.server) for r in layer.records]
            found.append(Sample(tuple(turns), keys, opened, tuple(raw)))
    return tuple(found)


@cache
def bodies(kind: int) -> tuple[bytes, ...]:
    """The handshake messages of a type in the captures."""
    found = []
    for sample in samples():
        for from_client in (True, False):
            data = b"".join(payload for side, payload in sample.turns if side == from_client)
            found += [body for other, body in reference.handshake(reference.records(data)[0]) if other == kind]
    return tuple(found)


def segments_of(turns: Sequence[Turn], *, port: int = ENDS[0].port) -> list[Segment]:
    """The segments of one connection, opened by a SYN."""
    ends = {True: Endpoint(ENDS[0].host, port), False: ENDS[1]}
    at = {True: 1000, False: 5000}
    found: list[Segment] = []

    def put(side: bool, flags: int, payload: bytes) -> None:
        frame = len(found) + 1
        data = at[side], at[not side] if flags & ACK else 0, flags, len(payload), payload, 54
        found.append(Segment(frame, frame * 1000, ends[side], ends[not side], *data))
        at[side] += len(payload) + bool(flags & SYN)

    put(True, SYN, b"")
    put(False, SYN | ACK, b"")
    for side, payload in turns:
        put(side, PSH | ACK, payload)
    return found


def turns_of(random: Random, sample: Sample, *, words: bool = True) -> tuple[list[Turn], bool]:
    """What is said on a connection that was changed, and whether words in the clear were all that was put to it.

    Args:
        random: the source of all changes.
        sample: the connection.
        words: whether there may be words in the clear before it.
    """
    turns = list(sample.turns)
    intact = random.random() < 0.15
    for _ in range(0 if intact else random.choice((1, 1, 2, 3))):
        at = random.randrange(len(turns))
        side, payload = turns[at]
        other = random.choice(random.choice(samples()).turns)
        kind = random.randrange(8)
        if kind < 3:
            turns[at] = side, inputs.mutate(random, payload, random.choice(samples()).records)
        elif kind == 3:
            del turns[at]
        elif kind == 4:
            turns.insert(at, random.choice((other, turns[at])))
        elif kind == 5:
            end = random.randrange(len(turns))
            turns[at], turns[end] = turns[end], turns[at]
        elif kind == 6:
            turns.insert(at, (random.random() < 0.5, inputs.flight(random)))
        else:
            turns[at:] = []
        turns = turns or [(True, b"")]
    if words and random.random() < 0.3:
        turns = [*WORDS[random.choice((0, 2)) :], *turns]
    if random.random() < 0.2:
        turns.append((random.random() < 0.5, b"and now in the clear again\r\n"))
    return turns, intact


def mutated_capture(seed: int, count: int) -> bytes:
    """A pcap file (link type 101, bare IP) of so many connections, each a shipped one that was changed."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 101)]
    for number in range(count):
        random = source("tshark", seed, number)
        # words in the clear make it wait for the rest of what it takes for a record of SSL 2.0
        spoken = [sample for sample in samples() if sample.turns[0][1].startswith(b"\x16\3")]
        turns, _ = turns_of(random, random.choice(spoken), words=False)
        for segment in segments_of(turns, port=1024 + number % 60000):
            tcp = struct.pack("!HHIIBBHHH", segment.source.port, segment.destination.port, segment.seq, segment.ack, 80,
                              segment.flags, 65535, 0, 0) + segment.payload  # fmt: skip
            hosts = [bytes(map(int, end.host.split("."))) for end in (segment.source, segment.destination)]
            ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + hosts[0] + hosts[1]
            out += [struct.pack("<IIII", 1_700_000_000 + number, segment.frame, len(ip + tcp), len(ip + tcp)), ip, tcp]
    return b"".join(out)
