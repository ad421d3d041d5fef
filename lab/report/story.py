"""The story of a connection: every TCP and TLS message in order, by its kind, with what it says and where it stands.

Pure. Puts together what `lab.report.steps` reads of the TLS records with the segments that open and end a connection,
and makes one step of the conversation. Says nothing of its own: the words are in words/<language>/story.toml.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from capture.segment import ACK, FIN, RST, SYN, Segment
from capture.streams import Span
from lab.decrypting.reading import Connection
from lab.report.kinds import Kind
from lab.report.messages import spans
from lab.report.steps import Step, tls_steps
from lab.report.wire import Talk, Wire

_HEADER = 20  # bytes of TCP's header without options, RFC 9293, section 3.1
_MANY = 12  # alike steps that follow each other are told as one from so many on


def story(wire: Wire, talk: Talk) -> dict[str, Any]:
    """Return the story of a connection as the page has it: as the keys tell it, and as anybody on the way does."""
    tls = talk.tls
    closed = None
    if tls is not None and any(row.opened for row in tls.rows):
        closed = replace(tls, rows=tuple(replace(row, opened=None) for row in tls.rows))
    around = (*_opening(wire, talk), *_ending(wire, talk), *_plain(talk))
    return {
        "conn": talk.number,
        "tls": tls is not None,
        "steps": _steps(wire, around, tls),
        "outside": _steps(wire, around, closed) if closed is not None else None,
    }


def _steps(wire: Wire, around: Sequence[Step], tls: Connection | None) -> list[dict[str, Any]]:
    """Return the steps in their order: what happens around TLS, and the messages of TLS as `tls` has them."""
    steps = [*around, *(tls_steps(tls) if tls is not None else ())]
    steps.sort(key=lambda step: (step.spans[0].frame, step.spans[0].first))
    return [_value(wire, step) for step in _joined(steps)]


def _value(wire: Wire, step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "from_client": step.from_client,
        "frames": list(dict.fromkeys(span.frame for span in step.spans)),
        "spans": spans(step.spans),
        "t": wire.since_start(step.time_ns),
        "sealed": step.sealed,
        "opened": step.opened,
        "values": dict(step.values),
        "count": step.count,
    }


def _joined(steps: list[Step]) -> Iterator[Step]:
    """Yield the steps; a long run of the same kind, as a thousand key updates, as one."""
    at = 0
    while at < len(steps):
        end = at
        while end < len(steps) and _alike(steps[at], steps[end]):
            end += 1
        run = steps[at:end]
        if len(run) >= _MANY:
            count = sum(step.count for step in run)
            yield replace(run[0], count=count, spans=(run[0].spans[0], run[-1].spans[-1]))
        else:
            yield from run
        at = end


def _alike(one: Step, other: Step) -> bool:
    return (one.kind, one.from_client, one.opened) == (other.kind, other.from_client, other.opened)


def _opening(wire: Wire, talk: Talk) -> Iterator[Step]:
    """Yield the TCP handshake: SYN, SYN-ACK and the ACK that ends it (RFC 9293, section 3.5); one sent again, once."""
    client = talk.streams[0].source
    answered = opened = False
    begun = False
    for segment in talk.segments:
        ours = segment.source == client
        flags = segment.flags & (SYN | ACK | RST)
        if flags == SYN and not begun:
            begun = True
            yield _step("tcp.syn", wire, segment, ours)
        elif flags == SYN | ACK and not answered:
            answered = True
            yield _step("tcp.syn_ack", wire, segment, ours)
        elif flags == ACK and ours and answered and not opened:
            opened = True
            yield _step("tcp.ack", wire, segment, ours)


def _ending(wire: Wire, talk: Talk) -> Iterator[Step]:
    """Yield the first FIN of each side (RFC 9293, section 3.6), and the first reset."""
    client = talk.streams[0].source
    seen: set[object] = set()
    for segment in talk.segments:
        ours = segment.source == client
        if segment.flags & RST and "reset" not in seen:
            seen.add("reset")
            yield _step("tcp.rst", wire, segment, ours)
        elif segment.flags & FIN and not segment.flags & RST and segment.source not in seen:
            seen.add(segment.source)
            yield _step("tcp.fin", wire, segment, ours)


def _step(kind: Kind, wire: Wire, segment: Segment, from_client: bool) -> Step:
    header = _header(wire.frame(segment.frame).data, segment)
    span = Span(segment.frame, segment.offset - header, segment.offset - 1)
    return Step(kind, from_client, (span,), segment.time_ns, values={"port": str(segment.destination.port)})


def _header(data: bytes, segment: Segment) -> int:
    """Return how many bytes before its payload a segment begins: there may be options (RFC 9293, section 3.1)."""
    number = segment.seq.to_bytes(4, "big")
    for length in range(_HEADER, 64, 4):
        start = segment.offset - length
        begin = data[max(0, start) : start + 13]  # up to the byte that says how long the header is
        if start >= 0 and begin[4:8] == number and begin[12:] and begin[12] >> 4 == length // 4:
            return length
    return min(_HEADER, segment.offset)


def _plain(talk: Talk) -> Iterator[Step]:
    """Yield what was said in the clear, as one step: all of it, or what came before TLS."""
    pieces = [
        (piece, stream.from_client)
        for layer in (talk.session.client, talk.session.server)
        for stream in (layer.stream,)
        for piece in stream.pieces
        if talk.tls is None or piece.start < layer.start
    ]
    if not pieces:
        return
    pieces.sort(key=lambda one: one[0].frame)
    (first, from_client), (last, _) = pieces[0], pieces[-1]
    ends = [Span(piece.frame, piece.offset, piece.offset + piece.length - 1) for piece in (first, last)]
    size = sum(piece.length for piece, _ in pieces)
    yield Step(
        "conversation_plain",
        from_client,
        tuple(dict.fromkeys(ends)),
        first.time_ns,
        values={"bytes": str(size)},
        count=len(pieces),
    )
