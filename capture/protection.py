"""Which records of a connection are in the clear: the state of the record layer, and nothing that is read into bytes.

Pure. Knows when TLS begins to encrypt: each side after its change_cipher_spec up to TLS 1.2 (RFC 5246, section 7.1);
from TLS 1.3 on in records of type application_data, and change_cipher_spec means nothing (RFC 8446, sections 5 and
D.4). "encrypted" is said where these rules say so, never because bytes could not be read. Suites that protect but do
not encrypt (NULL) leave it "unknown": such a record is in plaintext with a checksum.
"""

from collections.abc import Iterator
from typing import Literal

from capture.errors import MalformedError
from capture.hello import CLIENT_HELLO, SERVER_HELLO, ServerHello, parse_server_hello
from capture.tls import APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Record, RecordLayer, handshake_messages

Protection = Literal["clear", "encrypted", "unknown"]

_TLS_1_3 = 0x0304


def protection(client: RecordLayer, server: RecordLayer) -> tuple[tuple[Protection, ...], tuple[Protection, ...]]:
    """Return for each record of the client and of the server whether it is encrypted.

    "unknown" is what the handshake would tell: the version where no ServerHello was captured or can be read, and the
    state where the capture began after the ClientHello.
    """
    answer = _answer(server)
    # what a NULL suite protects can be read
    version = None if answer is None or "_NULL_" in answer.suite_name else answer.version
    begun = bool(client.records) and _begins(client.records[0])
    return tuple(_states(client, version, begun=begun)), tuple(_states(server, version, begun=begun))


def _answer(server: RecordLayer) -> ServerHello | None:
    """Return the first ServerHello, a HelloRetryRequest too; None where there is none that can be read."""
    fragments = (record.fragment for record in server.records if record.content_type == HANDSHAKE)
    first = next(handshake_messages(fragments), None)
    if first is None or first.msg_type != SERVER_HELLO:
        return None
    try:
        return parse_server_hello(first.body)
    except MalformedError:
        return None


def _begins(record: Record) -> bool:
    return record.content_type == HANDSHAKE and record.fragment[:1] == bytes([CLIENT_HELLO])


def _states(layer: RecordLayer, version: int | None, *, begun: bool) -> Iterator[Protection]:
    changed = False
    for record in layer.records:
        if version == _TLS_1_3:
            yield "encrypted" if record.content_type == APPLICATION_DATA else "clear"
        elif changed:
            yield "unknown" if version is None else "encrypted"
        elif record.content_type == APPLICATION_DATA or not begun:
            yield "unknown"
        else:
            yield "clear"
        changed |= record.content_type == CHANGE_CIPHER_SPEC
