"""One handshake message or alert: of which kind it is in its connection, and what it says that is worth telling. Pure.

Knows the messages of TLS 1.3 (RFC 8446, section 4) and up to TLS 1.2 (RFC 5246, section 7.4). What breaks a rule is
told by its name alone.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cryptography import x509

from capture import registry
from capture.alert import CLOSE_NOTIFY
from capture.anatomy_messages import message_fields
from capture.errors import MalformedError
from capture.extensions import EARLY_DATA, split_extensions
from capture.fields import Cursor
from capture.hello import ServerHello, parse_client_hello, parse_server_hello
from capture.registry import GREASE, name
from capture.tls import (
    CERTIFICATE,
    CERTIFICATE_REQUEST,
    CERTIFICATE_STATUS,
    CERTIFICATE_VERIFY,
    CLIENT_HELLO,
    CLIENT_KEY_EXCHANGE,
    ENCRYPTED_EXTENSIONS,
    END_OF_EARLY_DATA,
    FINISHED,
    HELLO_REQUEST,
    KEY_UPDATE,
    NEW_SESSION_TICKET,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
    TLS_1_3,
    VERSIONS,
    HandshakeMessage,
)
from chat.escape import visible
from lab.report.kinds import Kind

_NONE = "-"
_SIGNALS = (0x00FF, 0x5600)  # among the suites, and none: RFC 5746, section 3.3; RFC 7507, section 2

Values = dict[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """What must be known of a connection to say what a message of it is.

    Attributes:
        answer: its ServerHello, or else its HelloRetryRequest; None where there is none that can be read.
        resumed: whether it is one up to TLS 1.2 that goes on with an earlier session.
        refused: whether the server takes no early data.
    """

    answer: ServerHello | None
    resumed: bool
    refused: bool

    @property
    def tls13(self) -> bool:
        """Whether its version is TLS 1.3."""
        return self.answer is not None and self.answer.version == TLS_1_3

    @property
    def suite(self) -> str:
        """The name of its suite; empty where that is not known."""
        return self.answer.suite_name if self.answer is not None else ""


def retry(messages: Sequence[HandshakeMessage]) -> ServerHello | None:
    """Return the HelloRetryRequest among a server's messages, which says the version as a ServerHello does."""
    for message in messages:
        if message.msg_type == SERVER_HELLO:
            with suppress(MalformedError):
                return parse_server_hello(message.body)
    return None


def refuses_early_data(messages: Sequence[HandshakeMessage]) -> bool:
    """Tell whether EncryptedExtensions are there and take no early data (RFC 8446, section 4.2.10)."""
    for message in messages:
        if message.msg_type == ENCRYPTED_EXTENSIONS:
            with suppress(MalformedError):
                return EARLY_DATA not in split_extensions(Cursor(message.body).vector(2))
    return False


def tell(message: HandshakeMessage, told: Told, *, from_client: bool, again: bool) -> tuple[Kind, Values]:
    """Return the kind of a handshake message, and what its words may name.

    Args:
        message: the message.
        told: its connection.
        from_client: its direction.
        again: whether its side has sent one of this type before.
    """
    try:
        if message.msg_type == CLIENT_HELLO:
            return _client_hello(message, told, again=again)
        if message.msg_type == SERVER_HELLO:
            return _server_hello(message, told)
        return _told13(message, told, from_client) if told.tls13 else _told12(message, told, from_client)
    except MalformedError:
        return _other(message)


def tell_alert(plaintext: bytes) -> tuple[Kind, Values]:
    """Return likewise of an alert; one that is not two bytes long has no description."""
    if len(plaintext) != 2:
        return "alert", {"description": _NONE, "level": _NONE}
    level, description = plaintext
    values = {
        "description": name(registry.ALERT_DESCRIPTIONS, description),
        "level": name(registry.ALERT_LEVELS, level),
    }
    return ("alert_close" if description == CLOSE_NOTIFY else "alert"), values


def _other(message: HandshakeMessage) -> tuple[Kind, Values]:
    return "handshake_other", {
        "name": name(registry.HANDSHAKE_TYPES, message.msg_type),
        "bytes": str(len(message.body)),
    }


def _client_hello(message: HandshakeMessage, told: Told, *, again: bool) -> tuple[Kind, Values]:
    hello = parse_client_hello(message.body)
    values = {
        "server_name": visible(hello.server_name) if hello.server_name else _NONE,
        "suites": str(sum(suite not in GREASE and suite not in _SIGNALS for suite in hello.cipher_suites)),
        "groups": _names(registry.GROUPS, hello.key_share_groups),
        "versions": _names(VERSIONS, hello.supported_versions or (hello.legacy_version,)),
        "alpn": visible(", ".join(hello.alpn)) or _NONE,
    }
    offers = TLS_1_3 in hello.supported_versions
    if told.tls13 if told.answer is not None else offers:
        if again:
            return "client_hello_again", values
        if hello.psk_identities:
            return ("client_hello_early" if hello.early_data else "client_hello_resumes"), values
        return "client_hello", values
    return ("client_hello_12_resumes" if told.resumed else "client_hello_12"), values


def _server_hello(message: HandshakeMessage, told: Told) -> tuple[Kind, Values]:
    hello = parse_server_hello(message.body)
    group = name(registry.GROUPS, hello.key_share_group) if hello.key_share_group is not None else _NONE
    values = {"suite": hello.suite_name, "version": name(VERSIONS, hello.version), "group": group}
    if hello.is_retry:
        return "hello_retry_request", values
    if hello.version != TLS_1_3:
        return ("server_hello_12_resumes" if told.resumed else "server_hello_12"), values
    if hello.selected_identity is None:
        return "server_hello", values
    return ("server_hello_resumes" if hello.key_share_group is not None else "server_hello_psk_only"), values


def _told13(message: HandshakeMessage, told: Told, from_client: bool) -> tuple[Kind, Values]:
    kind = message.msg_type
    if kind == CERTIFICATE:
        number, values = _certificate(message, told)
        shown: Kind = "certificate_client" if from_client else "certificate"
        return (shown if number else "certificate_none"), values
    if kind == NEW_SESSION_TICKET:
        return "new_session_ticket", _lifetime(message, told)
    simple: Mapping[int, tuple[Kind, Kind]] = {  # from the client, from the server
        END_OF_EARLY_DATA: ("end_of_early_data", "end_of_early_data"),
        ENCRYPTED_EXTENSIONS: ("encrypted_extensions", "encrypted_extensions"),
        CERTIFICATE_REQUEST: ("certificate_request", "certificate_request"),
        CERTIFICATE_VERIFY: ("certificate_verify_client", "certificate_verify"),
        FINISHED: ("finished_client", "finished_server"),
        KEY_UPDATE: ("key_update", "key_update"),
    }
    if kind in simple:
        return simple[kind][0 if from_client else 1], {}
    return _other(message)


def _told12(message: HandshakeMessage, told: Told, from_client: bool) -> tuple[Kind, Values]:
    kind = message.msg_type
    if kind == CERTIFICATE:
        number, values = _certificate(message, told)
        shown: Kind = "certificate_client_12" if from_client else "certificate_12"
        return (shown if number else "certificate_none_12"), values
    if kind == SERVER_KEY_EXCHANGE:
        return _server_key_exchange(message, told)
    if kind == CLIENT_KEY_EXCHANGE:
        return _client_key_exchange(told.suite), {}
    if kind == NEW_SESSION_TICKET:
        return "new_session_ticket_12", _lifetime(message, told)
    simple: Mapping[int, Kind] = {
        HELLO_REQUEST: "hello_request",
        CERTIFICATE_REQUEST: "certificate_request_12",
        CERTIFICATE_VERIFY: "certificate_verify_12",
        CERTIFICATE_STATUS: "certificate_status",
        SERVER_HELLO_DONE: "server_hello_done",
        FINISHED: "finished_12",
    }
    return (simple[kind], {}) if kind in simple else _other(message)


def _server_key_exchange(message: HandshakeMessage, told: Told) -> tuple[Kind, Values]:
    if told.suite.startswith(("TLS_PSK_", "TLS_RSA_PSK_")):  # RFC 4279: only a hint which key is meant
        return "server_key_exchange_psk", {}
    group = next(iter(_found(message, told, "tls.handshake.server_named_curve")), None)
    return "server_key_exchange", {"group": name(registry.GROUPS, group) if isinstance(group, int) else _NONE}


def _client_key_exchange(suite: str) -> Kind:
    if suite.startswith("TLS_RSA_WITH_"):
        return "client_key_exchange_rsa"
    if suite.startswith("TLS_PSK_"):
        return "client_key_exchange_psk"
    return "client_key_exchange_ecdhe" if suite.startswith("TLS_ECDHE_") else "client_key_exchange"


def _found(message: HandshakeMessage, told: Told, name: str) -> list[int | bytes | str]:
    """Return the values of a field of a message (Wireshark's name).

    Raises:
        MalformedError: the message breaks a rule.
    """
    read = message_fields(message.msg_type, message.body, 0, told.answer)
    if read.problem:
        raise MalformedError(read.problem, 0)
    return [field.value for field in read.fields if field.name == name]


def _lifetime(message: HandshakeMessage, told: Told) -> Values:
    (seconds,) = _found(message, told, "tls.handshake.session_ticket_lifetime_hint")
    return {"lifetime": str(seconds)}


def _certificate(message: HandshakeMessage, told: Told) -> tuple[int, Values]:
    """Return how many certificates a message shows, and whose the first one is; it may be any bytes."""
    number = len(_found(message, told, "tls.handshake.certificate_length"))
    values = {"number": str(number), "subject": _NONE, "issuer": _NONE, "until": _NONE}
    for data in _found(message, told, "tls.handshake.certificate")[:1]:
        assert isinstance(data, bytes)
        with suppress(ValueError, TypeError):  # not a certificate, or none that can be read
            own = x509.load_der_x509_certificate(data)
            values["subject"] = visible(own.subject.rfc4514_string()) or _NONE
            values["issuer"] = visible(own.issuer.rfc4514_string()) or _NONE
            values["until"] = f"{own.not_valid_after_utc:%Y-%m-%d}"
    return number, values


def _names(names: dict[int, str], numbers: tuple[int, ...]) -> str:
    return ", ".join(name(names, number) for number in numbers if number not in GREASE) or _NONE
