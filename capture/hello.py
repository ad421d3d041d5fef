"""What the two hellos of a TLS handshake say in the clear: names, versions, suites, groups, tickets, randoms.

Pure. Knows ClientHello, ServerHello and HelloRetryRequest (RFC 8446, sections 4.1 and 4.2; RFC 5246, section 7.4.1) and
the extensions an onlooker learns from; of every other extension its type and length. An extension twice, a length that
does not fit and bytes left over are malformed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from capture import extensions
from capture.errors import MalformedError
from capture.fields import Cursor, Field
from capture.registry import CIPHER_SUITES, name
from capture.tls import CLIENT_HELLO, SERVER_HELLO, RecordLayer, first_messages

# The random of a ServerHello that is a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 8446, section 4.1.3).
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")

_MAX_SESSION_ID = 32  # RFC 8446, section 4.1.2

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What the client says first; numbers are IANA's, capture.registry has their names.

    Attributes:
        legacy_version: at most TLS 1.2 (`tls.handshake.version`); `supported_versions` say more.
        random: 32 bytes; they name the connection in a key log.
        session_id: of a session to resume, or in TLS 1.3 anything; may be empty (`tls.handshake.session_id`).
        cipher_suites: the suites it offers, best first (`tls.handshake.ciphersuite`).
        compression_methods: `tls.handshake.comp_method`.
        extension_types: in the order sent, GREASE included (`tls.handshake.extension.type`).
        server_name: the host the client asks for (`tls.handshake.extensions_server_name`), None where it does not say.
        alpn: the application protocols it offers, best first (`tls.handshake.extensions_alpn_str`).
        supported_groups: best first (`tls.handshake.extensions_supported_group`).
        key_share_groups: those it sends a key for already (`tls.handshake.extensions_key_share_group`).
        supported_versions: best first (`tls.handshake.extensions.supported_version`).
        signature_algorithms: best first (`tls.handshake.sig_hash_alg`).
        ec_point_formats: `tls.handshake.extensions_ec_point_format`.
        psk_key_exchange_modes: `tls.extension.psk_ke_mode`.
        psk_identities: of the pre-shared keys it offers: tickets, as a rule
            (`tls.handshake.extensions.psk.identity.identity`).
        session_ticket: the ticket of TLS 1.2 that it brings, empty where it asks for one
            (`tls.handshake.extension.data`), None where it wants none.
        extended_master_secret: whether the extension is there (RFC 7627).
        early_data: likewise (RFC 8446, section 4.2.10).
        cookie: what a HelloRetryRequest gave it (`tls.handshake.extensions.cookie`), None without.
        fields: everything above and the lengths between, in order, each with where it stands.
    """

    legacy_version: int
    random: bytes
    session_id: bytes
    cipher_suites: tuple[int, ...]
    compression_methods: tuple[int, ...]
    extension_types: tuple[int, ...]
    server_name: str | None
    alpn: tuple[str, ...]
    supported_groups: tuple[int, ...]
    key_share_groups: tuple[int, ...]
    supported_versions: tuple[int, ...]
    signature_algorithms: tuple[int, ...]
    ec_point_formats: tuple[int, ...]
    psk_key_exchange_modes: tuple[int, ...]
    psk_identities: tuple[bytes, ...]
    session_ticket: bytes | None
    extended_master_secret: bool
    early_data: bool
    cookie: bytes | None
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What the server chooses, or asks for where it is a HelloRetryRequest; fields as in ClientHello.

    Attributes:
        legacy_version: `tls.handshake.version`.
        random: 32 bytes.
        session_id: the session's name in TLS 1.2, in TLS 1.3 the client's own again.
        cipher_suite: the suite chosen, by number.
        compression_method: the method chosen.
        extension_types: in the order sent.
        version: the version chosen, 0x0303 for TLS 1.2 and 0x0304 for TLS 1.3, wherever the message says it.
        alpn: the application protocol chosen, None where it is not said here (TLS 1.3 says it encrypted).
        key_share_group: the group chosen, or asked for in a HelloRetryRequest
            (`tls.handshake.extensions_key_share_selected_group`); None in TLS 1.2, where ServerKeyExchange has it.
        selected_identity: which of the client's pre-shared keys is taken, from 0
            (`tls.handshake.extensions.psk.identity.selected`); None: none of them.
        ec_point_formats: `tls.handshake.extensions_ec_point_format`.
        session_ticket: whether a ticket will follow (RFC 5077).
        extended_master_secret: whether the extension is there (RFC 7627).
        cookie: of a HelloRetryRequest, to be brought back.
        fields: everything above and the lengths between, in order, each with where it stands.
    """

    legacy_version: int
    random: bytes
    session_id: bytes
    cipher_suite: int
    compression_method: int
    extension_types: tuple[int, ...]
    version: int
    alpn: str | None
    key_share_group: int | None
    selected_identity: int | None
    ec_point_formats: tuple[int, ...]
    session_ticket: bool
    extended_master_secret: bool
    cookie: bytes | None
    fields: tuple[Field, ...]

    @property
    def suite_name(self) -> str:
        """The suite's name, or its number where the lab does not know it."""
        return name(CIPHER_SUITES, self.cipher_suite)

    @property
    def is_retry(self) -> bool:
        """Whether it is a HelloRetryRequest: the client is to say hello once more (RFC 8446, section 4.1.4)."""
        return self.random == RETRY_RANDOM


def parse_client_hello(body: bytes, at: int = 0, fields: list[Field] | None = None) -> ClientHello:
    """Return what a ClientHello says.

    Args:
        body: the message without its header.
        at: offset of the body; offsets of fields and errors count from there.
        fields: where fields go as they are read, in no order; those before an error too.

    Raises:
        MalformedError: it breaks a rule.
    """
    cursor = Cursor(body, at, fields)
    legacy_version = cursor.number(2, "tls.handshake.version")
    random = cursor.opaque(32, "tls.handshake.random")
    session_id = _session_id(cursor)
    cipher_suites = _offered(cursor.vector(2, "tls.handshake.cipher_suites_length"), 2, "tls.handshake.ciphersuite")
    methods = _offered(cursor.vector(1, "tls.handshake.comp_methods_length"), 1, "tls.handshake.comp_method")
    found = _extensions(cursor)
    return ClientHello(
        legacy_version=legacy_version,
        random=random,
        session_id=session_id,
        cipher_suites=cipher_suites,
        compression_methods=methods,
        extension_types=tuple(found),
        server_name=_read(found, extensions.SERVER_NAME, extensions.server_name),
        alpn=_read(found, extensions.ALPN, extensions.alpn) or (),
        supported_groups=_read(found, extensions.SUPPORTED_GROUPS, extensions.supported_groups) or (),
        key_share_groups=_read(found, extensions.KEY_SHARE, extensions.key_shares) or (),
        supported_versions=_read(found, extensions.SUPPORTED_VERSIONS, extensions.supported_versions) or (),
        signature_algorithms=_read(found, extensions.SIGNATURE_ALGORITHMS, extensions.signature_algorithms) or (),
        ec_point_formats=_read(found, extensions.EC_POINT_FORMATS, extensions.ec_point_formats) or (),
        psk_key_exchange_modes=_read(found, extensions.PSK_KEY_EXCHANGE_MODES, extensions.psk_key_exchange_modes) or (),
        psk_identities=_read(found, extensions.PRE_SHARED_KEY, extensions.psk_identities) or (),
        session_ticket=_read(found, extensions.SESSION_TICKET, extensions.extension_data),
        extended_master_secret=_read(found, extensions.EXTENDED_MASTER_SECRET, extensions.nothing) is not None,
        early_data=_read(found, extensions.EARLY_DATA, extensions.nothing) is not None,
        cookie=_read(found, extensions.COOKIE, extensions.cookie),
        fields=_in_order(cursor.fields),
    )


def parse_server_hello(body: bytes, at: int = 0, fields: list[Field] | None = None) -> ServerHello:
    """Return what a ServerHello, or the HelloRetryRequest that looks like one, says.

    Args:
        body: the message without its header.
        at: offset of the body; offsets of fields and errors count from there.
        fields: where fields go as they are read, in no order; those before an error too.

    Raises:
        MalformedError: it breaks a rule.
    """
    cursor = Cursor(body, at, fields)
    legacy_version = cursor.number(2, "tls.handshake.version")
    random = cursor.opaque(32, "tls.handshake.random")
    session_id = _session_id(cursor)
    cipher_suite = cursor.number(2, "tls.handshake.ciphersuite")
    compression_method = cursor.number(1, "tls.handshake.comp_method")
    found = _extensions(cursor)
    version = _read(found, extensions.SUPPORTED_VERSIONS, extensions.selected_version)
    chosen = _read(found, extensions.ALPN, extensions.alpn)
    return ServerHello(
        legacy_version=legacy_version,
        random=random,
        session_id=session_id,
        cipher_suite=cipher_suite,
        compression_method=compression_method,
        extension_types=tuple(found),
        version=legacy_version if version is None else version,
        alpn=chosen[0] if chosen else None,
        key_share_group=_read(
            found, extensions.KEY_SHARE, extensions.retry_group if random == RETRY_RANDOM else extensions.key_share
        ),
        selected_identity=_read(found, extensions.PRE_SHARED_KEY, extensions.selected_identity),
        ec_point_formats=_read(found, extensions.EC_POINT_FORMATS, extensions.ec_point_formats) or (),
        session_ticket=_read(found, extensions.SESSION_TICKET, extensions.nothing) is not None,
        extended_master_secret=_read(found, extensions.EXTENDED_MASTER_SECRET, extensions.nothing) is not None,
        cookie=_read(found, extensions.COOKIE, extensions.cookie),
        fields=_in_order(cursor.fields),
    )


def _session_id(cursor: Cursor) -> bytes:
    session_id = cursor.vector(1, "tls.handshake.session_id_length")
    if session_id.left > _MAX_SESSION_ID:
        msg = f"a session id of {session_id.left} bytes is longer than TLS allows"
        raise MalformedError(msg, session_id.base)
    return session_id.opaque(session_id.left, "tls.handshake.session_id")


def _offered(choices: Cursor, length: int, name: str) -> tuple[int, ...]:
    if not choices.left:
        msg = "a hello offers at least one suite and one compression method"  # RFC 8446, section 4.1.2
        raise MalformedError(msg, choices.base)
    return choices.numbers(length, name)


def _extensions(cursor: Cursor) -> dict[int, Cursor]:
    """Return the extensions by type, in their order; nothing may follow them."""
    if not cursor.left:
        return {}  # TLS 1.2 allows a hello without extensions
    block = cursor.vector(2, "tls.handshake.extensions_length")
    cursor.done()
    return extensions.split_extensions(block)


def _read(found: dict[int, Cursor], kind: int, parse: Callable[[Cursor], T]) -> T | None:
    """Return what `parse` makes of an extension, all of it; None where the extension is not there."""
    if kind not in found:
        return None
    value = parse(found[kind])
    found[kind].done()
    return value


def _in_order(fields: list[Field]) -> tuple[Field, ...]:
    return tuple(sorted(fields, key=lambda field: field.start))


def client_hello(layer: RecordLayer) -> ClientHello | None:
    """Return the ClientHello that a client's stream begins with, None where it has none.

    Raises:
        MalformedError: it breaks a rule.
    """
    for message in first_messages(layer.records):
        return parse_client_hello(message.body) if message.msg_type == CLIENT_HELLO else None
    return None


def server_hello(layer: RecordLayer) -> ServerHello | None:
    """Return the ServerHello of a server's stream, the last word where a HelloRetryRequest came before; None: none.

    Raises:
        MalformedError: it breaks a rule.
    """
    for message in first_messages(layer.records):
        if message.msg_type != SERVER_HELLO:
            return None
        hello = parse_server_hello(message.body)
        if not hello.is_retry:
            return hello
    return None
