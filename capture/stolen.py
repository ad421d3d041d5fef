"""What a server's RSA private key, stolen afterwards, opens of a connection that was recorded before.

Pure. Knows where the key exchange stands in a handshake, and RSA key exchange of TLS 1.2 from the private key to the
master secret (RFC 5246, sections 7.4.7.1 and 8.1; RFC 7627, section 4). The master secret is given out as a key log
has it, so that `capture.decrypt` opens the records; this file opens none. Where nothing was encrypted to the key, that
is an answer of its own, with the frames and bytes that show it.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from capture.errors import CaptureError, KeyLogError
from capture.fields import Cursor, Field
from capture.handshake import Certificate, Handshake, read_handshake
from capture.hello import ServerHello
from capture.keylog import KeyLog
from capture.registry import GROUPS, name
from capture.schedule import prf
from capture.streams import ByteStream, Span
from capture.tls import (
    CLIENT_KEY_EXCHANGE,
    HANDSHAKE_HEADER,
    SERVER_HELLO_DONE,
    SERVER_KEY_EXCHANGE,
    TLS_1_2,
    TLS_1_3,
    HandshakeMessage,
    RecordLayer,
    handshake_messages,
)

_SHARE = "tls.handshake.extensions_key_share_"
# those whose ClientKeyExchange is a point alone, RFC 8422, section 5.7; ECDHE_PSK begins with an identity (RFC 5489)
_POINTS = ("ECDHE_RSA", "ECDHE_ECDSA", "ECDH_anon")
# those that need no key but the connection's own: nothing was encrypted to a certificate's key, nor agreed on with it
_FORWARD = ("ECDHE_", "DHE_", "ECDH_anon", "DH_anon", "PSK", "(EC)DHE")
_PREMASTER = 48  # bytes: the client's version (2) and 46 random ones (RFC 5246, section 7.4.7.1)


@dataclass(frozen=True, slots=True)
class Share:
    """What one side gives to the key exchange, in the clear or encrypted to the other side's key.

    Attributes:
        message: what it stands in: a handshake message or an extension of one, by its name in the RFCs.
        data: a public key, or the encrypted premaster secret of RSA key exchange; the whole message body where the lab
            does not know what is in it.
        spans: where these bytes stand in the capture.
    """

    message: str
    data: bytes
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class KeyExchange:
    """How the two sides of a connection came to a secret, as the handshake in the clear tells it.

    Attributes:
        method: as cipher suites name it: "RSA", "ECDHE_RSA"; for TLS 1.3, whose suites do not, "(EC)DHE", or "PSK"
            where no share was sent.
        group: the group, by IANA's name; None where there is none, or it is not seen.
        shares: what was sent for it, in the order of sending.
    """

    method: str
    group: str | None
    shares: tuple[Share, ...]

    @property
    def spans(self) -> tuple[Span, ...]:
        """Where all of it stands in the capture."""
        return tuple(span for share in self.shares for span in share.spans)

    def __str__(self) -> str:
        """The method, with the group where there is one: "ECDHE_RSA (x25519)"."""
        return f"{self.method} ({self.group})" if self.group else self.method


class NothingForKeyError(CaptureError):
    """No message of the handshake was encrypted to the server's key: whoever has it learns nothing about the secret.

    Attributes:
        exchange: how the secret was agreed on instead.
    """

    def __init__(self, exchange: KeyExchange) -> None:
        where = "; ".join(map(str, exchange.spans)) or "nowhere in the clear"
        super().__init__(f"Nothing was encrypted to the server's key: the key exchange is {exchange}, {where}.")
        self.exchange = exchange


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the private key gives.

    Attributes:
        exchange: the key exchange, its share the encrypted premaster secret.
        client_random: 32 bytes, which name the connection in a key log.
        premaster: the decrypted premaster secret, 48 bytes.
        master: the master secret, 48 bytes.
        extended: whether it is an extended one (RFC 7627).
    """

    exchange: KeyExchange
    client_random: bytes
    premaster: bytes
    master: bytes
    extended: bool

    @property
    def keylog(self) -> KeyLog:
        """The master secret as a key log has it."""
        return MappingProxyType({("CLIENT_RANDOM", self.client_random): self.master})


def key_exchange(client: RecordLayer, server: RecordLayer) -> KeyExchange:
    """Return the key exchange of a connection; needs no key.

    Raises:
        CaptureError: it is not in the capture, or there was none because an earlier session was resumed.
        MalformedError: a message of the handshake breaks the rules.
    """
    seen = read_handshake(client, server)
    return _exchange(seen, _answer(seen, client))


def _answer(seen: Handshake, client: RecordLayer) -> ServerHello:
    if not seen.client_hellos or not seen.server_hellos or seen.server_hellos[-1].is_retry:
        msg = f"The handshake of {client.stream.source} with {client.stream.destination} is not in the capture."
        raise CaptureError(msg)
    return seen.server_hellos[-1]


def _exchange(seen: Handshake, answer: ServerHello) -> KeyExchange:
    group = None if seen.group is None else name(GROUPS, seen.group)
    if answer.version == TLS_1_3:
        shares = (
            *_key_shares("key_share of ClientHello", seen.client, seen.client_hellos[-1].fields, seen.group),
            *_key_shares("key_share of ServerHello", seen.server, answer.fields, seen.group),
        )
        return KeyExchange("(EC)DHE" if shares else "PSK", group, shares)
    method = answer.suite_name.removeprefix("TLS_").partition("_WITH_")[0]
    sent = _message(seen.client, CLIENT_KEY_EXCHANGE)
    if sent is None:
        msg = (
            f"The connection of {seen.client.source} has no ClientKeyExchange in the capture: "
            "it was cut short, or an earlier session was resumed."
        )
        raise CaptureError(msg)
    return KeyExchange(method, group, (*_server_share(seen), _client_share(seen.client, sent, method)))


def _key_shares(message: str, stream: ByteStream, fields: tuple[Field, ...], group: int | None) -> Iterator[Share]:
    """Yield the share of the group that was chosen (RFC 8446, section 4.2.8)."""
    chosen = False
    for field in fields:
        if field.name == f"{_SHARE}group":
            chosen = field.value == group
        elif field.name == f"{_SHARE}key_exchange" and chosen:
            yield _share(message, stream, field.start, field.end)


def _server_share(seen: Handshake) -> Iterator[Share]:
    message = _message(seen.server, SERVER_KEY_EXCHANGE)
    if message is None:
        return  # RSA key exchange needs none
    fields = seen.server_key_exchange.fields if seen.server_key_exchange is not None else ()
    point = next((field for field in fields if field.name == "tls.handshake.server_point"), None)
    start, end = (point.start, point.end) if point is not None else (message.start + HANDSHAKE_HEADER, message.end)
    yield _share("ServerKeyExchange", seen.server, start, end)


def _client_share(stream: ByteStream, message: HandshakeMessage, method: str) -> Share:
    length = 2 if method == "RSA" else 1 if method in _POINTS else 0  # RFC 5246, 7.4.7.1; RFC 8422, 5.7
    if length:
        cursor = Cursor(message.body, message.start + HANDSHAKE_HEADER)
        cursor.vector(length)
        cursor.done()
    return _share("ClientKeyExchange", stream, message.start + HANDSHAKE_HEADER + length, message.end)


def _share(message: str, stream: ByteStream, start: int, end: int) -> Share:
    return Share(message, stream.data[start:end], stream.locate(start, end) if start < end else ())


def _message(stream: ByteStream, msg_type: int) -> HandshakeMessage | None:
    return next((m for m in handshake_messages([stream.data]) if m.msg_type == msg_type), None)


def recover(client: RecordLayer, server: RecordLayer, key: rsa.RSAPrivateKey) -> Recovered:
    """Return the secrets of a connection that its server's private key gives.

    Args:
        client: the records of the client's stream.
        server: the records of the server's.
        key: the server's private key.

    Raises:
        NothingForKeyError: the key exchange is another one than RSA.
        KeyLogError: the key is not the server's, or the premaster secret does not decrypt with it.
        CaptureError: the handshake is not in the capture, or not of TLS 1.2.
        MalformedError: a message of the handshake breaks the rules.
    """
    seen = read_handshake(client, server)
    answer = _answer(seen, client)
    exchange = _exchange(seen, answer)
    if exchange.method.startswith(_FORWARD):
        raise NothingForKeyError(exchange)
    # some depend on the server's key in another way: RSA_PSK (RFC 4279, section 4), fixed Diffie-Hellman keys
    if exchange.method != "RSA":
        raise CaptureError(f"The key exchange {exchange} is not one that can be opened here; RSA key exchange is.")
    if answer.version != TLS_1_2:
        raise CaptureError("RSA key exchange is opened here in TLS 1.2 alone, and this connection is older.")
    if seen.server_certificate is not None and not _belongs(key, seen.server_certificate):
        msg = "The private key is not the one of the server's certificate in this capture: it opens nothing."
        raise KeyLogError(msg)
    hello = seen.client_hellos[-1]
    premaster = _decrypt(exchange.shares[-1], key, hello.legacy_version)
    algorithm = hashes.SHA384() if answer.suite_name.endswith("_SHA384") else hashes.SHA256()  # RFC 5246, section 5
    extended = hello.extended_master_secret and answer.extended_master_secret
    if extended:
        label, seed = b"extended master secret", _session_hash(seen, algorithm)
    else:
        label, seed = b"master secret", hello.random + answer.random
    return Recovered(exchange, hello.random, premaster, prf(premaster, label, seed, 48, algorithm), extended)


def _belongs(key: rsa.RSAPrivateKey, chain: Certificate) -> bool:
    """Return whether the first certificate holds the public half of `key` (RFC 5280, section 4.1.2.7)."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return any(public in certificate for certificate in chain.certificates[:1])


def _decrypt(share: Share, key: rsa.RSAPrivateKey, version: int) -> bytes:
    """Return the premaster secret (RFC 5246, section 7.4.7.1).

    From OpenSSL 3.2 on, what does not decrypt comes out as other bytes, of another length as a rule, and is no error
    (implicit rejection): so length and version are looked at.
    """
    premaster = b""
    with contextlib.suppress(ValueError):
        premaster = key.decrypt(share.data, padding.PKCS1v15())
    if len(premaster) != _PREMASTER or premaster[:2] != version.to_bytes(2, "big"):
        where = "; ".join(map(str, share.spans))
        msg = f"The private key does not decrypt the premaster secret ({where}): the key or the capture was changed."
        raise KeyLogError(msg)
    return premaster


def _session_hash(seen: Handshake, algorithm: hashes.HashAlgorithm) -> bytes:
    """Return the hash of the handshake up to the ClientKeyExchange, in the order of sending (RFC 7627, section 3)."""
    digest = hashes.Hash(algorithm)
    hello, sent = next(handshake_messages([seen.client.data])), _message(seen.client, CLIENT_KEY_EXCHANGE)
    done = _message(seen.server, SERVER_HELLO_DONE)
    assert sent is not None  # its share is in the key exchange
    if done is None:
        raise CaptureError("The server's part of the handshake is not whole in the capture: no ServerHelloDone.")
    digest.update(seen.client.data[: hello.end])
    digest.update(seen.server.data[: done.end])
    digest.update(seen.client.data[hello.end : sent.end])
    return digest.finalize()
