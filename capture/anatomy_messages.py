"""Every field of every handshake message of TLS 1.0 to 1.3, under Wireshark's names, with where it stands.

Pure. What the lab reads anyway it reads here with the same parsers (`capture.hello`, `capture.handshake`); the others
are here: RFC 8446, section 4; RFC 5246, section 7.4; RFC 8422, section 5; RFC 4279; RFC 5489. What a message says
depends on version and suite, so on the ServerHello before it. A message that breaks a rule gives the fields before that
place, and the reason. Builds no tree.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from capture import extensions
from capture.errors import MalformedError
from capture.fields import Cursor, Field
from capture.handshake import parse_certificate, parse_new_session_ticket, parse_server_key_exchange
from capture.hello import RETRY_RANDOM, ServerHello, parse_client_hello, parse_server_hello
from capture.tls import (
    CERTIFICATE,
    CERTIFICATE_REQUEST,
    CERTIFICATE_STATUS,
    CERTIFICATE_VERIFY,
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    ENCRYPTED_EXTENSIONS,
    FINISHED,
    HANDSHAKE_HEADER,
    KEY_UPDATE,
    NEW_SESSION_TICKET,
    SERVER_HELLO,
    SERVER_KEY_EXCHANGE,
    TLS_1_2,
    TLS_1_3,
    HandshakeMessage,
)

_COMPRESSED_CERTIFICATE = 25  # RFC 8879, section 4

Reader = Callable[[Cursor], object]

# The readers that `capture.hello` does not use; what they cannot read stays as it is.
_COMMON: Mapping[int, Reader] = {
    1: extensions.max_fragment_length,
    5: extensions.status_request,
    15: extensions.heartbeat,
    17: extensions.status_request_v2,
    21: extensions.padding,
    27: extensions.compress_certificate,
    28: extensions.record_size_limit,
    47: extensions.certificate_authorities,
    50: extensions.signature_algorithms,  # of certificates
    0xFF01: extensions.renegotiation_info,
}
_IN: Mapping[int, Mapping[int, Reader]] = {
    NEW_SESSION_TICKET: {extensions.EARLY_DATA: extensions.max_early_data},
    CERTIFICATE_REQUEST: {extensions.SIGNATURE_ALGORITHMS: extensions.signature_algorithms},
    ENCRYPTED_EXTENSIONS: {
        extensions.SERVER_NAME: extensions.server_name,
        extensions.ALPN: extensions.alpn,
        extensions.SUPPORTED_GROUPS: extensions.supported_groups,
    },
}


@dataclass(frozen=True, slots=True)
class Fields:
    """What was read of a message.

    Attributes:
        fields: in the order of their bytes, none twice.
        title: Wireshark's name of what the whole body is, such as "TLS Session Ticket"; empty where it has none.
        problem: why the rest was not read, a sentence; empty where all was.
    """

    fields: tuple[Field, ...]
    title: str = ""
    problem: str = ""


def message_fields(msg_type: int, body: bytes, at: int, answer: ServerHello | None) -> Fields:
    """Return the fields of a handshake message.

    Args:
        msg_type: its type.
        body: what follows its header.
        at: offset of the body; offsets of fields count from there.
        answer: the ServerHello of its handshake, None where none came before.
    """
    found: list[Field] = []
    title, problem = "", ""
    try:
        title = _read(msg_type, Cursor(body, at, found), answer)
    except MalformedError as error:
        problem = str(error)
    found.sort(key=lambda field: field.start)
    return Fields(tuple(_with_bodies(msg_type, body, at, found)), title, problem)


def _read(msg_type: int, cursor: Cursor, answer: ServerHello | None) -> str:
    """Read a message to its end, into the list of the cursor; return the title of its body.

    Raises:
        MalformedError: it breaks a rule.
    """
    body, at, found = cursor.data, cursor.base, cursor.fields
    message = HandshakeMessage(msg_type, body, at - HANDSHAKE_HEADER)
    tls13 = answer is not None and answer.version == TLS_1_3
    title = ""
    if msg_type == CLIENT_HELLO:
        parse_client_hello(body, at, found)
    elif msg_type == SERVER_HELLO:
        parse_server_hello(body, at, found)
    elif msg_type == NEW_SESSION_TICKET:
        title = "TLS Session Ticket"
        _new_session_ticket(cursor) if tls13 else parse_new_session_ticket(message, found)
    elif msg_type == CERTIFICATE:
        _certificate(cursor) if tls13 else parse_certificate(message, found)
    elif msg_type == SERVER_KEY_EXCHANGE and answer is not None:
        title = _server_key_exchange(message, cursor, answer)
    elif msg_type == CLIENT_KEY_EXCHANGE and answer is not None:
        title = _client_key_exchange(cursor, answer)
    elif msg_type == ENCRYPTED_EXTENSIONS:
        _extensions(cursor)
        cursor.done()
    elif msg_type in (CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, CERTIFICATE_STATUS, _COMPRESSED_CERTIFICATE):
        _about_certificates(msg_type, cursor, answer, tls13=tls13)
    elif msg_type == FINISHED:
        cursor.opaque(cursor.left, "tls.handshake.verify_data")
    elif msg_type == KEY_UPDATE:
        cursor.number(1, "tls.handshake.key_update.request_update")
        cursor.done()
    return title


def _extensions(cursor: Cursor) -> None:
    """Take extensions by type and length; `_with_bodies` reads them."""
    extensions.split_extensions(cursor.vector(2, "tls.handshake.extensions_length"))


def _vector(cursor: Cursor, size: int, length_name: str, name: str) -> None:
    part = cursor.vector(size, length_name)
    part.opaque(part.left, name)


def _with_bodies(msg_type: int, body: bytes, at: int, found: list[Field]) -> list[Field]:
    """Return the fields with those of every extension that no field stands in yet."""
    readers = {**_COMMON, **_IN.get(msg_type, {})}
    fields: list[Field] = []
    for index, field in enumerate(found):
        fields.append(field)
        following = found[index + 1] if index + 1 < len(found) else None
        if field.name != "tls.handshake.extension.len" or not field.value:
            continue
        assert isinstance(field.value, int)
        end = field.end + field.value
        if end - at > len(body) or (following is not None and following.start < end):
            continue
        kind = found[index - 1].value
        assert isinstance(kind, int)
        cursor = Cursor(body[field.end - at : end - at], field.end)
        with contextlib.suppress(MalformedError):
            readers.get(kind, extensions.extension_data)(cursor)
        fields += cursor.fields
    return fields


def _certificate(cursor: Cursor) -> None:  # RFC 8446, section 4.4.2
    _vector(
        cursor,
        1,
        "tls.handshake.certificate_request_context_length",
        "tls.handshake.certificate_request_context",
    )
    chain = cursor.vector(3, "tls.handshake.certificates_length")
    while chain.left:
        _vector(chain, 3, "tls.handshake.certificate_length", "tls.handshake.certificate")
        _extensions(chain)
    cursor.done()


def _new_session_ticket(cursor: Cursor) -> None:  # RFC 8446, section 4.6.1
    cursor.number(4, "tls.handshake.session_ticket_lifetime_hint")
    cursor.number(4, "tls.handshake.session_ticket_age_add")
    _vector(cursor, 1, "tls.handshake.session_ticket_nonce_length", "tls.handshake.session_ticket_nonce")
    _vector(cursor, 2, "tls.handshake.session_ticket_length", "tls.handshake.session_ticket")
    _extensions(cursor)
    cursor.done()


def _about_certificates(msg_type: int, cursor: Cursor, answer: ServerHello | None, *, tls13: bool) -> None:
    if msg_type == CERTIFICATE_VERIFY:  # RFC 8446, section 4.4.3; RFC 5246, section 7.4.8
        if answer is None or answer.version >= TLS_1_2:
            cursor.number(2, "tls.handshake.sig_hash_alg")
        _vector(cursor, 2, "tls.handshake.client_cert_vrfy.sig_len", "tls.handshake.client_cert_vrfy.sig")
    elif msg_type == CERTIFICATE_STATUS:  # RFC 6066, section 8
        cursor.number(1, "tls.handshake.extensions_status_request_type")
        response = cursor.vector(3, "tls.handshake.ocsp_response_len")
        response.opaque(response.left)
    elif msg_type == _COMPRESSED_CERTIFICATE:  # RFC 8879, section 4
        cursor.number(2, "tls.compress_certificate.algorithm")
        cursor.number(3, "tls.compress_certificate.uncompressed_length")
        name = "tls.compress_certificate.compressed_certificate_message"
        _vector(cursor, 3, f"{name}.length", name)
    elif tls13:  # RFC 8446, section 4.3.2
        name = "tls.handshake.certificate_request_context"
        _vector(cursor, 1, f"{name}_length", name)
        _extensions(cursor)
    else:  # RFC 5246, section 7.4.4
        cursor.vector(1, "tls.handshake.cert_types_count").numbers(1, "tls.handshake.cert_type")
        if answer is None or answer.version == TLS_1_2:
            extensions.signature_algorithms(cursor)
        extensions.certificate_authorities(cursor)
    cursor.done()


def _server_key_exchange(message: HandshakeMessage, cursor: Cursor, answer: ServerHello) -> str:
    suite = answer.suite_name
    if suite.startswith(("TLS_ECDHE_ECDSA_", "TLS_ECDHE_RSA_", "TLS_ECDH_anon_")):  # RFC 8422, section 5.4
        parse_server_key_exchange(message, answer, cursor.fields)
        return "EC Diffie-Hellman Server Params"
    if suite.startswith(("TLS_PSK_", "TLS_RSA_PSK_")):  # RFC 4279, section 2
        _vector(cursor, 2, "tls.handshake.hint_len", "tls.handshake.hint")
        cursor.done()
        return "PSK Server Params"
    if suite.startswith(("TLS_ECDHE_PSK_", "TLS_DHE_PSK_")):  # RFC 5489, section 2; RFC 4279, section 3
        _vector(cursor, 2, "tls.handshake.hint_len", "tls.handshake.hint")
        if suite.startswith("TLS_ECDHE"):
            cursor.number(1, "tls.handshake.server_curve_type")
            cursor.number(2, "tls.handshake.server_named_curve")
            _vector(cursor, 1, "tls.handshake.server_point_len", "tls.handshake.server_point")
        else:
            _group(cursor)
        cursor.done()
        return "PSK Server Params"
    if suite.startswith(("TLS_DHE_", "TLS_DH_anon_")):  # RFC 5246, section 7.4.3
        _group(cursor)
        if not suite.startswith("TLS_DH_anon_"):
            if answer.version == TLS_1_2:
                cursor.number(2, "tls.handshake.sig_hash_alg")
            _vector(cursor, 2, "tls.handshake.sig_len", "tls.handshake.sig")
        cursor.done()
        return "Diffie-Hellman Server Params"
    return ""


def _group(cursor: Cursor) -> None:
    _vector(cursor, 2, "tls.handshake.p_len", "tls.handshake.p")
    _vector(cursor, 2, "tls.handshake.g_len", "tls.handshake.g")
    _vector(cursor, 2, "tls.handshake.ys_len", "tls.handshake.ys")


def _client_key_exchange(cursor: Cursor, answer: ServerHello) -> str:
    suite, title = answer.suite_name, ""
    if "PSK_" in suite:  # RFC 4279, section 2; RFC 5489, section 2
        _vector(cursor, 2, "tls.handshake.identity_len", "tls.handshake.identity")
        title = "PSK Client Params"
    if suite.startswith("TLS_RSA_"):  # RFC 5246, section 7.4.7.1
        _vector(cursor, 2, "tls.handshake.epms_len", "tls.handshake.epms")
        title = title or "RSA Encrypted PreMaster Secret"
    elif suite.startswith(("TLS_ECDHE_", "TLS_ECDH_")):  # RFC 8422, section 5.7
        _vector(cursor, 1, "tls.handshake.client_point_len", "tls.handshake.client_point")
        title = title or "EC Diffie-Hellman Client Params"
    elif suite.startswith(("TLS_DHE_", "TLS_DH_")):  # RFC 5246, section 7.4.7.2
        _vector(cursor, 2, "tls.handshake.yc_len", "tls.handshake.yc")
        title = title or "Diffie-Hellman Client Params"
    elif not title:
        return ""  # a suite that nobody here knows
    cursor.done()
    return title


def is_retry(msg_type: int, body: bytes) -> bool:
    """Return whether a message is a HelloRetryRequest (RFC 8446, section 4.1.3)."""
    return msg_type == SERVER_HELLO and body[2:34] == RETRY_RANDOM
