"""The alerts of a session, those in the clear and those that its keys opened, by name and with where they stand. Pure.

Knows where an alert can be: in a record that says so, or within an encrypted one (RFC 8446, section 6; RFC 5246,
section 7.2). An encrypted alert that no key has opened says nothing, and is not found here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from capture import registry
from capture.alert import alerts as clear_alerts
from capture.opened import Opened
from capture.protection import Protection, protection
from capture.streams import Span
from capture.tls import ALERT, Record, RecordLayer
from lab.sessions import Session

FATAL = 2  # the level; RFC 8446, section 6


@dataclass(frozen=True, slots=True)
class SeenAlert:
    """An alert that could be read.

    Attributes:
        from_client: who sent it: the side that opened the connection, or the other one.
        level: 1 for a warning, 2 for a fatal one (`tls.alert_message.level`).
        description: what happened, by number (`tls.alert_message.desc`).
        name: the same as RFC 8446, section 6, writes it: "bad_record_mac".
        spans: where the record stands that holds it.
        encrypted: whether a key was needed to read it.
    """

    from_client: bool
    level: int
    description: int
    name: str
    spans: tuple[Span, ...]
    encrypted: bool


def alerts(session: Session) -> tuple[SeenAlert, ...]:
    """Return the alerts of both directions of a session, in the order in which they were captured.

    Raises:
        MalformedError: a record in the clear holds a part of an alert, or nothing.
    """
    if not session.is_tls:
        return ()
    opened: tuple[Sequence[Opened], Sequence[Opened]] = session.opened or ((), ())
    layers, states = (session.client, session.server), protection(session.client, session.server)
    found = [
        (record.stream.slice(record.start, record.end)[0].frame, alert)
        for direction in zip(layers, states, opened, strict=True)
        for record, alert in _of(*direction)
    ]
    return tuple(alert for _, alert in sorted(found, key=lambda pair: pair[0]))


def _of(
    layer: RecordLayer, states: tuple[Protection, ...], opened: Sequence[Opened]
) -> Iterator[tuple[Record, SeenAlert]]:
    for alert in clear_alerts(layer, states):
        if alert.level is not None and alert.description is not None:
            yield alert.record, _seen(alert.record, alert.level, alert.description, encrypted=False)
    for item in opened:
        # two bytes: an alert is not to be split or joined with another one where it is encrypted (RFC 8446, section
        # 5.1), and OpenSSL does neither in TLS 1.2
        if item.content_type == ALERT and len(item.plaintext) == 2:
            yield item.record, _seen(item.record, *item.plaintext, encrypted=True)


def _seen(record: Record, level: int, description: int, *, encrypted: bool) -> SeenAlert:
    # Wireshark's names are those of the RFC with spaces and capitals
    name = registry.name(registry.ALERT_DESCRIPTIONS, description).lower().replace(" ", "_")
    spans = record.stream.locate(record.start, record.end)
    return SeenAlert(record.stream.from_client, level, description, name, spans, encrypted)
