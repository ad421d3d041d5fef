"""Segments to byte streams: what each side of each TCP connection sent, in order, and where every byte stands.

Pure. Knows TCP (RFC 9293): sequence numbers, their wrap, retransmission, reordering, overlap, missing bytes. Knows
nothing of what the bytes mean. Where two segments carry the same bytes, those count that a receiver would have taken.
"""

import bisect
import heapq
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from capture.segment import ACK, RST, SYN, Endpoint, Segment

_MODULUS = 1 << 32  # sequence numbers are 32 bits, RFC 9293, section 3.4


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of stream bytes that stand side by side in one frame.

    Attributes:
        start: offset of the first byte in the stream.
        length: bytes.
        frame: number of the frame, from 1.
        offset: offset of the first byte in that frame.
        time_ns: when the frame was captured, nanoseconds since 1970.
    """

    start: int
    length: int
    frame: int
    offset: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `first` to `last`, both included, of frame `frame`, counted from 0 as in Wireshark's bytes pane."""

    frame: int
    first: int
    last: int

    def __str__(self) -> str:
        return f"frame {self.frame}, bytes {self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Gap:
    """`length` bytes that were sent but not captured, and are missing in the stream's data at offset `at`."""

    at: int
    length: int


@dataclass(frozen=True, slots=True)
class ByteStream:
    """What one side of a TCP connection sent.

    Attributes:
        connection: number of the connection, from 0 in the order of first frames (`tcp.stream`).
        source: who sent it.
        destination: whom it was sent to.
        from_client: whether the sender is the side that opened the connection.
        data: the bytes, in order; what is missing is named in `gaps`.
        pieces: where `data` stands in the frames, in order and without holes.
        gaps: what was sent and not captured.
    """

    connection: int
    source: Endpoint
    destination: Endpoint
    from_client: bool
    data: bytes
    pieces: tuple[Piece, ...]
    gaps: tuple[Gap, ...]

    def locate(self, start: int, end: int) -> tuple[Span, ...]:
        """Return where the bytes `data[start:end]` stand, a span for each run of bytes in a frame.

        Raises:
            ValueError: the range is empty or reaches beyond the data.
        """
        return tuple(Span(p.frame, p.offset, p.offset + p.length - 1) for p in self.slice(start, end))

    def slice(self, start: int, end: int) -> tuple[Piece, ...]:
        """Return the pieces that hold `data[start:end]`, cut to that range; `Piece.start` stays the stream's.

        Raises:
            ValueError: the range is empty or reaches beyond the data.
        """
        if not 0 <= start < end <= len(self.data):
            msg = f"bytes {start} to {end} are not in a stream of {len(self.data)} bytes"
            raise ValueError(msg)
        first = bisect.bisect_right(self.pieces, start, key=lambda piece: piece.start) - 1
        found = []
        for piece in itertools.islice(self.pieces, first, None):
            if piece.start >= end:
                break
            low, high = max(start, piece.start), min(end, piece.start + piece.length)
            found.append(Piece(low, high - low, piece.frame, piece.offset + low - piece.start, piece.time_ns))
        return tuple(found)

    def places(self, needle: bytes) -> tuple[tuple[Span, ...], ...]:
        """Return everywhere that `needle` stands, overlapping or not; each time as `locate` does."""
        found = []
        at = self.data.find(needle)
        while at >= 0:
            found.append(self.locate(at, at + len(needle)))
            at = self.data.find(needle, at + 1)
        return tuple(found)


def on_port(streams: Iterable[ByteStream], port: int) -> tuple[ByteStream, ...]:
    """Return the streams from or to a port, in their order."""
    return tuple(stream for stream in streams if port in (stream.source.port, stream.destination.port))


def select(stream: ByteStream, ranges: Iterable[tuple[int, int]]) -> ByteStream:
    """Return a stream of parts of another, in order and joined; each byte still stands where it was captured.

    Args:
        stream: the whole stream.
        ranges: start and end offsets in it, none of them empty.
    """
    pieces: list[Piece] = []
    data: list[bytes] = []
    length = 0
    for start, end in ranges:
        pieces += [replace(piece, start=length + piece.start - start) for piece in stream.slice(start, end)]
        data.append(stream.data[start:end])
        length += end - start
    return replace(stream, data=b"".join(data), pieces=tuple(pieces), gaps=())


@dataclass(frozen=True, slots=True)
class _Part:
    """Bytes kept of one segment; `start` and `segment_start` count from the first byte after the SYN."""

    start: int
    data: bytes
    segment: Segment
    segment_start: int

    @property
    def end(self) -> int:
        return self.start + len(self.data)


@dataclass(slots=True)
class Connection:
    """The segments of one connection, in the order of their capture.

    Attributes:
        client: the side that opened it.
        server: the other.
        client_isn: the sequence number of the client's SYN, None where it was not captured.
        segments: those of both sides.
    """

    client: Endpoint
    server: Endpoint
    client_isn: int | None
    segments: list[Segment] = field(default_factory=list)


def connections(segments: Iterable[Segment]) -> tuple[Connection, ...]:
    """Return the connections that the segments belong to, in order of first frames.

    A SYN with a new initial sequence number on ports that were in use before begins another connection.
    """
    latest: dict[tuple[Endpoint, Endpoint], Connection] = {}
    found: list[Connection] = []
    for segment in segments:
        ends = (segment.source, segment.destination)
        key = (min(ends), max(ends))
        opens = segment.flags & (SYN | ACK) == SYN
        connection = latest.get(key)
        if connection is None or (opens and connection.client_isn not in (None, segment.seq)):
            # a SYN comes from the client, one with an ACK from the server; where neither was captured, clients have the
            # higher ports, as systems take them from the top of the range (RFC 6335, section 6)
            client, server = sorted(ends, key=lambda end: end.port, reverse=True)
            if segment.flags & SYN:
                client, server = ends if opens else (segment.destination, segment.source)
            connection = latest[key] = Connection(client, server, segment.seq if opens else None)
            found.append(connection)
        elif opens:
            connection.client, connection.server, connection.client_isn = *ends, segment.seq
        connection.segments.append(segment)
    return tuple(found)


def reassemble(segments: Iterable[Segment]) -> tuple[ByteStream, ...]:
    """Return two streams for each connection, the client's first, connections in order of first frames."""
    return streams(connections(segments))


def streams(found: Iterable[Connection]) -> tuple[ByteStream, ...]:
    """Return two streams for each connection, the client's before the server's, numbered in the order given."""
    return tuple(
        _assemble(number, connection, from_client=from_client)
        for number, connection in enumerate(found)
        for from_client in (True, False)
    )


def _assemble(number: int, connection: Connection, *, from_client: bool) -> ByteStream:
    source, destination = connection.client, connection.server
    if not from_client:
        source, destination = destination, source
    # what a RST carries is a diagnostic, not part of the stream (RFC 9293, section 3.5.3)
    sent = [s for s in connection.segments if s.source == source and not s.flags & RST]
    parts, sent_end = _place(sent)
    pieces: list[Piece] = []
    gaps: list[Gap] = []
    length = expected = 0
    for part in parts:
        if part.start > expected:
            gaps.append(Gap(length, part.start - expected))
        offset = part.segment.offset + part.start - part.segment_start
        pieces.append(Piece(length, len(part.data), part.segment.frame, offset, part.segment.time_ns))
        length += len(part.data)
        expected = part.end
    if sent_end > expected:
        gaps.append(Gap(length, sent_end - expected))
    data = b"".join(part.data for part in parts)
    return ByteStream(number, source, destination, from_client, data, tuple(pieces), tuple(gaps))


def _place(segments: list[Segment]) -> tuple[list[_Part], int]:
    """Put segments of one direction in their places; return the parts, in order, and where the last sent byte ends."""
    said = next((s.seq for s in segments if s.length and not s.flags & SYN), 0)
    # where a server answers with more than one initial sequence number, it goes on from the one that was accepted
    syns = dict.fromkeys(s.seq for s in segments if s.flags & SYN)
    syn = min(syns, key=lambda seq: (said - seq - 1) % _MODULUS, default=None)
    # a SYN takes one sequence number (RFC 9293, section 3.4); without one, count from what was captured first
    base = syn + 1 if syn is not None else segments[0].seq if segments else 0
    parts: list[_Part] = []
    newest = end = 0
    for segment in segments:
        seq = segment.seq + 1 if segment.flags & SYN else segment.seq
        # the nearest of all places that this sequence number can mean: 32 bits wrap within a long stream
        start = newest + (seq - base - newest + _MODULUS // 2) % _MODULUS - _MODULUS // 2
        newest = max(newest, start)
        if segment.length:
            end = max(end, start + segment.length)
            parts.append(_Part(start, segment.payload, segment, start))
    # Before the first byte there is nothing: a keep-alive repeats the SYN's number (RFC 9293, section 3.8.4). Only
    # where no SYN was captured may what was captured first not be what was sent first.
    first = min([0, *(part.start for part in parts)]) if syn is None else 0
    if first:
        parts = [replace(p, start=p.start - first, segment_start=p.segment_start - first) for p in parts]
    return _in_order(parts), end - first


def _in_order(parts: list[_Part]) -> list[_Part]:
    """Return the parts in the order of their bytes, every byte once.

    What comes next counts as soon as it is there, what comes too early waits: so do the receiver and Wireshark, and it
    decides which bytes count where two segments do not agree on them.
    """
    waiting: list[tuple[int, int, _Part]] = []
    taken: list[_Part] = []
    expected = 0

    def take() -> int:
        start, _, part = heapq.heappop(waiting)
        known = max(0, expected - start)
        if len(part.data) > known:
            taken.append(replace(part, start=start + known, data=part.data[known:]))
        return max(expected, part.end)

    for number, part in enumerate(parts):
        heapq.heappush(waiting, (part.start, number, part))
        while waiting and waiting[0][0] <= expected:
            expected = take()
    while waiting:  # what never came is a gap
        expected = take()
    return taken
