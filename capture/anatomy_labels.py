"""What a field of TLS is called in a tree: Wireshark's words, its value behind them.

Pure, and mostly a table. Knows names of fields and how each value is written; the names of numbers are those of
`capture.registry`. A text or bytes that were captured are shown as they are but for what is not printable.
"""

import datetime

from capture import registry
from capture.anatomy_tree import digits, plural, printable
from capture.fields import Field
from capture.hello import RETRY_RANDOM
from capture.tls import CONTENT_TYPES, VERSIONS

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CONTENT = {kind: name.replace("_", " ").title() for kind, name in CONTENT_TYPES.items()}
_HASHES = {0: "None", 1: "MD5", 2: "SHA1", 3: "SHA224", 4: "SHA256", 5: "SHA384", 6: "SHA512", 7: "SM3"}
_SIGNATURES = {0: "Anonymous", 1: "RSA", 2: "DSA", 3: "ECDSA", 4: "SM2"}
_STATUS_TYPES = {1: "OCSP", 2: "OCSP Multi"}
_UPDATES = {0: "update_not_requested", 1: "update_requested"}
_CERTIFICATE_TYPES = {1: "RSA Sign", 2: "DSS Sign", 64: "ECDSA Sign"}
_HEARTBEATS = {1: "Request", 2: "Response"}

# Names of numbers that `capture.registry` has no table for, or another spelling.
_NUMBERS = {
    "tls.record.content_type": _CONTENT,
    "tls.record.opaque_type": _CONTENT,
    "tls.record.version": VERSIONS,
    "tls.handshake.sig_hash_hash": _HASHES,
    "tls.handshake.sig_hash_sig": _SIGNATURES,
    "tls.handshake.extensions_status_request_type": _STATUS_TYPES,
    "tls.handshake.key_update.request_update": _UPDATES,
    "tls.handshake.cert_type": _CERTIFICATE_TYPES,
    "tls.heartbeat_message.type": _HEARTBEATS,
}
_HEX = frozenset(  # numbers that are shown as such
    {
        "tls.record.version",
        "tls.handshake.version",
        "tls.handshake.ciphersuite",
        "tls.handshake.extensions.supported_version",
        "tls.handshake.extensions_supported_group",
        "tls.handshake.server_named_curve",
        "tls.handshake.server_curve_type",
        "tls.handshake.sig_hash_alg",
    }
)
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))

_TITLES = {
    "tls.record.content_type": "Content Type",
    "tls.record.opaque_type": "Opaque Type",
    "tls.record.version": "Version",
    "tls.record.length": "Length",
    "tls.app_data": "Encrypted Application Data",
    "tls.alert_message.level": "Level",
    "tls.alert_message.desc": "Description",
    "tls.heartbeat_message.type": "Type",
    "tls.heartbeat_message.payload_length": "Payload Length",
    "tls.heartbeat_message.payload": "Payload",
    "tls.heartbeat_message.padding": "Padding and HMAC",
    "tls.handshake.type": "Handshake Type",
    "tls.handshake.length": "Length",
    "tls.handshake.version": "Version",
    "tls.handshake.random": "Random",
    "tls.handshake.random_bytes": "Random Bytes",
    "tls.handshake.random_time": "GMT Unix Time",
    "tls.handshake.session_id_length": "Session ID Length",
    "tls.handshake.session_id": "Session ID",
    "tls.handshake.cipher_suites_length": "Cipher Suites Length",
    "tls.handshake.ciphersuite": "Cipher Suite",
    "tls.handshake.comp_methods_length": "Compression Methods Length",
    "tls.handshake.comp_method": "Compression Method",
    "tls.handshake.extensions_length": "Extensions Length",
    "tls.handshake.extension.type": "Type",
    "tls.handshake.extension.len": "Length",
    "tls.handshake.extensions_server_name_list_len": "Server Name list length",
    "tls.handshake.extensions_server_name_type": "Server Name Type",
    "tls.handshake.extensions_server_name_len": "Server Name length",
    "tls.handshake.extensions_server_name": "Server Name",
    "tls.handshake.extensions_supported_groups_length": "Supported Groups List Length",
    "tls.handshake.extensions_supported_group": "Supported Group",
    "tls.handshake.extensions_ec_point_formats_length": "EC point formats Length",
    "tls.handshake.extensions_ec_point_format": "EC point format",
    "tls.handshake.sig_hash_alg_len": "Signature Hash Algorithms Length",
    "tls.handshake.sig_hash_alg": "Signature Algorithm",
    "tls.handshake.sig_hash_hash": "Signature Hash Algorithm Hash",
    "tls.handshake.sig_hash_sig": "Signature Hash Algorithm Signature",
    "tls.handshake.extensions_alpn_len": "ALPN Extension Length",
    "tls.handshake.extensions_alpn_str_len": "ALPN string length",
    "tls.handshake.extensions_alpn_str": "ALPN Next Protocol",
    "tls.handshake.extensions.supported_versions_len": "Supported Versions length",
    "tls.handshake.extensions.supported_version": "Supported Version",
    "tls.extension.psk_ke_modes_length": "PSK Key Exchange Modes Length",
    "tls.extension.psk_ke_mode": "PSK Key Exchange Mode",
    "tls.handshake.extensions_key_share_client_length": "Client Key Share Length",
    "tls.handshake.extensions_key_share_group": "Group",
    "tls.handshake.extensions_key_share_key_exchange_length": "Key Exchange Length",
    "tls.handshake.extensions_key_share_key_exchange": "Key Exchange",
    "tls.handshake.extensions_key_share_selected_group": "Selected Group",
    "tls.handshake.extensions.cookie_len": "Cookie length",
    "tls.handshake.extensions.cookie": "Cookie",
    "tls.handshake.extensions.psk.identities.length": "Identities Length",
    "tls.handshake.extensions.psk.identity.identity_length": "Identity Length",
    "tls.handshake.extensions.psk.identity.identity": "Identity",
    "tls.handshake.extensions.psk.identity.obfuscated_ticket_age": "Obfuscated Ticket Age",
    "tls.handshake.extensions.psk.identity.selected": "Selected Identity",
    "tls.handshake.extensions.psk.binders_len": "PSK Binders length",
    "tls.early_data.max_early_data_size": "Maximum Early Data Size",
    "tls.handshake.extensions_reneg_info_len": "Renegotiation info extension length",
    "tls.handshake.extensions_reneg_info": "Renegotiation info",
    "tls.handshake.extensions_status_request_type": "Certificate Status Type",
    "tls.handshake.extensions_status_request_responder_ids_len": "Responder ID list Length",
    "tls.handshake.extensions_status_request_exts_len": "Request Extensions Length",
    "tls.handshake.extensions_status_request_list_len": "Certificate Status List Length",
    "tls.handshake.extensions_status_request_len": "Certificate Status Length",
    "tls.handshake.max_fragment_length": "Maximum Fragment Length",
    "tls.record_size_limit": "Record Size Limit",
    "tls.handshake.extension.heartbeat.mode": "Mode",
    "tls.handshake.extensions_padding_data": "Padding Data",
    "tls.compress_certificate.algorithms_length": "Algorithms Length",
    "tls.compress_certificate.algorithm": "Algorithm",
    "tls.compress_certificate.uncompressed_length": "Uncompressed Length",
    "tls.compress_certificate.compressed_certificate_message.length": "Length",
    "tls.compress_certificate.compressed_certificate_message": "Compressed Certificate Message",
    "tls.handshake.certificate_request_context_length": "Certificate Request Context Length",
    "tls.handshake.certificate_request_context": "Certificate Request Context",
    "tls.handshake.certificates_length": "Certificates Length",
    "tls.handshake.certificate_length": "Certificate Length",
    "tls.handshake.certificate": "Certificate",
    "tls.handshake.cert_types_count": "Certificate types count",
    "tls.handshake.cert_type": "Certificate type",
    "tls.handshake.dnames_len": "Distinguished Names Length",
    "tls.handshake.dname_len": "Distinguished Name Length",
    "tls.handshake.dname": "Distinguished Name",
    "tls.handshake.ocsp_response_len": "OCSP Response Length",
    "tls.handshake.client_cert_vrfy.sig_len": "Signature length",
    "tls.handshake.client_cert_vrfy.sig": "Signature",
    "tls.handshake.server_curve_type": "Curve Type",
    "tls.handshake.server_named_curve": "Named Curve",
    "tls.handshake.server_point_len": "Pubkey Length",
    "tls.handshake.server_point": "Pubkey",
    "tls.handshake.client_point_len": "Pubkey Length",
    "tls.handshake.client_point": "Pubkey",
    "tls.handshake.sig_len": "Signature Length",
    "tls.handshake.sig": "Signature",
    "tls.handshake.p_len": "p Length",
    "tls.handshake.p": "p",
    "tls.handshake.g_len": "g Length",
    "tls.handshake.g": "g",
    "tls.handshake.ys_len": "Pubkey Length",
    "tls.handshake.ys": "Pubkey",
    "tls.handshake.yc_len": "Pubkey Length",
    "tls.handshake.yc": "Pubkey",
    "tls.handshake.hint_len": "Hint Length",
    "tls.handshake.hint": "Hint",
    "tls.handshake.identity_len": "Identity Length",
    "tls.handshake.identity": "Identity",
    "tls.handshake.epms_len": "Encrypted PreMaster length",
    "tls.handshake.epms": "Encrypted PreMaster",
    "tls.handshake.session_ticket_lifetime_hint": "Session Ticket Lifetime Hint",
    "tls.handshake.session_ticket_age_add": "Session Ticket Age Add",
    "tls.handshake.session_ticket_nonce_length": "Session Ticket Nonce Length",
    "tls.handshake.session_ticket_nonce": "Session Ticket Nonce",
    "tls.handshake.session_ticket_length": "Session Ticket Length",
    "tls.handshake.session_ticket": "Session Ticket",
    "tls.handshake.key_update.request_update": "Key Update Request",
}


def label(field: Field) -> str:
    """Return what a field is called, with its value."""
    if field.name == "tls.handshake.extension.data":
        return f"Data ({plural(field.end - field.start, 'byte')})"
    if field.name == "tls.handshake.verify_data":
        return "Verify Data"
    if field.name == "tls.handshake.extensions.psk.binders":
        return "PSK Binders"
    return f"{_TITLES.get(field.name, field.name)}: {_value(field)}"


def _duration(seconds: int) -> str:
    said, left = [], seconds
    for size, unit in _UNITS:
        if left >= size:
            said.append(plural(left // size, unit))
            left %= size
    return f"{plural(seconds, 'second')} ({', '.join(said)})" if seconds >= 60 else plural(seconds, "second")


def number_name(name: str, number: int) -> str:
    """Return the name of a number in a field, one that begins with "Unknown" where it has none."""
    names = _NUMBERS.get(name) or registry.NAMES[name]
    unknown = f"Unknown type {number}" if name == "tls.handshake.extension.type" else "Unknown"
    return "Reserved (GREASE)" if number in registry.GREASE else names.get(number, unknown)


def _value(field: Field) -> str:
    value = field.value
    if value == RETRY_RANDOM:
        return f"{digits(RETRY_RANDOM)} (HelloRetryRequest magic)"
    if isinstance(value, bytes):
        return digits(value)
    if isinstance(value, str):
        return printable(value)
    if field.name == "tls.handshake.random_time":
        then = datetime.datetime.fromtimestamp(value, datetime.UTC)
        return f"{_MONTHS[then.month - 1]} {then.day:2}, {then:%Y %H:%M:%S}.000000000 UTC"
    if field.name == "tls.handshake.session_ticket_lifetime_hint":
        return _duration(value)
    if field.name not in _NUMBERS and field.name not in registry.NAMES:
        return str(value)
    name = number_name(field.name, value)
    return f"{name} (0x{value:0{2 * (field.end - field.start)}x})" if field.name in _HEX else f"{name} ({value})"
