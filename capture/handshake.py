"""What a whole handshake says in the clear: hellos, and up to TLS 1.2 certificates, the group chosen and the ticket.

Pure. Knows Certificate, ServerKeyExchange and NewSessionTicket of TLS 1.2 (RFC 5246, section 7.4.2; RFC 8422, section
5.4; RFC 5077, section 3.3); in TLS 1.3 they are encrypted and not looked for. Opens nothing. Messages that no part
above knows are left alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from capture.fields import Cursor, Field
from capture.hello import ClientHello, ServerHello, parse_client_hello, parse_server_hello
from capture.protection import Protection, protection
from capture.streams import ByteStream, select
from capture.tls import (
    CERTIFICATE,
    CLIENT_HELLO,
    HANDSHAKE,
    HANDSHAKE_HEADER,
    HEADER,
    NEW_SESSION_TICKET,
    SERVER_HELLO,
    SERVER_KEY_EXCHANGE,
    TLS_1_2,
    HandshakeMessage,
    HandshakeReader,
    RecordLayer,
)

_NAMED_CURVE = 3  # RFC 8422, section 5.4
# ServerKeyExchange begins with a curve in these suites; in others with something else (RFC 8422, section 2).
_ECDHE = ("TLS_ECDHE_ECDSA_WITH_", "TLS_ECDHE_RSA_WITH_", "TLS_ECDH_anon_WITH_")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A chain of certificates in the clear (TLS 1.2).

    Attributes:
        certificates: each as DER, the sender's own first (`tls.handshake.certificate`).
        fields: these and their lengths, with where they stand.
    """

    certificates: tuple[bytes, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class ServerKeyExchange:
    """The server's half of the key exchange (TLS 1.2).

    Attributes:
        group: the group chosen (`tls.handshake.server_named_curve`); None where it is no named one.
        signature_algorithm: of the server's signature (`tls.handshake.sig_hash_alg`); None where it is not said.
        fields: what was read, with where it stands.
    """

    group: int | None
    signature_algorithm: int | None
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class NewSessionTicket:
    """A ticket to resume the session with (TLS 1.2).

    Attributes:
        lifetime_hint: seconds, 0 for not said (`tls.handshake.session_ticket_lifetime_hint`).
        ticket: `tls.handshake.session_ticket`, as a rule encrypted by the server for itself.
        fields: these and the length, with where they stand.
    """

    lifetime_hint: int
    ticket: bytes
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Handshake:
    """What both sides say of the handshake in the clear. Offsets of fields count in `client` and `server`.

    Attributes:
        client: the client's handshake messages in the clear, joined; `locate` says where each byte was captured.
        server: the server's.
        client_hellos: one, or two where the server asked for another.
        server_hellos: likewise, the HelloRetryRequest first.
        server_certificate: the server's chain, None where it was not in the clear.
        client_certificate: the client's chain, likewise.
        server_key_exchange: None where there was none, or not of an ECDHE suite.
        new_session_ticket: None where there was none in the clear.
    """

    client: ByteStream
    server: ByteStream
    client_hellos: tuple[ClientHello, ...]
    server_hellos: tuple[ServerHello, ...]
    server_certificate: Certificate | None
    client_certificate: Certificate | None
    server_key_exchange: ServerKeyExchange | None
    new_session_ticket: NewSessionTicket | None

    @property
    def group(self) -> int | None:
        """The group chosen for the key exchange, None where none was, or it was not seen."""
        if self.server_key_exchange is not None:
            return self.server_key_exchange.group
        last = self.server_hellos[-1] if self.server_hellos else None
        return last.key_share_group if last is not None and not last.is_retry else None


def read_handshake(client: RecordLayer, server: RecordLayer) -> Handshake:
    """Return what can be read of a handshake without any key.

    Raises:
        MalformedError: a message in the clear breaks a rule; the offset counts in the joined handshake messages of its
            side.
    """
    states = protection(client, server)
    ours, theirs = clear_handshake(client, states[0]), clear_handshake(server, states[1])
    asked, answered = list(_messages(client, states[0])), list(_messages(server, states[1]))
    client_hellos = [parse_client_hello(m.body, _body(m)) for m in asked if m.msg_type == CLIENT_HELLO]
    server_hellos = [parse_server_hello(m.body, _body(m)) for m in answered if m.msg_type == SERVER_HELLO]
    ecdhe = [hello for hello in server_hellos if hello.suite_name.startswith(_ECDHE)]
    return Handshake(
        client=ours,
        server=theirs,
        client_hellos=tuple(client_hellos),
        server_hellos=tuple(server_hellos),
        server_certificate=_first(answered, CERTIFICATE, parse_certificate),
        client_certificate=_first(asked, CERTIFICATE, parse_certificate),
        server_key_exchange=(
            _first(answered, SERVER_KEY_EXCHANGE, lambda message: parse_server_key_exchange(message, ecdhe[-1]))
            if ecdhe
            else None
        ),
        new_session_ticket=_first(answered, NEW_SESSION_TICKET, parse_new_session_ticket),
    )


def clear_handshake(layer: RecordLayer, states: tuple[Protection, ...]) -> ByteStream:
    """Return the handshake bytes of one direction that are in the clear, joined; they stand where they were captured.

    Args:
        layer: its records.
        states: what `protection` says of each of them.
    """
    return select(
        layer.stream,
        [
            (record.start + HEADER, record.end)
            for record, state in zip(layer.records, states, strict=True)
            if record.content_type == HANDSHAKE and state == "clear" and record.fragment
        ],
    )


def _messages(layer: RecordLayer, states: tuple[Protection, ...]) -> Iterator[HandshakeMessage]:
    """Yield the messages in `clear_handshake`; one that another record breaks into is none (RFC 8446, section 5.1)."""
    reader = HandshakeReader()
    for record, state in zip(layer.records, states, strict=True):
        if record.content_type == HANDSHAKE and state == "clear":
            yield from reader.feed(record.fragment)
        else:
            reader.break_off()


def _body(message: HandshakeMessage) -> int:
    return message.start + HANDSHAKE_HEADER


def _first(messages: list[HandshakeMessage], msg_type: int, parse: Callable[[HandshakeMessage], T]) -> T | None:
    return next((parse(message) for message in messages if message.msg_type == msg_type), None)


def parse_certificate(message: HandshakeMessage, fields: list[Field] | None = None) -> Certificate:
    """Return the chain of a Certificate message of TLS 1.2 (RFC 5246, section 7.4.2).

    Args:
        message: the message.
        fields: where fields go as they are read; those before an error too.

    Raises:
        MalformedError: a length does not fit.
    """
    cursor = Cursor(message.body, _body(message), fields)
    chain = cursor.vector(3, "tls.handshake.certificates_length")
    cursor.done()
    certificates = []
    while chain.left:
        certificate = chain.vector(3, "tls.handshake.certificate_length")
        certificates.append(certificate.opaque(certificate.left, "tls.handshake.certificate"))
    return Certificate(tuple(certificates), tuple(cursor.fields))


def parse_server_key_exchange(
    message: HandshakeMessage, answer: ServerHello, fields: list[Field] | None = None
) -> ServerKeyExchange:
    """Return the ServerKeyExchange of an ECDHE suite (RFC 8422, section 5.4).

    Args:
        message: the message.
        answer: the ServerHello before it: its version and suite say what a signature looks like, and if there is one.
        fields: where fields go as they are read; those before an error too.

    Raises:
        MalformedError: a length does not fit.
    """
    cursor = Cursor(message.body, _body(message), fields)
    if cursor.number(1, "tls.handshake.server_curve_type") != _NAMED_CURVE:
        return ServerKeyExchange(None, None, tuple(cursor.fields))
    group = cursor.number(2, "tls.handshake.server_named_curve")
    point = cursor.vector(1, "tls.handshake.server_point_len")
    point.opaque(point.left, "tls.handshake.server_point")
    algorithm = None
    if "_anon_" not in answer.suite_name:
        if answer.version == TLS_1_2:  # before it, the suite says it (RFC 5246, section 1.2)
            algorithm = cursor.number(2, "tls.handshake.sig_hash_alg")
        signature = cursor.vector(2, "tls.handshake.sig_len")
        signature.opaque(signature.left, "tls.handshake.sig")
    cursor.done()
    return ServerKeyExchange(group, algorithm, tuple(cursor.fields))


def parse_new_session_ticket(message: HandshakeMessage, fields: list[Field] | None = None) -> NewSessionTicket:
    """Return a NewSessionTicket of TLS 1.2 (RFC 5077, section 3.3).

    Args:
        message: the message.
        fields: where fields go as they are read; those before an error too.

    Raises:
        MalformedError: a length does not fit.
    """
    cursor = Cursor(message.body, _body(message), fields)
    lifetime_hint = cursor.number(4, "tls.handshake.session_ticket_lifetime_hint")
    ticket = cursor.vector(2, "tls.handshake.session_ticket_length")
    cursor.done()
    return NewSessionTicket(
        lifetime_hint, ticket.opaque(ticket.left, "tls.handshake.session_ticket"), tuple(cursor.fields)
    )
