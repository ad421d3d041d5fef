"""A capture read for the report: its frames, and its connections with their records, opened as far as the keys go.

Reads the capture file, without any program, and is pure otherwise. Knows nothing of the page.
"""

import bisect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from capture.errors import TornCaptureError
from capture.keylog import KeyLog
from capture.packets import Packet, packets
from capture.readers.native import segments
from capture.segment import Segment
from capture.streams import ByteStream, connections, streams
from lab.decrypting.reading import Connection, decrypt
from lab.sessions import Session, sessions


class Frame(NamedTuple):
    """A frame of the capture.

    Attributes:
        number: from 1 (`frame.number`).
        time_ns: when it was captured, nanoseconds since 1970.
        data: the bytes that were captured of it.
    """

    number: int
    time_ns: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Talk:
    """A TCP connection.

    Attributes:
        segments: its segments, in the order of their capture.
        session: its streams and records; opened as far as the keys go.
        tls: its records one by one, None where it is not TLS.
    """

    segments: tuple[Segment, ...]
    session: Session
    tls: Connection | None

    @property
    def number(self) -> int:
        """Its number in the capture (`tcp.stream`)."""
        return self.session.client.stream.connection

    @property
    def streams(self) -> tuple[ByteStream, ByteStream]:
        """What client and server sent, as it was captured."""
        return self.session.client.stream, self.session.server.stream


@dataclass(frozen=True, slots=True)
class Wire:
    """A capture.

    Attributes:
        frames: its frames, in order.
        talks: its connections, in order of first frames.
        has_keys: whether there were keys to open TLS with.
        torn: why the file ends before its end, empty where it does not.
        problems: what of its connections could not be read or opened, a sentence each.
    """

    frames: tuple[Frame, ...]
    talks: tuple[Talk, ...]
    has_keys: bool
    torn: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def start_ns(self) -> int:
        """When the first frame was captured; 0 where there is none."""
        return self.frames[0].time_ns if self.frames else 0

    def frame(self, number: int) -> Frame:
        """Return the frame of a number that is there."""
        return self.frames[bisect.bisect_left(self.frames, number, key=lambda frame: frame.number)]

    def since_start(self, time_ns: int) -> float:
        """Return a time as milliseconds since the first frame."""
        return round((time_ns - self.start_ns) / 1e6, 3)


def read_wire(path: Path, keys: KeyLog | None) -> Wire:
    """Read a capture file; a torn one up to its tear.

    Raises:
        NotACaptureError: the file is empty or of another kind.
        CaptureError: it cannot be read.
    """
    read: list[Packet] = []
    torn: tuple[str, ...] = ()
    problems: list[str] = []
    try:
        read.extend(packets(path))
    except TornCaptureError as error:
        torn = (str(error),)
    found = connections(segments(read))
    talks = []
    for connection, session in zip(found, sessions(streams(found), None), strict=True):
        talk = _talk(tuple(connection.segments), session, keys)
        talks.append(talk)
        if keys is not None or talk.tls is None:
            problems += talk.tls.problems if talk.tls is not None else session.problems
    frames = tuple(Frame(packet.frame, packet.time_ns, packet.data) for packet in read)
    return Wire(frames, tuple(talks), keys is not None, torn, tuple(problems))


def _talk(parts: tuple[Segment, ...], session: Session, keys: KeyLog | None) -> Talk:
    if not session.is_tls:
        return Talk(parts, session, None)
    tls = decrypt(session, keys or {})
    opened = [[row.opened for row in tls.rows if row.opened and row.from_client is ours] for ours in (True, False)]
    if any(opened):
        session = replace(session, opened=(opened[0], opened[1]))
    return Talk(parts, session, tls)


def ports(wire: Wire) -> Mapping[int, bool]:
    """Return what the servers' ports carry: True for TLS; one that carries both, or TLS after words, is left out."""
    carried: dict[int, set[bool | None]] = {}
    for talk in wire.talks:
        starts_with_it = talk.session.client.start == talk.session.server.start == 0
        what = (True if starts_with_it else None) if talk.tls is not None else False
        carried.setdefault(talk.streams[1].source.port, set()).add(what)
    return {port: bool(what) for port, (what, *more) in carried.items() if not more and what is not None}
