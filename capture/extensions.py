"""What stands in the extensions of TLS handshake messages.

Pure. Knows the body of each extension that an onlooker learns from, and of those that are common besides (RFC 8446,
section 4.2, and those named below); of every other one its bytes. Knows no message: the same extension may stand in
several. Each reader takes its fields off a cursor over the body, under Wireshark's names; a length that does not fit is
malformed, and so is what a reader leaves over: that is for its caller to check.
"""

from typing import Literal

from capture.errors import MalformedError
from capture.fields import Cursor

# Extension types: RFC 6066, section 3; RFC 8422, section 5.1; RFC 7301; RFC 7627; RFC 5077; RFC 8446, section 4.2.
SERVER_NAME, STATUS_REQUEST, SUPPORTED_GROUPS, EC_POINT_FORMATS, SIGNATURE_ALGORITHMS, ALPN = 0, 5, 10, 11, 13, 16
EXTENDED_MASTER_SECRET, SESSION_TICKET, PRE_SHARED_KEY, EARLY_DATA = 23, 35, 41, 42
SUPPORTED_VERSIONS, COOKIE, PSK_KEY_EXCHANGE_MODES, KEY_SHARE = 43, 44, 45, 51

_VERSION = "tls.handshake.extensions.supported_version"


def split_extensions(block: Cursor) -> dict[int, Cursor]:
    """Return a cursor over the body of each extension in a block of them, by its type, in their order.

    Raises:
        MalformedError: a length does not fit, or an extension comes twice.
    """
    found: dict[int, Cursor] = {}
    while block.left:
        at = block.base + block.at
        kind = block.number(2, "tls.handshake.extension.type")
        if kind in found:
            msg = f"extension {kind} comes twice"  # RFC 8446, section 4.2
            raise MalformedError(msg, at)
        found[kind] = block.vector(2, "tls.handshake.extension.len")
    return found


def nothing(_: Cursor) -> Literal[True]:
    """Return that the extension is there, which is all it says."""
    return True


def extension_data(extension: Cursor) -> bytes:
    """Take all of an extension as it is."""
    return extension.opaque(extension.left, "tls.handshake.extension.data")


def server_name(extension: Cursor) -> str | None:
    """Return the host that is asked for (RFC 6066, section 3), None where none is."""
    found = None
    if not extension.left:
        return found  # for servers only (RFC 6066, section 3), and tshark lets clients do it too
    names = extension.vector(2, "tls.handshake.extensions_server_name_list_len")
    while names.left:
        name_type = names.number(1, "tls.handshake.extensions_server_name_type")
        name = names.vector(2, "tls.handshake.extensions_server_name_len")
        if name_type == 0:  # host_name
            found = name.text(name.left, "tls.handshake.extensions_server_name")
    return found


def alpn(extension: Cursor) -> tuple[str, ...]:
    """Return the application protocols (RFC 7301, section 3.1)."""
    found = []
    protocols = extension.vector(2, "tls.handshake.extensions_alpn_len")
    while protocols.left:
        protocol = protocols.vector(1, "tls.handshake.extensions_alpn_str_len")
        found.append(protocol.text(protocol.left, "tls.handshake.extensions_alpn_str"))
    return tuple(found)


def supported_groups(extension: Cursor) -> tuple[int, ...]:
    """Return the groups, best first (RFC 8446, section 4.2.7)."""
    groups = extension.vector(2, "tls.handshake.extensions_supported_groups_length")
    return groups.numbers(2, "tls.handshake.extensions_supported_group")


def key_share(extension: Cursor) -> int:
    """Return the group of a share of the key exchange (RFC 8446, section 4.2.8)."""
    group = extension.number(2, "tls.handshake.extensions_key_share_group")
    key = extension.vector(2, "tls.handshake.extensions_key_share_key_exchange_length")
    key.opaque(key.left, "tls.handshake.extensions_key_share_key_exchange")
    return group


def key_shares(extension: Cursor) -> tuple[int, ...]:
    """Return the groups of a client's shares."""
    found = []
    shares = extension.vector(2, "tls.handshake.extensions_key_share_client_length")
    while shares.left:
        found.append(key_share(shares))
    return tuple(found)


def retry_group(extension: Cursor) -> int:
    """Return the group that a HelloRetryRequest asks for."""
    return extension.number(2, "tls.handshake.extensions_key_share_selected_group")


def supported_versions(extension: Cursor) -> tuple[int, ...]:
    """Return the versions that a client offers, best first (RFC 8446, section 4.2.1)."""
    return extension.vector(1, "tls.handshake.extensions.supported_versions_len").numbers(2, _VERSION)


def selected_version(extension: Cursor) -> int:
    """Return the version that a server chooses."""
    return extension.number(2, _VERSION)


def signature_algorithms(extension: Cursor) -> tuple[int, ...]:
    """Return the algorithms, best first (RFC 8446, section 4.2.3)."""
    return extension.vector(2, "tls.handshake.sig_hash_alg_len").numbers(2, "tls.handshake.sig_hash_alg")


def ec_point_formats(extension: Cursor) -> tuple[int, ...]:
    """Return the formats (RFC 8422, section 5.1.2)."""
    formats = extension.vector(1, "tls.handshake.extensions_ec_point_formats_length")
    return formats.numbers(1, "tls.handshake.extensions_ec_point_format")


def psk_key_exchange_modes(extension: Cursor) -> tuple[int, ...]:
    """Return the modes (RFC 8446, section 4.2.9)."""
    return extension.vector(1, "tls.extension.psk_ke_modes_length").numbers(1, "tls.extension.psk_ke_mode")


def psk_identities(extension: Cursor) -> tuple[bytes, ...]:
    """Return the identities of the keys that a client offers (RFC 8446, section 4.2.11)."""
    found = []
    identities = extension.vector(2, "tls.handshake.extensions.psk.identities.length")
    while identities.left:
        identity = identities.vector(2, "tls.handshake.extensions.psk.identity.identity_length")
        found.append(identity.opaque(identity.left, "tls.handshake.extensions.psk.identity.identity"))
        identities.number(4, "tls.handshake.extensions.psk.identity.obfuscated_ticket_age")
    binders = extension.vector(2, "tls.handshake.extensions.psk.binders_len")
    binders.opaque(binders.left, "tls.handshake.extensions.psk.binders")
    return tuple(found)


def selected_identity(extension: Cursor) -> int:
    """Return which of them the server takes, from 0."""
    return extension.number(2, "tls.handshake.extensions.psk.identity.selected")


def cookie(extension: Cursor) -> bytes:
    """Return what a HelloRetryRequest gives, and a client brings back (RFC 8446, section 4.2.2)."""
    value = extension.vector(2, "tls.handshake.extensions.cookie_len")
    return value.opaque(value.left, "tls.handshake.extensions.cookie")


def max_early_data(extension: Cursor) -> int:
    """Return how many bytes of early data a ticket allows (RFC 8446, section 4.2.10)."""
    return extension.number(4, "tls.early_data.max_early_data_size")


def renegotiation_info(extension: Cursor) -> bytes:
    """Return what ties a handshake to the one before it (RFC 5746, section 3.2)."""
    value = extension.vector(1, "tls.handshake.extensions_reneg_info_len")
    return value.opaque(value.left, "tls.handshake.extensions_reneg_info")


def status_request(extension: Cursor) -> None:
    """Take a request for the state of the server's certificate (RFC 6066, section 8)."""
    if extension.left:  # a server's answer is empty
        extension.number(1, "tls.handshake.extensions_status_request_type")
        _status_request(extension)


def status_request_v2(extension: Cursor) -> None:
    """Take such requests, one after the other (RFC 6961, section 2.2)."""
    if extension.left:
        requests = extension.vector(2, "tls.handshake.extensions_status_request_list_len")
        while requests.left:
            requests.number(1, "tls.handshake.extensions_status_request_type")
            _status_request(requests.vector(2, "tls.handshake.extensions_status_request_len"))


def _status_request(request: Cursor) -> None:
    ids = request.vector(2, "tls.handshake.extensions_status_request_responder_ids_len")
    ids.opaque(ids.left)
    more = request.vector(2, "tls.handshake.extensions_status_request_exts_len")
    more.opaque(more.left)


def max_fragment_length(extension: Cursor) -> int:
    """Return the code of a length (RFC 6066, section 4)."""
    return extension.number(1, "tls.handshake.max_fragment_length")


def record_size_limit(extension: Cursor) -> int:
    """Return how many bytes a record may hold (RFC 8449, section 4)."""
    return extension.number(2, "tls.record_size_limit")


def heartbeat(extension: Cursor) -> int:
    """Return whether requests may be sent (RFC 6520, section 2)."""
    return extension.number(1, "tls.handshake.extension.heartbeat.mode")


def padding(extension: Cursor) -> bytes:
    """Take zeros that make a hello longer (RFC 7685, section 3)."""
    return extension.opaque(extension.left, "tls.handshake.extensions_padding_data")


def compress_certificate(extension: Cursor) -> tuple[int, ...]:
    """Return the algorithms, best first (RFC 8879, section 3)."""
    return extension.vector(1, "tls.compress_certificate.algorithms_length").numbers(
        2, "tls.compress_certificate.algorithm"
    )


def certificate_authorities(extension: Cursor) -> tuple[bytes, ...]:
    """Return the names of CAs, each as DER (RFC 8446, section 4.2.4)."""
    found = []
    names = extension.vector(2, "tls.handshake.dnames_len")
    while names.left:
        name = names.vector(2, "tls.handshake.dname_len")
        found.append(name.opaque(name.left, "tls.handshake.dname"))
    return tuple(found)
