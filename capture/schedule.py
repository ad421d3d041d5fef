"""The key schedule from the secrets of a key log on: which key and which IV protect the records of one direction.

Pure. Knows HKDF-Expand-Label, traffic keys and key updates (RFC 8446, sections 7.1 to 7.3), and PRF and key block of
TLS 1.2 for AEAD suites (RFC 5246, sections 5 and 6.3; RFC 5288; RFC 7905). Knows no record and no key log. Every key
keeps what it was made from, so that what is shown of it is what it was made from, and each step can be done again.
"""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from capture.registry import CIPHER_SUITES

TAG = 16  # bytes of authentication tag of every suite below
_KEY_EXPANSION = b"key expansion"  # RFC 5246, section 6.3


@dataclass(frozen=True, slots=True)
class Suite:
    """What a cipher suite needs; lengths in bytes.

    Attributes:
        aead: what encrypts and authenticates.
        key_length: of its key.
        hash: of the key schedule.
        fixed_iv: the part of the nonce that comes of the key schedule.
        explicit: the part of the nonce that TLS 1.2 sends along with each record.
    """

    aead: type[AESGCM | ChaCha20Poly1305]
    key_length: int
    hash: type[hashes.SHA256 | hashes.SHA384]
    fixed_iv: int
    explicit: int


def _suite(name: str) -> Suite:
    """Return what the suite of this name needs: the name says it all."""
    tls12_gcm = "_WITH_" in name and "_GCM_" in name  # the names of TLS 1.3 leave out the key exchange
    return Suite(
        aead=ChaCha20Poly1305 if "_CHACHA20_" in name else AESGCM,
        key_length=16 if "_AES_128_" in name else 32,
        hash=hashes.SHA384 if name.endswith("_SHA384") else hashes.SHA256,
        fixed_iv=4 if tls12_gcm else 12,  # RFC 5288, section 3; RFC 8446, section 5.3; RFC 7905, section 2
        explicit=8 if tls12_gcm else 0,
    )


# Those with these AEADs and hashes; CCM, ARIA and Camellia, and all CBC and stream ciphers, cannot be opened here.
_OPENED = ("_AES_128_GCM_SHA256", "_AES_256_GCM_SHA384", "_CHACHA20_POLY1305_SHA256")
SUITES = {number: _suite(name) for number, name in CIPHER_SUITES.items() if name.endswith(_OPENED)}


@dataclass(frozen=True, slots=True)
class Expanded:
    """What HKDF-Expand-Label has made (RFC 8446, section 7.1).

    Attributes:
        label: of what it is for, without the "tls13 " that goes before it: "key", "iv", "traffic upd".
        info: what HKDF-Expand is given along with the secret: length, label and context.
        output: the bytes made.
    """

    label: str
    info: bytes
    output: bytes


@dataclass(frozen=True, slots=True)
class TrafficSecret:
    """A traffic secret of TLS 1.3.

    Attributes:
        label: what the key log calls it, or the one that it was updated from: "CLIENT_TRAFFIC_SECRET_0".
        generation: how many key updates it is from that one (RFC 8446, section 7.2).
        secret: the bytes.
        previous: the secret that it was updated from; None for that of the key log.
        update: how it was made of that; likewise.
    """

    label: str
    generation: int
    secret: bytes
    previous: "TrafficSecret | None" = field(default=None, repr=False, compare=False)  # there may be thousands
    update: Expanded | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a key block: `start` and `end` count in the block."""

    name: str
    start: int
    end: int
    value: bytes


@dataclass(frozen=True, slots=True)
class KeyBlock:
    """The key block of TLS 1.2, which all keys of a connection are cut from (RFC 5246, section 6.3).

    Attributes:
        label: what the key log calls the secret it is made from.
        master_secret: that secret.
        seed: what PRF is given along with it: the label "key expansion", the server's random, the client's.
        block: the bytes made.
        parts: how it is cut: client_write_key, server_write_key, client_write_IV, server_write_IV.
    """

    label: str
    master_secret: bytes
    seed: bytes
    block: bytes
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class TrafficKeys:
    """What protects the records of one direction for a while.

    Attributes:
        suite: of the connection.
        secret: what the keys were made from.
        key: of the AEAD.
        iv: as many bytes of each nonce as are not sent along: 12, in TLS 1.2 with AES-GCM the 4 called salt.
        expanded: how key and IV were made of the secret in TLS 1.3, the key first; empty in TLS 1.2.
    """

    suite: Suite
    secret: TrafficSecret | KeyBlock
    key: bytes
    iv: bytes
    expanded: tuple[Expanded, ...] = ()


def expand(secret: bytes, label: str, length: int, algorithm: hashes.HashAlgorithm) -> Expanded:
    """Return HKDF-Expand-Label(secret, label, "", length) and what went into it, RFC 8446, section 7.1."""
    name = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
    return Expanded(label, info, HKDFExpand(algorithm, length, info).derive(secret))


def traffic_keys(secret: TrafficSecret, suite: Suite) -> TrafficKeys:
    """Return the keys of a traffic secret of TLS 1.3, RFC 8446, section 7.3."""
    key = expand(secret.secret, "key", suite.key_length, suite.hash())
    iv = expand(secret.secret, "iv", suite.fixed_iv, suite.hash())
    return TrafficKeys(suite, secret, key.output, iv.output, (key, iv))


def updated(secret: TrafficSecret, suite: Suite) -> TrafficSecret:
    """Return the traffic secret after a key update, RFC 8446, section 7.2."""
    update = expand(secret.secret, "traffic upd", suite.hash.digest_size, suite.hash())
    return TrafficSecret(secret.label, secret.generation + 1, update.output, secret, update)


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


def tls12_keys(
    label: str, master_secret: bytes, client_random: bytes, server_random: bytes, suite: Suite
) -> tuple[TrafficKeys, TrafficKeys]:
    """Return the keys of the client and of the server in TLS 1.2, RFC 5246, section 6.3.

    Args:
        label: what the key log calls the master secret.
        master_secret: it.
        client_random: of the ClientHello.
        server_random: of the ServerHello.
        suite: of the connection.
    """
    randoms = server_random + client_random
    lengths = (suite.key_length, suite.key_length, suite.fixed_iv, suite.fixed_iv)
    block = prf(master_secret, _KEY_EXPANSION, randoms, sum(lengths), suite.hash())
    parts, at = [], 0
    # an AEAD needs no MAC keys, so the block has none (RFC 5246, section 6.3; RFC 5288, section 3)
    names = ("client_write_key", "server_write_key", "client_write_IV", "server_write_IV")
    for name, length in zip(names, lengths, strict=True):
        parts.append(Part(name, at, at + length, block[at : at + length]))
        at += length
    made = KeyBlock(label, master_secret, _KEY_EXPANSION + randoms, block, tuple(parts))
    client_key, server_key, client_iv, server_iv = (part.value for part in parts)
    return TrafficKeys(suite, made, client_key, client_iv), TrafficKeys(suite, made, server_key, server_iv)
