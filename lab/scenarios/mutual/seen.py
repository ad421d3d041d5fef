"""What the capture tells of a connection to a chat that asks for certificates, without keys and with the key log. Pure.

Knows the client's Certificate message of TLS 1.2 (RFC 5246, section 7.4.6) and 1.3 (RFC 8446, section 4.4.2), the
alerts and the chat's notices. Is told who connected, and which certificate they had, to search for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from capture.decode import lines
from capture.fields import Cursor
from capture.handshake import read_handshake
from capture.opened import Opened
from capture.streams import ByteStream, Span, select
from capture.tls import CERTIFICATE, HANDSHAKE, HANDSHAKE_HEADER, HEADER, handshake_messages
from certs.clients import holder
from chat import notices
from lab.scenarios.alerts import FATAL, SeenAlert, alerts
from lab.scenarios.mutual.cast import Person
from lab.sessions import Session

_COMMON_NAME = bytes.fromhex("0603550403")  # the object identifier 2.5.4.3 in DER
_UTF8_STRING = 0x0C


@dataclass(frozen=True, slots=True)
class Shown:
    """A client's certificate as it was captured.

    Attributes:
        certificate: in DER.
        name: whom it is for.
        spans: where it stands, or where its ciphertext does.
        name_spans: where the name stands in it, likewise.
    """

    certificate: bytes
    name: str | None
    spans: tuple[Span, ...]
    name_spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the server's own, read with the key log, and where its ciphertext stands."""

    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """One connection.

    Attributes:
        person: who it was.
        in_clear: the client's certificate as anybody reads it, None where nobody can without keys.
        with_keys: the same as the holder of the key log reads it, None where none was shown.
        found: where the certificate, or what says the name in it, stands in the bytes as they were captured.
        searched: how many bytes these are.
        answer: the first line that the server sent, None where it sent none.
        alert: the fatal alert of the server, None where it sent none.
        spoken: where the first words of the client stand, encrypted; empty where it sent none.
        problems: what of it could not be read.
    """

    person: Person
    in_clear: Shown | None
    with_keys: Shown | None
    found: tuple[tuple[Span, ...], ...]
    searched: int
    answer: Said | None
    alert: SeenAlert | None
    spoken: tuple[Span, ...]
    problems: tuple[str, ...]

    @property
    def let_in(self) -> bool:
        """Whether the server welcomed the client under the name that it gave."""
        notice = notices.recognise_line(self.answer.text) if self.answer else None
        return notice is not None and notice.template == notices.WELCOME and notice.fields["name"] == self.person.says

    @property
    def refused_by_chat(self) -> str | None:
        """Why the chat refused the name, in its words; None where it did not."""
        notice = notices.recognise_line(self.answer.text) if self.answer else None
        return notice.fields["why"] if notice is not None and notice.template == notices.NAME_REFUSED else None

    @property
    def refused_in_handshake(self) -> bool:
        """Whether the server ended it with a fatal alert, before a line of the chat."""
        return self.alert is not None and self.answer is None


def see(session: Session, person: Person) -> Seen:
    """Return what a captured connection tells.

    Raises:
        MalformedError: a message of the handshake breaks a rule.
    """
    fatal = [alert for alert in alerts(session) if alert.level == FATAL and not alert.from_client]
    streams = (session.client.stream, session.server.stream)
    needles = [] if person.certificate is None else [person.certificate, common_name(holder(person.certificate) or "")]
    in_clear = _in_clear(session)
    return Seen(
        person=person,
        in_clear=in_clear,
        with_keys=in_clear or _with_keys(session),
        found=tuple(place for needle in needles for stream in streams for place in stream.places(needle)),
        searched=sum(len(stream.data) for stream in streams),
        answer=_answer(session),
        alert=fatal[0] if fatal else None,
        spoken=_spoken(session),
        problems=session.problems,
    )


def common_name(name: str) -> bytes:
    """Return how a certificate says a name: the attribute's identifier, its type, its length (below 128), the name."""
    value = name.encode()
    return _COMMON_NAME + bytes([_UTF8_STRING, len(value)]) + value


def _in_clear(session: Session) -> Shown | None:
    handshake = read_handshake(session.client, session.server)
    if handshake.client_certificate is None or not handshake.client_certificate.certificates:
        return None
    field = next(f for f in handshake.client_certificate.fields if f.name == "tls.handshake.certificate")
    return _shown(handshake.client, field.start, field.end)


def _with_keys(session: Session) -> Shown | None:
    stream = handshake_stream(session.client.stream, session.opened[0] if session.opened else ())
    for message in handshake_messages([stream.data]):
        if message.msg_type == CERTIFICATE:
            cursor = Cursor(message.body, message.start + HANDSHAKE_HEADER)
            cursor.vector(1)  # certificate_request_context
            chain = cursor.vector(3)
            if not chain.left:
                return None
            first = chain.vector(3)
            return _shown(stream, first.base, first.base + len(first.data))
    return None


def _shown(stream: ByteStream, start: int, end: int) -> Shown:
    certificate = stream.data[start:end]
    name = holder(certificate)
    at = certificate.rfind(common_name(name)) if name else -1  # the issuer's name stands before the subject's
    name_end = start + at + len(common_name(name or ""))
    name_spans = stream.locate(name_end - len((name or "").encode()), name_end) if at >= 0 else ()
    return Shown(certificate, name, stream.locate(start, end), name_spans)


def handshake_stream(stream: ByteStream, opened: Sequence[Opened]) -> ByteStream:
    """Return the handshake messages of one direction that were encrypted; they stand where their ciphertext does."""
    spoken = [item for item in opened if item.content_type == HANDSHAKE and item.plaintext]
    starts = [item.record.start + HEADER + item.body for item in spoken]
    ranges = [(start, start + len(item.plaintext)) for start, item in zip(starts, spoken, strict=True)]
    return replace(select(stream, ranges), data=b"".join(item.plaintext for item in spoken))


def _answer(session: Session) -> Said | None:
    stream = session.readable[1] if session.readable else None
    first = next((line for line in lines(stream) if line.complete and line.data), None) if stream else None
    if stream is None or first is None:
        return None
    return Said(first.text or "", stream.locate(first.start, first.start + len(first.data)))


def _spoken(session: Session) -> tuple[Span, ...]:
    stream = session.readable[0] if session.readable else None
    return stream.locate(0, len(stream.data)) if stream is not None and stream.data else ()
