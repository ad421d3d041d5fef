"""What the two hellos of a TLS handshake say in the clear: names, versions, suites, randoms.

Pure. Knows ClientHello and ServerHello (RFC 8446, sections 4.1.2 and 4.1.3; RFC 5246, section 7.4.1).
"""

from dataclasses import dataclass

from capture.errors import MalformedError
from capture.tls import HANDSHAKE, RecordLayer, handshake_messages

CLIENT_HELLO, SERVER_HELLO = 1, 2
_SERVER_NAME, _SUPPORTED_VERSIONS = 0, 43  # extension types, RFC 8446, section 4.2

# The random of a ServerHello that is a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 8446, section 4.1.3).
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")

# https://www.iana.org/assignments/tls-parameters (cipher suites): those that the lab can open.
CIPHER_SUITES = {
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0x009C: "TLS_RSA_WITH_AES_128_GCM_SHA256",
    0x009D: "TLS_RSA_WITH_AES_256_GCM_SHA384",
    0x009E: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    0x009F: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCAA: "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
}


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What the client says first.

    Attributes:
        random: 32 bytes; they name the connection in a key log.
        server_name: the host the client asks for (`tls.handshake.extensions_server_name`), None where it does not say.
        cipher_suites: the suites it offers, by number, best first.
    """

    random: bytes
    server_name: str | None
    cipher_suites: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What the server chooses.

    Attributes:
        random: 32 bytes.
        version: the version chosen, 0x0303 for TLS 1.2 and 0x0304 for TLS 1.3, wherever the message says it.
        cipher_suite: the suite chosen, by number.
    """

    random: bytes
    version: int
    cipher_suite: int

    @property
    def suite_name(self) -> str:
        """The suite's name, or its number where the lab does not know it."""
        return CIPHER_SUITES.get(self.cipher_suite, f"0x{self.cipher_suite:04x}")


class _Cursor:
    """Takes fields off the front of a message; running out of bytes is malformed, since the message is whole."""

    def __init__(self, data: bytes, base: int = 0) -> None:
        self.data, self.at, self.base = data, 0, base

    def take(self, length: int) -> bytes:
        if self.at + length > len(self.data):
            msg = f"{length} bytes were announced and {len(self.data) - self.at} are left"
            raise MalformedError(msg, self.base + self.at)
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")

    def vector(self, length_bytes: int) -> "_Cursor":
        length = self.number(length_bytes)
        start = self.base + self.at
        return _Cursor(self.take(length), start)

    @property
    def left(self) -> int:
        return len(self.data) - self.at


def parse_client_hello(body: bytes) -> ClientHello:
    """Return the fields of a ClientHello's body.

    Raises:
        MalformedError: a length does not fit.
    """
    cursor = _Cursor(body)
    cursor.take(2)  # legacy_version
    random = cursor.take(32)
    cursor.vector(1)  # legacy_session_id
    suites = cursor.vector(2)
    cipher_suites = tuple(suites.number(2) for _ in range(suites.left // 2))
    cursor.vector(1)  # legacy_compression_methods
    server_name = None
    for kind, extension in _extensions(cursor):
        if kind == _SERVER_NAME and extension.left:
            names = extension.vector(2)
            while names.left:
                name_type, name = names.number(1), names.vector(2)
                if name_type == 0:  # host_name, RFC 6066, section 3
                    server_name = name.data.decode("ascii", "backslashreplace")
    return ClientHello(random, server_name, cipher_suites)


def parse_server_hello(body: bytes) -> ServerHello:
    """Return the fields of a ServerHello's body.

    Raises:
        MalformedError: a length does not fit.
    """
    cursor = _Cursor(body)
    version = cursor.number(2)
    random = cursor.take(32)
    cursor.vector(1)  # legacy_session_id_echo
    suite = cursor.number(2)
    cursor.take(1)  # legacy_compression_method
    for kind, extension in _extensions(cursor):
        if kind == _SUPPORTED_VERSIONS:
            version = extension.number(2)
    return ServerHello(random, version, suite)


def _extensions(cursor: _Cursor) -> list[tuple[int, _Cursor]]:
    if not cursor.left:
        return []  # TLS 1.2 allows a hello without extensions
    block = cursor.vector(2)
    found = []
    while block.left:
        kind = block.number(2)
        found.append((kind, block.vector(2)))
    return found


def client_hello(layer: RecordLayer) -> ClientHello | None:
    """Return the ClientHello that a client's stream begins with, None where it has none.

    Raises:
        MalformedError: a length in it does not fit.
    """
    for message in handshake_messages(r.fragment for r in layer.records if r.content_type == HANDSHAKE):
        return parse_client_hello(message.body) if message.msg_type == CLIENT_HELLO else None
    return None


def server_hello(layer: RecordLayer) -> ServerHello | None:
    """Return the ServerHello of a server's stream, the last word where a HelloRetryRequest came before; None: none.

    Raises:
        MalformedError: a length in it does not fit.
    """
    for message in handshake_messages(r.fragment for r in layer.records if r.content_type == HANDSHAKE):
        if message.msg_type != SERVER_HELLO:
            return None
        hello = parse_server_hello(message.body)
        if hello.random != RETRY_RANDOM:
            return hello
    return None
