"""Segments to byte streams: what each side of each TCP connection sent, in order, and where every byte stands.

Pure. Knows TCP (RFC 9293): sequence numbers, their wrap, retransmission, reordering, overlap, missing bytes. Knows
nothing of what the bytes mean. Where two segments carry the same bytes, the one captured first counts, as in Wireshark.
"""

import bisect
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
        for piece in self.pieces[first:]:
            if piece.start >= end:
                break
            low, high = max(start, piece.start), min(end, piece.start + piece.length)
            found.append(Piece(low, high - low, piece.frame, piece.offset + low - piece.start, piece.time_ns))
        return tuple(found)


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
class _Connection:
    """The segments of one connection, in the order of their capture."""

    client: Endpoint
    server: Endpoint
    client_isn: int | None
    segments: list[Segment] = field(default_factory=list)


def reassemble(segments: Iterable[Segment]) -> tuple[ByteStream, ...]:
    """Return two streams for each connection, the client's before the server's, connections in order of first frames.

    A SYN with a new initial sequence number on ports that were in use before begins another connection.
    """
    latest: dict[tuple[Endpoint, Endpoint], _Connection] = {}
    connections: list[_Connection] = []
    for segment in segments:
        ends = (segment.source, segment.destination)
        key = (min(ends), max(ends))
        opens = segment.flags & (SYN | ACK) == SYN
        connection = latest.get(key)
        if connection is None or (opens and connection.client_isn not in (None, segment.seq)):
            # a SYN with an ACK comes from the server; where neither was captured, who speaks first counts as the client
            answers = segment.flags & (SYN | ACK) == SYN | ACK
            client, server = reversed(ends) if answers else ends
            connection = latest[key] = _Connection(client, server, segment.seq if opens else None)
            connections.append(connection)
        elif opens:
            connection.client, connection.server, connection.client_isn = *ends, segment.seq
        connection.segments.append(segment)
    return tuple(
        _assemble(number, connection, from_client=from_client)
        for number, connection in enumerate(connections)
        for from_client in (True, False)
    )


def _assemble(number: int, connection: _Connection, *, from_client: bool) -> ByteStream:
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
    syn = next((s.seq for s in segments if s.flags & SYN), None)
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
        # before the first byte there is nothing: a keep-alive repeats the SYN's number (RFC 9293, section 3.8.4)
        skipped = max(0, -start) if syn is not None else 0
        _insert(parts, _Part(start + skipped, segment.payload[skipped:], segment, start))
    if parts and parts[0].start < 0:  # no SYN, and what was captured first was not what was sent first
        shift = parts[0].start
        parts = [replace(p, start=p.start - shift, segment_start=p.segment_start - shift) for p in parts]
        end -= shift
    return parts, end


def _insert(parts: list[_Part], part: _Part) -> None:
    """Put into the ordered `parts` those bytes of `part` that no earlier segment has brought."""
    start, data = part.start, part.data
    at = bisect.bisect_right(parts, start, key=lambda other: other.start)
    if at and parts[at - 1].end > start:
        data, start = data[parts[at - 1].end - start :], parts[at - 1].end
    while data:
        room = parts[at].start - start if at < len(parts) else len(data)
        if room > 0:
            parts.insert(at, replace(part, start=start, data=data[:room]))
            at += 1
        if at == len(parts):
            return
        data, start = data[parts[at].end - start :], parts[at].end
        at += 1
