"""Which records of a connection are in the clear: the state of the record layer, and nothing that is read into bytes.

Pure. Knows when TLS begins to encrypt: each side after its change_cipher_spec up to TLS 1.2 (RFC 5246, section 7.1);
from TLS 1.3 on in records of type application_data, and change_cipher_spec means nothing (RFC 8446, sections 5 and
D.4). "encrypted" is said where these rules say so, never because bytes could not be read. Suites that protect but do
not encrypt (NULL; RFC 9150) leave it "unknown": such a record is in plaintext with a checksum. So do a suite and a
version that nobody here knows, and a fragment too short to hold what protects it.
"""

from collections.abc import Iterator
from typing import Literal

from capture.errors import MalformedError
from capture.hello import ServerHello, parse_server_hello
from capture.registry import CIPHER_SUITES
from capture.tls import (
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    CLIENT_HELLO,
    HANDSHAKE,
    SERVER_HELLO,
    TLS_1_3,
    VERSIONS,
    Record,
    RecordLayer,
    first_messages,
)

Protection = Literal["clear", "encrypted", "unknown"]

_SHORTEST = 9  # bytes of any encrypted fragment: the shortest tag, of the CCM_8 suites, and one byte that it protects
_DRAFTS = range(0x7F16, 0x7F1D)  # of TLS 1.3, from 22 to 28: the ones that look as RFC 8446 does
# As their names say; the other suites that do not encrypt are not among those known here.
_ENCRYPTS = frozenset(number for number, name in CIPHER_SUITES.items() if "_WITH_NULL_" not in name)


def protection(client: RecordLayer, server: RecordLayer) -> tuple[tuple[Protection, ...], tuple[Protection, ...]]:
    """Return for each record of the client and of the server whether it is encrypted.

    "unknown" is what the handshake would tell: the version where no ServerHello was captured or can be read, and the
    state where the capture began after the ClientHello.
    """
    version = _version(_answer(server))
    begun = bool(client.records) and _begins(client.records[0])
    return tuple(_states(client, version, begun=begun)), tuple(_states(server, version, begun=begun))


def _answer(server: RecordLayer) -> ServerHello | None:
    """Return the first ServerHello, a HelloRetryRequest too; None where there is none that can be read."""
    first = next(first_messages(server.records), None)
    if first is None or first.msg_type != SERVER_HELLO:
        return None
    try:
        return parse_server_hello(first.body)
    except MalformedError:
        return None


def _version(answer: ServerHello | None) -> int | None:
    """Return the version whose rules say what is encrypted; None where that is not known."""
    if answer is None or answer.cipher_suite not in _ENCRYPTS:
        return None
    if answer.version in _DRAFTS:
        return TLS_1_3
    return answer.version if answer.version in VERSIONS else None


def _begins(record: Record) -> bool:
    return record.content_type == HANDSHAKE and record.fragment[:1] == bytes([CLIENT_HELLO])


def _states(layer: RecordLayer, version: int | None, *, begun: bool) -> Iterator[Protection]:
    changed = False
    for record in layer.records:
        sealed = record.content_type == APPLICATION_DATA if version == TLS_1_3 else changed
        if sealed:
            yield "encrypted" if version is not None and len(record.fragment) >= _SHORTEST else "unknown"
        elif version != TLS_1_3 and (record.content_type == APPLICATION_DATA or not begun):
            yield "unknown"
        else:
            yield "clear"
        changed |= record.content_type == CHANGE_CIPHER_SPEC
