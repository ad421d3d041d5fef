"""What anybody on the way can tell of a TLS connection without any key. Pure."""

import contextlib
import itertools
from dataclasses import dataclass

from capture.decrypt import explicit_nonce, overhead
from capture.errors import MalformedError
from capture.hello import ServerHello, client_hello, server_hello
from capture.segment import Endpoint
from capture.tls import APPLICATION_DATA, CERTIFICATE, CHANGE_CIPHER_SPEC, VERSIONS, RecordLayer, first_messages


@dataclass(frozen=True, slots=True)
class Seen:
    """An encrypted record from outside.

    Attributes:
        time_ns: when its first byte was captured, nanoseconds since 1970.
        from_client: its direction.
        length: bytes after the header.
    """

    time_ns: int
    from_client: bool
    length: int


@dataclass(frozen=True, slots=True)
class Visible:
    """A TLS connection from outside.

    Attributes:
        connection: its number in the capture (`tcp.stream`).
        client: who connected.
        server: to whom.
        server_name: the host that the client asked for in the clear (SNI), None where it did not.
        version: the protocol version agreed on, None where no ServerHello was captured.
        cipher_suite: the suite agreed on, likewise.
        certificate: whether the server's certificate crossed in the clear; in TLS 1.3 it is encrypted.
        explicit_nonce: bytes in the clear at the start of each encrypted record (TLS 1.2 with AES-GCM).
        overhead: how many bytes longer a record's fragment is than what it hides; None where that is not known.
        records: the encrypted records of both directions, in the order of their times.
    """

    connection: int
    client: Endpoint
    server: Endpoint
    server_name: str | None
    version: str | None
    cipher_suite: str | None
    certificate: bool
    explicit_nonce: int
    overhead: int | None
    records: tuple[Seen, ...]


def look(client: RecordLayer, server: RecordLayer) -> Visible:
    """Return what is visible of a connection, from the records of its two directions."""
    asked = answered = None
    # a hello that cannot be read tells an onlooker nothing; the records are there all the same
    with contextlib.suppress(MalformedError):
        asked = client_hello(client)
    with contextlib.suppress(MalformedError):
        answered = server_hello(server)
    clear = itertools.takewhile(lambda r: r.content_type != CHANGE_CIPHER_SPEC, server.records)
    seen = [
        Seen(layer.stream.slice(record.start, record.end)[0].time_ns, layer.stream.from_client, len(record.fragment))
        for layer in (client, server)
        for record in layer.records
        if record.content_type == APPLICATION_DATA
    ]
    return Visible(
        connection=client.stream.connection,
        client=client.stream.source,
        server=client.stream.destination,
        server_name=asked.server_name if asked else None,
        version=_version(answered),
        cipher_suite=answered.suite_name if answered else None,
        certificate=any(message.msg_type == CERTIFICATE for message in first_messages(clear)),
        explicit_nonce=explicit_nonce(answered) if answered else 0,
        overhead=overhead(answered) if answered else None,
        records=tuple(sorted(seen, key=lambda record: record.time_ns)),
    )


def _version(answer: ServerHello | None) -> str | None:
    return VERSIONS.get(answer.version, f"0x{answer.version:04x}") if answer else None
