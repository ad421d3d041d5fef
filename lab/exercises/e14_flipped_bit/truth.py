"""What the capture of exercise 14 says of the flipped bit: where it is on either leg, and what the server answered.

Pure. Knows connections, records and alerts; is not told what was said nor what was done to it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from capture.decrypt import open_sides
from capture.keylog import KeyLog
from capture.streams import ByteStream, Span
from capture.tls import ALERT
from lab.errors import LabError
from lab.exercises.work import Traffic
from lab.sessions import Session

_BAD_RECORD_MAC = bytes([20])  # the description of an alert; RFC 8446, section 6


@dataclass(frozen=True, slots=True)
class Legs:
    """The three connections of one chat: speaker to relay, relay to server, reader to server."""

    near: Session
    far: Session
    reader: Session


@dataclass(frozen=True, slots=True)
class Truth:
    """What the capture says.

    Attributes:
        sent: the message as it left the speaker, without its LF.
        arrived: as it came to the server.
        at: which byte of it was changed, from 0.
        span: where it came to the server.
        before: the frame in which it left the speaker.
        copies: the frames in which the server passed it on.
        record: where the changed record came to the server.
        record_before: the frame in which it left the speaker.
        alert: where the server answered that a record does not open.
        alert_after: the frame in which the relay passed that on.
        frames: all that carry bytes, by chat, leg and side that sent them: "plain far client".
    """

    sent: bytes
    arrived: bytes
    at: int
    span: Span
    before: int
    copies: tuple[int, ...]
    record: Span
    record_before: int
    alert: Span
    alert_after: int
    frames: Mapping[int, str]

    @property
    def mask(self) -> int:
        """What the changed byte was XORed with."""
        return self.sent[self.at] ^ self.arrived[self.at]


def read_truth(traffic: Traffic, keys: KeyLog) -> Truth:
    """Find the bit in both chats.

    Raises:
        LabError: a connection is missing, or something else was changed than one byte.
        CaptureError: the keys open nothing of it, or a record or alert breaks the rules.
    """
    plain = _legs([session for session in traffic.sessions if not session.is_tls])
    tls = _legs([session for session in traffic.sessions if session.is_tls])
    ours, theirs = plain.near.client.stream, plain.far.client.stream
    at = _difference(ours, theirs)
    start, end = theirs.data.rfind(b"\n", 0, at) + 1, theirs.data.find(b"\n", at)
    if not at < end <= len(ours.data):
        raise LabError("The message that was changed is not in the capture to its end.")
    arrived = theirs.data[start:end]
    at_tls = _difference(tls.near.client.stream, tls.far.client.stream)
    record = next((record for record in tls.far.client.records if record.start <= at_tls < record.end), None)
    if record is None:
        raise LabError("What was changed under TLS is no whole record.")
    alert, alert_after = _alert(tls, keys)
    return Truth(
        sent=ours.data[start:end],
        arrived=arrived,
        at=at - start,
        span=theirs.locate(start, end)[0],
        before=ours.locate(start, end)[0].frame,
        copies=tuple(place[0].frame for place in plain.reader.server.stream.places(arrived)),
        record=record.stream.locate(record.start, record.end)[0],
        record_before=tls.near.client.stream.locate(record.start, record.start + 1)[0].frame,
        alert=alert,
        alert_after=alert_after,
        frames={**dict(_frames("plain", plain)), **dict(_frames("tls", tls))},
    )


def _legs(chat: Sequence[Session]) -> Legs:
    """Tell the connections of a chat apart: two lead to the server, and the reader's was there first."""
    leading = Counter(session.client.stream.destination.port for session in chat)
    if sorted(leading.values()) != [1, 2]:
        raise LabError("The capture does not hold the three connections of each chat.")
    (near,) = (session for session in chat if leading[session.client.stream.destination.port] == 1)
    reader, far = (session for session in chat if session is not near)
    return Legs(near, far, reader)


def _difference(near: ByteStream, far: ByteStream) -> int:
    """Return the one place where the bytes that came to the server are others than those that were sent."""
    places = [at for at, (a, b) in enumerate(zip(near.data, far.data, strict=False)) if a != b]
    if len(places) != 1:
        msg = f"{len(places)} bytes were changed on the way, and not one."
        raise LabError(msg)
    return places[0]


def _alert(legs: Legs, keys: KeyLog) -> tuple[Span, int]:
    """Return where the server says that a record does not open, and the frame in which the relay passes it on."""
    # of the client's side, what was changed does not open: the server's alone is needed
    _, opened = open_sides(legs.far.client, legs.far.server, keys)
    for item in opened:
        if item.content_type == ALERT and item.plaintext[1:] == _BAD_RECORD_MAC:
            start, end = item.record.start, item.record.end
            passed_on = legs.near.server.stream
            if end > len(passed_on.data):
                raise LabError("The relay has not passed the server's alert on.")
            return item.record.stream.locate(start, end)[0], passed_on.locate(start, end)[0].frame
    raise LabError("The server sends no alert that a record does not open.")


def _frames(chat: str, legs: Legs) -> Iterator[tuple[int, str]]:
    for leg, session in (("near", legs.near), ("far", legs.far), ("reader", legs.reader)):
        for side, layer in (("client", session.client), ("server", session.server)):
            for piece in layer.stream.pieces:
                yield piece.frame, f"{chat} {leg} {side}"
