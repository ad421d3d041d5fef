"""Opens TLS records with the secrets of a key log: TLS 1.3, and TLS 1.2 with AEAD suites.

Pure. Knows the key schedule from the traffic secrets on (RFC 8446, section 7; RFC 5246, section 6.3) and record
protection (RFC 8446, section 5.2; RFC 5246, section 6.2.3.3; RFC 5288; RFC 7905). A record that does not open raises;
no byte of it is given out, because an AEAD checks before it decrypts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from capture.errors import CaptureError, KeyLogError
from capture.hello import ClientHello, ServerHello, client_hello, server_hello
from capture.keylog import KeyLog
from capture.registry import CIPHER_SUITES
from capture.streams import ByteStream, select
from capture.tls import (
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEADER,
    HandshakeReader,
    Record,
    RecordLayer,
)

TLS_1_2, TLS_1_3 = 0x0303, 0x0304
_FINISHED, _KEY_UPDATE = 20, 24  # handshake message types, RFC 8446, section 4
_TAG = 16  # bytes of authentication tag of every suite below


@dataclass(frozen=True, slots=True)
class _Suite:
    """What a cipher suite needs; lengths in bytes. `explicit` is the part of the nonce that TLS 1.2 sends along."""

    aead: type[AESGCM | ChaCha20Poly1305]
    key_length: int
    hash: type[hashes.SHA256 | hashes.SHA384]
    fixed_iv: int
    explicit: int


def _suite(name: str) -> _Suite:
    """Return what the suite of this name needs: the name says it all."""
    tls12_gcm = "_WITH_" in name and "_GCM_" in name  # the names of TLS 1.3 leave out the key exchange
    return _Suite(
        aead=ChaCha20Poly1305 if "_CHACHA20_" in name else AESGCM,
        key_length=16 if "_AES_128_" in name else 32,
        hash=hashes.SHA384 if name.endswith("_SHA384") else hashes.SHA256,
        fixed_iv=4 if tls12_gcm else 12,  # RFC 5288, section 3; RFC 8446, section 5.3; RFC 7905, section 2
        explicit=8 if tls12_gcm else 0,
    )


# Those with these AEADs and hashes; CCM, ARIA and Camellia, and all CBC and stream ciphers, cannot be opened here.
_OPENED = ("_AES_128_GCM_SHA256", "_AES_256_GCM_SHA384", "_CHACHA20_POLY1305_SHA256")
_SUITES = {number: _suite(name) for number, name in CIPHER_SUITES.items() if name.endswith(_OPENED)}


@dataclass(frozen=True, slots=True)
class Opened:
    """A record that was encrypted and has been opened.

    Attributes:
        record: the record as it was captured.
        content_type: the inner type (TLS 1.3, RFC 8446, section 5.2), or the record's own (TLS 1.2).
        plaintext: what was inside.
        body: offset in the record's fragment where the ciphertext of `plaintext` starts. These ciphers encrypt byte by
            byte, so byte n of the plaintext stands encrypted at fragment[body + n].
    """

    record: Record
    content_type: int
    plaintext: bytes
    body: int


@dataclass(slots=True)
class _Protection:
    """The key, the nonce and the record number of one direction, as they stand."""

    suite: _Suite
    key: bytes
    iv: bytes
    sequence: int = 0

    def open_record(self, record: Record, *, tls13: bool) -> tuple[bytes, int]:
        """Return the plaintext and where its ciphertext starts in the fragment; counts the record."""
        explicit = 0 if tls13 else self.suite.explicit
        fragment = record.fragment
        number = self.sequence.to_bytes(8, "big")
        if explicit:
            nonce = self.iv + fragment[:explicit]  # RFC 5288, section 3
        else:
            nonce = bytes(a ^ b for a, b in zip(self.iv, number.rjust(12, b"\0"), strict=True))  # RFC 8446, section 5.3
        if tls13:
            aad = record.header
        else:
            length = len(fragment) - explicit - _TAG
            aad = number + record.header[:3] + max(0, length).to_bytes(2, "big")  # RFC 5246, section 6.2.3.3
        try:
            if len(fragment) < explicit + _TAG:
                raise InvalidTag
            plaintext = self.suite.aead(self.key).decrypt(nonce, fragment[explicit:], aad)
        except InvalidTag as error:
            span = record.stream.locate(record.start, record.end)[0]
            msg = (
                f"The key log has keys for this connection, but they do not open record {record.index} ({span}): "
                "the key log or the capture was changed."
            )
            raise KeyLogError(msg) from error
        self.sequence += 1
        return plaintext, explicit


def open_connection(client: RecordLayer, server: RecordLayer, keylog: KeyLog) -> tuple[list[Opened], list[Opened]]:
    """Open the encrypted records of both directions of a connection; return the client's and the server's.

    Raises:
        KeyLogError: the key log has no secret for this connection, or a record does not open with what it has.
        CaptureError: there is no handshake in the capture, or its version or suite is not one that can be opened.
        MalformedError: a hello breaks the rules.
    """
    hello, answer = client_hello(client), server_hello(server)
    if hello is None or answer is None:
        msg = f"The handshake of {client.stream.source} with {client.stream.destination} is not in the capture."
        raise CaptureError(msg)
    suite = _SUITES.get(answer.cipher_suite)
    if suite is None or answer.version not in (TLS_1_2, TLS_1_3):
        msg = f"The cipher suite {answer.suite_name} is not one that this lab can open; TLS 1.3 and AEAD suites are."
        raise CaptureError(msg)
    if answer.version == TLS_1_3:
        return (
            list(_open_tls13(client, hello, suite, keylog, "CLIENT")),
            list(_open_tls13(server, hello, suite, keylog, "SERVER")),
        )
    keys = _tls12_keys(hello, answer, suite, keylog)
    return list(_open_tls12(client, keys[0])), list(_open_tls12(server, keys[1]))


def _secret(keylog: KeyLog, label: str, hello: ClientHello) -> bytes:
    try:
        return keylog[label, hello.random]
    except KeyError:
        msg = (
            "The key log has no keys for a connection of this capture: it belongs to another session, or was cut short "
            f"(no {label} for client random {hello.random[:4].hex()}…)."
        )
        raise KeyLogError(msg) from None


def expand_label(secret: bytes, label: str, length: int, algorithm: hashes.HashAlgorithm) -> bytes:
    """Return HKDF-Expand-Label(secret, label, "", length), RFC 8446, section 7.1."""
    name = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
    return HKDFExpand(algorithm, length, info).derive(secret)


def _tls13_protection(secret: bytes, suite: _Suite) -> _Protection:
    algorithm = suite.hash()
    return _Protection(
        suite, expand_label(secret, "key", suite.key_length, algorithm), expand_label(secret, "iv", 12, algorithm)
    )


def _open_tls13(layer: RecordLayer, hello: ClientHello, suite: _Suite, keylog: KeyLog, side: str) -> Iterator[Opened]:
    protection = _tls13_protection(_secret(keylog, f"{side}_HANDSHAKE_TRAFFIC_SECRET", hello), suite)
    traffic = _secret(keylog, f"{side}_TRAFFIC_SECRET_0", hello)
    finished = False
    reader = HandshakeReader()
    for record in layer.records:
        if record.content_type != APPLICATION_DATA:
            continue  # the hellos, and the change_cipher_spec that means nothing (RFC 8446, section 5)
        inner, body = protection.open_record(record, tls13=True)
        inner = inner.rstrip(b"\0")  # padding, RFC 8446, section 5.4
        content_type, plaintext = (inner[-1], inner[:-1]) if inner else (0, b"")
        yield Opened(record, content_type, plaintext, body)
        if content_type != HANDSHAKE:
            continue
        for message in reader.feed(plaintext):
            if message.msg_type == _FINISHED and not finished:
                finished = True
                protection = _tls13_protection(traffic, suite)
            elif message.msg_type == _KEY_UPDATE:
                traffic = expand_label(traffic, "traffic upd", len(traffic), suite.hash())  # RFC 8446, section 7.2
                protection = _tls13_protection(traffic, suite)


def prf(secret: bytes, label: bytes, seed: bytes, length: int, algorithm: hashes.HashAlgorithm) -> bytes:
    """Return `length` bytes of PRF(secret, label, seed), RFC 5246, section 5."""

    def mac(data: bytes) -> bytes:
        signer = hmac.HMAC(secret, algorithm)
        signer.update(data)
        return signer.finalize()

    out, a = b"", label + seed
    while len(out) < length:
        a = mac(a)
        out += mac(a + label + seed)
    return out[:length]


def _tls12_keys(
    hello: ClientHello, answer: ServerHello, suite: _Suite, keylog: KeyLog
) -> tuple[_Protection, _Protection]:
    master = _secret(keylog, "CLIENT_RANDOM", hello)
    key, iv = suite.key_length, suite.fixed_iv
    block = prf(master, b"key expansion", answer.random + hello.random, 2 * (key + iv), suite.hash())
    client_iv, server_iv = block[2 * key : 2 * key + iv], block[2 * key + iv :]
    return _Protection(suite, block[:key], client_iv), _Protection(suite, block[key : 2 * key], server_iv)


def _open_tls12(layer: RecordLayer, protection: _Protection) -> Iterator[Opened]:
    encrypted = False
    for record in layer.records:
        if record.content_type == CHANGE_CIPHER_SPEC:
            encrypted = True  # everything after it is (RFC 5246, section 7.1)
        elif encrypted:
            plaintext, body = protection.open_record(record, tls13=False)
            yield Opened(record, record.content_type, plaintext, body)


def explicit_nonce(answer: ServerHello) -> int:
    """Return how many bytes at the start of each fragment are a nonce in the clear (RFC 5288, section 3)."""
    suite = _SUITES.get(answer.cipher_suite)
    return suite.explicit if suite is not None and answer.version == TLS_1_2 else 0


def overhead(answer: ServerHello) -> int | None:
    """Return how many bytes longer a fragment is than its plaintext, padding apart; None for a suite not known here.

    The tag; in TLS 1.2 with AES-GCM the explicit nonce; in TLS 1.3 the byte of the inner type (RFC 8446, section 5.2).
    """
    if answer.cipher_suite not in _SUITES:
        return None
    return _TAG + explicit_nonce(answer) + (1 if answer.version == TLS_1_3 else 0)


def plaintext_stream(stream: ByteStream, opened: list[Opened]) -> ByteStream:
    """Return the application data of one direction as a stream; its bytes stand where their ciphertext was captured."""
    spoken = [item for item in opened if item.content_type == APPLICATION_DATA and item.plaintext]
    starts = [item.record.start + HEADER + item.body for item in spoken]
    ranges = [(start, start + len(item.plaintext)) for start, item in zip(starts, spoken, strict=True)]
    return replace(select(stream, ranges), data=b"".join(item.plaintext for item in spoken))


def sealed_stream(layer: RecordLayer, answer: ServerHello | None) -> ByteStream:
    """Return what encryption should hide of one direction: no handshake in the clear, no headers, no explicit nonces.

    Bytes that are no TLS record belong to it: they have no business in an encrypted stream.

    Args:
        layer: the records of the direction.
        answer: the ServerHello of the connection, None where it was not captured.
    """
    skip = HEADER + (explicit_nonce(answer) if answer else 0)
    changed = False
    ranges = []
    for record in layer.records:
        if record.content_type == CHANGE_CIPHER_SPEC:
            # in TLS 1.2 all that follows is encrypted (RFC 5246, section 7.1); in TLS 1.3 it means nothing
            changed = answer is None or answer.version != TLS_1_3
        elif (changed or record.content_type == APPLICATION_DATA) and record.start + skip < record.end:
            ranges.append((record.start + skip, record.end))
    if layer.at < len(layer.stream.data):
        ranges.append((layer.at, len(layer.stream.data)))
    return select(layer.stream, ranges)
