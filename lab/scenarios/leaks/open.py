"""What a handshake says in the clear of who connects where, and where it stands. Pure; has no key."""

from collections.abc import Iterable
from dataclasses import dataclass

from capture.errors import CaptureError
from capture.fields import Field
from capture.handshake import read_handshake
from capture.ja3 import ja3, ja3_full
from capture.streams import ByteStream, Span
from lab.sessions import Session

_SERVER_NAME = "tls.handshake.extensions_server_name"
_CERTIFICATE = "tls.handshake.certificate"
_TICKET_GIVEN = "tls.handshake.session_ticket"
# a ticket of TLS 1.2 is the whole content of its extension (RFC 5077, section 3.2); in TLS 1.3 it is a PSK identity
_TICKET_SHOWN = ("tls.handshake.extension.data", "tls.handshake.extensions.psk.identity.identity")


@dataclass(frozen=True, slots=True)
class Shown:
    """Something in the clear, and where it stands.

    Attributes:
        value: its bytes.
        spans: where.
    """

    value: bytes
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Openly:
    """What anybody can read of one connection.

    Attributes:
        server_name: the host that the client asks for (SNI, RFC 6066, section 3).
        ja3: the fingerprint of the client's program.
        ja3_full: what that is made of.
        hello: the ClientHello that both come from.
        certificate: the server's own certificate, in DER.
        ticket_given: the ticket that the server hands out, to come back with.
        ticket_shown: the ticket that the client comes back with.
        searched: bytes of both streams.
        held: everywhere that the certificate which the server really has stands in them.
    """

    server_name: Shown | None
    ja3: str
    ja3_full: str
    hello: Shown
    certificate: Shown | None
    ticket_given: Shown | None
    ticket_shown: Shown | None
    searched: int
    held: tuple[tuple[Span, ...], ...]


def openly(session: Session, certificate: bytes) -> Openly:
    """Return what anybody can read of a connection.

    Args:
        session: the connection.
        certificate: the server's, in DER, to be searched for.

    Raises:
        CaptureError: there is no ClientHello.
        MalformedError: a message in the clear breaks a rule.
    """
    clear = read_handshake(session.client, session.server)
    if not clear.client_hellos:
        raise CaptureError(f"The handshake of {session.client.stream.source} is not in the capture.")
    hello = clear.client_hellos[0]
    start, end = hello.fields[0].start, hello.fields[-1].end
    server_certificate = clear.server_certificate.fields if clear.server_certificate else ()
    ticket = clear.new_session_ticket.fields if clear.new_session_ticket else ()
    streams = (session.client.stream, session.server.stream)
    return Openly(
        server_name=_first(clear.client, hello.fields, _SERVER_NAME),
        ja3=ja3(hello),
        ja3_full=ja3_full(hello),
        hello=Shown(clear.client.data[start:end], clear.client.locate(start, end)),
        certificate=_first(clear.server, server_certificate, _CERTIFICATE),
        ticket_given=_first(clear.server, ticket, _TICKET_GIVEN),
        ticket_shown=_first(clear.client, hello.fields, *_TICKET_SHOWN),
        searched=sum(len(stream.data) for stream in streams),
        held=tuple(place for stream in streams for place in stream.places(certificate)),
    )


def _first(stream: ByteStream, fields: Iterable[Field], *names: str) -> Shown | None:
    for field in fields:
        if field.name in names:
            return Shown(stream.data[field.start : field.end], stream.locate(field.start, field.end))
    return None
