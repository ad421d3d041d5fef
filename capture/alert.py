"""The alerts of a connection: what they say in the clear, and that they are there where they are encrypted.

Pure. Knows the alert protocol (RFC 8446, section 6; RFC 5246, section 7.2). An alert in TLS 1.3 that is encrypted has
the type application_data outside, and without keys nobody knows it for one: it is not found here.
"""

from dataclasses import dataclass

from capture.errors import MalformedError
from capture.fields import Cursor, Field
from capture.protection import Protection
from capture.registry import ALERT_LEVELS
from capture.tls import ALERT, HEADER, Record, RecordLayer

CLOSE_NOTIFY = 0  # a description: the sender says nothing more (RFC 8446, section 6.1)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert.

    Attributes:
        record: the record it stands in.
        protection: whether it is encrypted, as the state of the record layer says.
        fields: level (`tls.alert_message.level`) and description (`tls.alert_message.desc`) and where they stand in the
            stream; empty unless it is in the clear.
    """

    record: Record
    protection: Protection
    fields: tuple[Field, ...]

    @property
    def level(self) -> int | None:
        """1 for a warning, 2 for a fatal alert; None where it is not in the clear."""
        return self._number(0)

    @property
    def description(self) -> int | None:
        """What happened, by number; None where it is not in the clear."""
        return self._number(1)

    def _number(self, index: int) -> int | None:
        value = self.fields[index].value if self.fields else None
        assert not isinstance(value, bytes | str)
        return value


def alerts(layer: RecordLayer, states: tuple[Protection, ...]) -> tuple[Alert, ...]:
    """Return the alerts of one direction.

    Args:
        layer: its records.
        states: what `protection` says of each of them.

    Raises:
        MalformedError: a record in the clear holds a part of an alert, or nothing, or what has no level of an alert;
            the offset is that in the stream.
    """
    found = []
    for record, state in zip(layer.records, states, strict=True):
        if record.content_type != ALERT:
            continue
        if state != "clear":
            found.append(Alert(record, state, ()))
            continue
        if not record.fragment:
            msg = "an alert record is empty"
            raise MalformedError(msg, record.end)
        cursor = Cursor(record.fragment, record.start + HEADER)
        while cursor.left:
            if cursor.number(1, "tls.alert_message.level") not in ALERT_LEVELS:
                msg = f"{record.fragment[cursor.at - 1]:02x} is not the level of an alert"
                raise MalformedError(msg, cursor.base + cursor.at - 1)
            cursor.number(1, "tls.alert_message.desc")
        fields = cursor.fields
        found += [Alert(record, state, tuple(fields[at : at + 2])) for at in range(0, len(fields), 2)]
    return tuple(found)
