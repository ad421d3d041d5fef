"""What the two hellos of a TLS handshake say in the clear: names, versions, suites, groups, tickets, randoms.

Pure. Knows ClientHello, ServerHello and HelloRetryRequest (RFC 8446, sections 4.1 and 4.2; RFC 5246, section 7.4.1) and
the extensions an onlooker learns from; of every other extension its type and length. An extension twice, a length that
does not fit and bytes left over are malformed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from capture.errors import MalformedError
from capture.fields import Cursor, Field
from capture.registry import CIPHER_SUITES, name
from capture.tls import CLIENT_HELLO, SERVER_HELLO, RecordLayer, first_messages

# The random of a ServerHello that is a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 8446, section 4.1.3).
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")

# Extension types: RFC 6066, section 3; RFC 8422, section 5.1; RFC 7301; RFC 7627; RFC 5077; RFC 8446, section 4.2.
_SERVER_NAME, _SUPPORTED_GROUPS, _EC_POINT_FORMATS, _SIGNATURE_ALGORITHMS, _ALPN = 0, 10, 11, 13, 16
_EXTENDED_MASTER_SECRET, _SESSION_TICKET, _PRE_SHARED_KEY, _EARLY_DATA = 23, 35, 41, 42
_SUPPORTED_VERSIONS, _COOKIE, _PSK_KEY_EXCHANGE_MODES, _KEY_SHARE = 43, 44, 45, 51
_MAX_SESSION_ID = 32  # RFC 8446, section 4.1.2
_VERSION = "tls.handshake.extensions.supported_version"

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


def parse_client_hello(body: bytes, at: int = 0) -> ClientHello:
    """Return what a ClientHello says.

    Args:
        body: the message without its header.
        at: offset of the body; offsets of fields and errors count from there.

    Raises:
        MalformedError: it breaks a rule.
    """
    cursor = Cursor(body, at)
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
        server_name=_read(found, _SERVER_NAME, _server_name),
        alpn=_read(found, _ALPN, _alpn) or (),
        supported_groups=_read(found, _SUPPORTED_GROUPS, _supported_groups) or (),
        key_share_groups=_read(found, _KEY_SHARE, _key_shares) or (),
        supported_versions=_read(found, _SUPPORTED_VERSIONS, _supported_versions) or (),
        signature_algorithms=_read(found, _SIGNATURE_ALGORITHMS, _signature_algorithms) or (),
        ec_point_formats=_read(found, _EC_POINT_FORMATS, _ec_point_formats) or (),
        psk_key_exchange_modes=_read(found, _PSK_KEY_EXCHANGE_MODES, _psk_key_exchange_modes) or (),
        psk_identities=_read(found, _PRE_SHARED_KEY, _psk_identities) or (),
        session_ticket=_read(found, _SESSION_TICKET, _extension_data),
        extended_master_secret=_read(found, _EXTENDED_MASTER_SECRET, _nothing) is not None,
        early_data=_read(found, _EARLY_DATA, _nothing) is not None,
        cookie=_read(found, _COOKIE, _cookie),
        fields=_in_order(cursor.fields),
    )


def parse_server_hello(body: bytes, at: int = 0) -> ServerHello:
    """Return what a ServerHello, or the HelloRetryRequest that looks like one, says.

    Args:
        body: the message without its header.
        at: offset of the body; offsets of fields and errors count from there.

    Raises:
        MalformedError: it breaks a rule.
    """
    cursor = Cursor(body, at)
    legacy_version = cursor.number(2, "tls.handshake.version")
    random = cursor.opaque(32, "tls.handshake.random")
    session_id = _session_id(cursor)
    cipher_suite = cursor.number(2, "tls.handshake.ciphersuite")
    compression_method = cursor.number(1, "tls.handshake.comp_method")
    found = _extensions(cursor)
    version = _read(found, _SUPPORTED_VERSIONS, lambda extension: extension.number(2, _VERSION))
    chosen = _read(found, _ALPN, _alpn)
    return ServerHello(
        legacy_version=legacy_version,
        random=random,
        session_id=session_id,
        cipher_suite=cipher_suite,
        compression_method=compression_method,
        extension_types=tuple(found),
        version=legacy_version if version is None else version,
        alpn=chosen[0] if chosen else None,
        key_share_group=_read(found, _KEY_SHARE, _retry_group if random == RETRY_RANDOM else _key_share),
        selected_identity=_read(found, _PRE_SHARED_KEY, _selected_identity),
        ec_point_formats=_read(found, _EC_POINT_FORMATS, _ec_point_formats) or (),
        session_ticket=_read(found, _SESSION_TICKET, _nothing) is not None,
        extended_master_secret=_read(found, _EXTENDED_MASTER_SECRET, _nothing) is not None,
        cookie=_read(found, _COOKIE, _cookie),
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
    found: dict[int, Cursor] = {}
    if not cursor.left:
        return found  # TLS 1.2 allows a hello without extensions
    block = cursor.vector(2, "tls.handshake.extensions_length")
    cursor.done()
    while block.left:
        at = block.base + block.at
        kind = block.number(2, "tls.handshake.extension.type")
        if kind in found:
            msg = f"extension {kind} comes twice"  # RFC 8446, section 4.2
            raise MalformedError(msg, at)
        found[kind] = block.vector(2, "tls.handshake.extension.len")
    return found


def _read(extensions: dict[int, Cursor], kind: int, parse: Callable[[Cursor], T]) -> T | None:
    """Return what `parse` makes of an extension, all of it; None where the extension is not there."""
    if kind not in extensions:
        return None
    value = parse(extensions[kind])
    extensions[kind].done()
    return value


def _in_order(fields: list[Field]) -> tuple[Field, ...]:
    return tuple(sorted(fields, key=lambda field: field.start))


def _nothing(_: Cursor) -> Literal[True]:
    return True  # that the extension is there is all it says


def _extension_data(extension: Cursor) -> bytes:
    return extension.opaque(extension.left, "tls.handshake.extension.data")


def _server_name(extension: Cursor) -> str | None:
    found = None
    if not extension.left:
        return found  # for servers only (RFC 6066, section 3), and tshark lets clients do it too
    names = extension.vector(2, "tls.handshake.extensions_server_name_list_len")
    while names.left:
        name_type = names.number(1, "tls.handshake.extensions_server_name_type")
        name = names.vector(2, "tls.handshake.extensions_server_name_len")
        if name_type == 0:  # host_name, RFC 6066, section 3
            found = name.text(name.left, "tls.handshake.extensions_server_name")
    return found


def _alpn(extension: Cursor) -> tuple[str, ...]:  # RFC 7301, section 3.1
    found = []
    protocols = extension.vector(2, "tls.handshake.extensions_alpn_len")
    while protocols.left:
        protocol = protocols.vector(1, "tls.handshake.extensions_alpn_str_len")
        found.append(protocol.text(protocol.left, "tls.handshake.extensions_alpn_str"))
    return tuple(found)


def _supported_groups(extension: Cursor) -> tuple[int, ...]:
    groups = extension.vector(2, "tls.handshake.extensions_supported_groups_length")
    return groups.numbers(2, "tls.handshake.extensions_supported_group")


def _key_share(extension: Cursor) -> int:
    group = extension.number(2, "tls.handshake.extensions_key_share_group")
    key = extension.vector(2, "tls.handshake.extensions_key_share_key_exchange_length")
    key.opaque(key.left, "tls.handshake.extensions_key_share_key_exchange")
    return group


def _key_shares(extension: Cursor) -> tuple[int, ...]:
    found = []
    shares = extension.vector(2, "tls.handshake.extensions_key_share_client_length")
    while shares.left:
        found.append(_key_share(shares))
    return tuple(found)


def _retry_group(extension: Cursor) -> int:
    return extension.number(2, "tls.handshake.extensions_key_share_selected_group")


def _supported_versions(extension: Cursor) -> tuple[int, ...]:
    return extension.vector(1, "tls.handshake.extensions.supported_versions_len").numbers(2, _VERSION)


def _signature_algorithms(extension: Cursor) -> tuple[int, ...]:
    return extension.vector(2, "tls.handshake.sig_hash_alg_len").numbers(2, "tls.handshake.sig_hash_alg")


def _ec_point_formats(extension: Cursor) -> tuple[int, ...]:
    formats = extension.vector(1, "tls.handshake.extensions_ec_point_formats_length")
    return formats.numbers(1, "tls.handshake.extensions_ec_point_format")


def _psk_key_exchange_modes(extension: Cursor) -> tuple[int, ...]:
    return extension.vector(1, "tls.extension.psk_ke_modes_length").numbers(1, "tls.extension.psk_ke_mode")


def _psk_identities(extension: Cursor) -> tuple[bytes, ...]:
    found = []
    identities = extension.vector(2, "tls.handshake.extensions.psk.identities.length")
    while identities.left:
        identity = identities.vector(2, "tls.handshake.extensions.psk.identity.identity_length")
        found.append(identity.opaque(identity.left, "tls.handshake.extensions.psk.identity.identity"))
        identities.number(4, "tls.handshake.extensions.psk.identity.obfuscated_ticket_age")
    binders = extension.vector(2, "tls.handshake.extensions.psk.binders_len")
    binders.opaque(binders.left, "tls.handshake.extensions.psk.binders")
    return tuple(found)


def _selected_identity(extension: Cursor) -> int:
    return extension.number(2, "tls.handshake.extensions.psk.identity.selected")


def _cookie(extension: Cursor) -> bytes:
    cookie = extension.vector(2, "tls.handshake.extensions.cookie_len")
    return cookie.opaque(cookie.left, "tls.handshake.extensions.cookie")


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
