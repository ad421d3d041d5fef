"""The TLS messages of a connection as steps of its story: handshake, alerts, tickets, the conversation as one. Pure.

Knows which messages stand in which records, opened with keys or in the clear (RFC 8446, section 5.1). What stays closed
is a step, too: of it only the outer type is known.
"""

import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from capture.schedule import TrafficSecret
from capture.streams import Span, select
from capture.tls import (
    ALERT,
    APPLICATION_DATA,
    CERTIFICATE,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEADER,
    SERVER_HELLO_DONE,
    HandshakeMessage,
    HandshakeReader,
)
from lab.decrypting.reading import Connection, Row
from lab.report.kinds import Kind
from lab.report.telling import Told, refuses_early_data, retry, tell, tell_alert


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a connection's story.

    Attributes:
        kind: of which kind; names its words.
        from_client: who takes it.
        spans: where it stands in the capture; of many records the first and the last.
        time_ns: when it was captured, nanoseconds since 1970.
        sealed: whether it is encrypted on the wire.
        opened: whether it is known only because keys opened it.
        values: what its words may name; text from the wire is made visible.
        count: how many messages or records it stands for.
    """

    kind: Kind
    from_client: bool
    spans: tuple[Span, ...]
    time_ns: int
    sealed: bool = False
    opened: bool = False
    values: Mapping[str, str] = field(default_factory=dict)
    count: int = 1


def tls_steps(connection: Connection) -> Iterator[Step]:
    """Yield the steps of a TLS connection, in no order."""
    sides = [[row for row in connection.rows if row.from_client is ours] for ours in (True, False)]
    messages = [_messages(rows) for rows in sides]
    told = _told(connection, sides[1], [message for message, _, _ in messages[1]])
    for found in messages:
        yield from _handshake(found, told)
    for row in connection.rows:
        yield from _other(row, told)
    yield from _together(connection.rows, told)


def _content(row: Row) -> tuple[int, bytes] | None:
    """Return the type and the plaintext of a record, None where it is closed."""
    if row.opened is not None:
        return row.opened.content_type, row.opened.plaintext
    return (row.record.content_type, row.record.fragment) if row.protection == "clear" else None


def _messages(rows: Sequence[Row]) -> list[tuple[HandshakeMessage, Row, tuple[Span, ...]]]:
    """Return the handshake messages of one side: each with the record that it begins in, and where it stands."""
    reader = HandshakeReader()
    read: list[tuple[HandshakeMessage, Row]] = []
    ranges: list[tuple[int, int]] = []  # of the fragments in the stream; joined they are what messages count in
    begins: list[int] = []  # of the same fragments in what is joined
    owners: list[Row] = []
    for row in rows:
        content = _content(row)
        if content is None or content[0] != HANDSHAKE:
            reader.break_off()
            continue
        fragment = content[1]
        if not fragment:
            continue
        start = row.record.start + HEADER + (row.opened.body if row.opened is not None else 0)
        begins.append(begins[-1] + ranges[-1][1] - ranges[-1][0] if ranges else 0)
        ranges.append((start, start + len(fragment)))
        owners.append(row)
        for message in reader.feed(fragment):
            read.append((message, owners[bisect.bisect_right(begins, message.start) - 1]))
    if not read:
        return []
    joined = select(rows[0].record.stream, ranges)
    return [(message, row, joined.locate(message.start, message.end)) for message, row in read]


def _told(connection: Connection, server: Iterable[Row], messages: Sequence[HandshakeMessage]) -> Told:
    seen = {message.msg_type for message in messages}
    changes = any(row.record.content_type == CHANGE_CIPHER_SPEC for row in server)
    return Told(
        answer=connection.answer or retry(messages),
        # a server that resumes shows no certificate and says no ServerHelloDone (RFC 5246, section 7.3)
        resumed=changes and not seen & {SERVER_HELLO_DONE, CERTIFICATE},
        refused=refuses_early_data(messages),
    )


def _handshake(found: Iterable[tuple[HandshakeMessage, Row, tuple[Span, ...]]], told: Told) -> Iterator[Step]:
    seen: set[int] = set()
    for message, row, spans in found:
        kind, values = tell(message, told, from_client=row.from_client, again=message.msg_type in seen)
        seen.add(message.msg_type)
        yield _step(kind, row, spans=spans, values=values)


def _other(row: Row, told: Told) -> Iterator[Step]:
    """Yield the step of a record that is an alert or a change of ciphers, or that stays closed and is no words."""
    content = _content(row)
    if content is None:
        # from TLS 1.3 on, the type outside tells nothing (RFC 8446, section 5.2)
        kinds: Mapping[int, Kind] = {HANDSHAKE: "handshake_sealed", ALERT: "alert_sealed"}
        if row.record.content_type in kinds:
            yield _step(kinds[row.record.content_type], row, sealed=True)
    elif content[0] == ALERT:
        kind, values = tell_alert(content[1])
        yield _step(kind, row, values=values)
    elif content[0] == CHANGE_CIPHER_SPEC:
        yield _step("change_cipher_spec" if told.tls13 else "change_cipher_spec_12", row)


def _together(rows: Iterable[Row], told: Told) -> Iterator[Step]:
    """Yield what is many records and one step: early data, the conversation, and what cannot be told apart."""
    groups: dict[Kind, list[Row]] = {}
    for row in rows:
        content = _content(row)
        if content is not None and content[0] == APPLICATION_DATA:
            early: Kind = "early_data_refused" if told.refused else "early_data"
            groups.setdefault(early if _is_early(row) else "conversation", []).append(row)
        elif content is None and row.record.content_type == APPLICATION_DATA:
            # up to TLS 1.2 only the words are of this type; in TLS 1.3 all that is encrypted is
            groups.setdefault("records_sealed" if told.tls13 else "conversation", []).append(row)
    for kind, group in groups.items():
        ends = group[0].spans[0], group[-1].spans[-1]
        size = sum(len(row.record.fragment) for row in group)
        yield _step(
            kind, group[0], spans=tuple(dict.fromkeys(ends)), values={"bytes": str(size)}, count=len(group), sealed=True
        )


def _is_early(row: Row) -> bool:
    secret = row.opened.keys.secret if row.opened is not None else None
    return isinstance(secret, TrafficSecret) and "EARLY" in secret.label


def _step(
    kind: Kind,
    row: Row,
    *,
    spans: tuple[Span, ...] | None = None,
    values: Mapping[str, str] | None = None,
    count: int = 1,
    sealed: bool = False,
) -> Step:
    piece = row.record.stream.slice(row.record.start, row.record.end)[0]
    opened = row.opened is not None
    return Step(
        kind,
        row.from_client,
        row.spans if spans is None else spans,
        piece.time_ns,
        sealed=sealed or opened,
        opened=opened,
        values=values or {},
        count=count,
    )
