"""What the capture says of the chats that were tampered with: what was sent, what arrived, what was read. Pure.

Knows byte streams, keys and the chat's protocol. Is not told what was sent nor what was done to it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

from capture.decode import lines
from capture.decrypt import open_sides, plaintext_stream
from capture.hello import server_hello
from capture.keylog import KeyLog
from capture.opened import Opened, UnopenedError
from capture.segment import FIN, RST, Segment
from capture.streams import ByteStream, Span, reassemble, select
from capture.tls import APPLICATION_DATA, read_records
from chat import notices
from lab.errors import LabError
from lab.overhear import Heard, repeated
from lab.scenarios.alerts import SeenAlert, alerts
from lab.scenarios.codecs import LENGTH, xor
from lab.scenarios.tamper.changes import BEFORE, Tampering, Transport, unit_end
from lab.scenarios.tamper.run import Hops, Recording
from lab.sessions import Session

_IN_THE_COURSE_OF_THINGS = (notices.WELCOME, notices.CAME, notices.LEFT)


@dataclass(frozen=True, slots=True)
class Unit:
    """A line or record that was captured on one hop.

    Attributes:
        stream: the stream it stands in.
        start: offset of its first byte.
        data: its bytes.
        words: what it says to whoever has the key, without its LF; None where the key does not open it.
        sequence: the number that TLS sealed it with, which is never sent; None without TLS or where it does not open.
    """

    stream: ByteStream
    start: int
    data: bytes
    words: bytes | None
    sequence: int | None = None

    @property
    def spans(self) -> tuple[Span, ...]:
        """Where it stands."""
        return self.span(0, len(self.data))

    def span(self, first: int, end: int) -> tuple[Span, ...]:
        """Return where its bytes `first` to before `end` stand."""
        return self.stream.locate(self.start + first, self.start + end)


@dataclass(frozen=True, slots=True)
class End:
    """How one side ended a TCP connection: the frame, its headers, and whether by FIN or by RST."""

    span: Span
    flag: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One chat that was tampered with, or left alone.

    Attributes:
        transport: how it travelled.
        tampering: what the attacker was to do.
        cipher_suite: the suite that TLS agreed on; empty without TLS.
        sent: what alice sent after her name, as it left her.
        arrived: the same hop later, as it came to the server.
        read: the messages that bob got.
        complaints: what the server said to either of them beyond who comes and goes.
        alerts_sent: alice's alerts, as they left her.
        alerts: those between the attacker and the server, of both.
        end: how the server ended the connection.
    """

    transport: Transport
    tampering: Tampering
    cipher_suite: str
    sent: tuple[Unit, ...]
    arrived: tuple[Unit, ...]
    read: tuple[Heard, ...]
    complaints: tuple[str, ...]
    alerts_sent: tuple[SeenAlert, ...]
    alerts: tuple[SeenAlert, ...]
    end: End | None


def read_cells(segments: Sequence[Segment], recording: Recording, keys: KeyLog) -> tuple[Cell, ...]:
    """Return all chats.

    Raises:
        LabError: a connection is not in the capture.
        CaptureError: a handshake is not, or an alert breaks the rules.
    """
    by_port: dict[int, list[_Connection]] = {}
    streams = reassemble(segments)
    for client, server in zip(streams[::2], streams[1::2], strict=True):
        by_port.setdefault(client.destination.port, []).append(_Connection(client, server))
    return tuple(
        _cell(*pairing, _of(hops, by_port), recording.key, keys, segments) for pairing, hops in recording.hops.items()
    )


@dataclass(frozen=True, slots=True)
class _Connection:
    client: ByteStream
    server: ByteStream


@dataclass(frozen=True, slots=True)
class _Chat:
    """The three connections of a chat: alice's, the attacker's, bob's."""

    near: _Connection
    far: _Connection
    bob: _Connection


def _of(hops: Hops, by_port: Mapping[int, list[_Connection]]) -> _Chat:
    try:
        (near,) = by_port.get(hops.relay, [])
        bob, far = by_port.get(hops.server, [])  # bob was there first
    except ValueError:
        msg = "A connection of the chats is not in the capture, or not whole: run it again."
        raise LabError(msg) from None
    return _Chat(near, far, bob)


def _cell(
    transport: Transport,
    tampering: Tampering,
    chat: _Chat,
    key: bytes,
    keys: KeyLog,
    segments: Sequence[Segment],
) -> Cell:
    opened = [_opened(transport, connection, key, keys) for connection in (chat.near, chat.far, chat.bob)]
    near, far, bob = opened
    answers = far.server, bob.server
    return Cell(
        transport=transport,
        tampering=tampering,
        cipher_suite=far.cipher_suite,
        sent=near.units,
        arrived=far.units,
        read=repeated([bob.server]),
        complaints=tuple(complaint for stream in answers for complaint in _complaints(stream)),
        alerts_sent=tuple(alert for alert in near.alerts if alert.from_client),
        alerts=far.alerts,
        end=_end(segments, chat.far.server),
    )


@dataclass(frozen=True, slots=True)
class _Open:
    """A connection as whoever has the key reads it: the client's units after its name, and the server's lines."""

    units: tuple[Unit, ...]
    server: ByteStream
    alerts: tuple[SeenAlert, ...] = ()
    cipher_suite: str = ""


def _opened(transport: Transport, connection: _Connection, key: bytes, keys: KeyLog) -> _Open:
    if transport.is_tls:
        return _opened_tls(transport, connection, keys)
    stream = connection.client
    units = []
    for start, end in _units(transport, stream):
        data = stream.data[start:end]
        line = xor(data[LENGTH:], cycle(key)) if transport is Transport.XOR else data
        units.append(Unit(stream, start, data, line.removesuffix(b"\n")))
    server = connection.server if transport is Transport.PLAIN else _unsealed(connection.server, key)
    return _Open(tuple(units[BEFORE[transport] :]), server)


def _units(transport: Transport, stream: ByteStream) -> Iterator[tuple[int, int]]:
    at = 0
    while (length := unit_end(transport, stream.data[at:])) is not None:
        yield at, at + length
        at += length


def _unsealed(stream: ByteStream, key: bytes) -> ByteStream:
    """Return the lines in a stream of XORed ones; each byte stands where it was captured."""
    ranges = [(start + LENGTH, end) for start, end in _units(Transport.XOR, stream)]
    opened = b"".join(xor(stream.data[start:end], cycle(key)) for start, end in ranges)
    return replace(select(stream, ranges), data=opened)


def _opened_tls(transport: Transport, connection: _Connection, keys: KeyLog) -> _Open:
    client, server = read_records(connection.client), read_records(connection.server)
    ours, theirs = (_as_far_as_it_goes(items) for items in open_sides(client, server, keys))
    found = {item.record.index: (item.plaintext.removesuffix(b"\n"), item.sequence) for item in ours}
    units = [
        Unit(client.stream, record.start, record.header + record.fragment, *found.get(record.index, (None, None)))
        for record in client.records
        if record.content_type == APPLICATION_DATA
    ]
    answer = server_hello(server)
    return _Open(
        units=tuple(units[BEFORE[transport] :]),
        server=plaintext_stream(server.stream, theirs),
        alerts=alerts(Session(client, server, True, (ours, theirs), ())),
        cipher_suite=answer.suite_name if answer else "",
    )


def _as_far_as_it_goes(items: Iterator[Opened]) -> list[Opened]:
    found = []
    try:
        for item in items:
            found.append(item)  # one by one: what came before one that fails is kept
    except UnopenedError:
        pass  # a record that was changed on the way: it has no words
    return found


def _complaints(stream: ByteStream) -> Iterator[str]:
    for line in lines(stream):
        text = line.data.decode("utf-8", "backslashreplace")
        notice = notices.recognise_line(text)
        if notices.text_of(text) is not None and (notice is None or notice.template not in _IN_THE_COURSE_OF_THINGS):
            yield text


def _end(segments: Sequence[Segment], stream: ByteStream) -> End | None:
    """Return the first frame by which the sender of a stream ended it."""
    for segment in segments:
        ends = segment.source == stream.source and segment.destination == stream.destination
        if ends and segment.flags & (FIN | RST):
            span = Span(segment.frame, 0, segment.offset - 1)
            return End(span, "RST" if segment.flags & RST else "FIN")
    return None
