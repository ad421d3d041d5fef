"""Records of TLS 1.3 that are sealed as they should be, or with a mistake in it. Pure.

Code that makes the same mistake when it opens a record opens just these: that shows which mistake it makes, though all
that it says itself is that the tag is not right.
"""

from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from capture.schedule import SUITES, TAG
from capture.tls import APPLICATION_DATA, TLS_1_2

KeyMistake = Literal["", "label_prefix", "no_context", "wrong_hash"]
NonceMistake = Literal["", "nonce_plain", "nonce_little_endian", "nonce_left"]
DataMistake = Literal["", "no_additional_data", "old_additional_data"]
_NONCE = 12  # bytes


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What is done wrong; "" is right.

    Attributes:
        keys: key and IV are made without the "tls13 " before their label; without the byte that says how long the
            context is; with the hash of another suite.
        nonce: the number of the record is left out of it; its bytes are the wrong way round; they stand at its front.
        data: there is no additional data; that of TLS 1.2 is used.
    """

    keys: KeyMistake = ""
    nonce: NonceMistake = ""
    data: DataMistake = ""

    @property
    def first(self) -> str:
        """The one to mend first; "" where there is none."""
        return self.keys or self.nonce or self.data


RIGHT = Mistakes()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record, and what is needed to open it.

    Attributes:
        suite: number of the cipher suite.
        secret: the traffic secret.
        sequence: number of the record.
        header: its five bytes.
        fragment: what follows them.
    """

    suite: int
    secret: bytes
    sequence: int
    header: bytes
    fragment: bytes


def seal(
    suite: int,
    secret: bytes,
    sequence: int,
    content: bytes,
    *,
    inner_type: int = APPLICATION_DATA,
    padding: int = 0,
    mistakes: Mistakes = RIGHT,
) -> Sealed:
    """Return a record with `content` (RFC 8446, section 5.2).

    Args:
        suite: number of a cipher suite of TLS 1.3.
        secret: the traffic secret.
        sequence: number of the record.
        content: what is sent.
        inner_type: its content type.
        padding: how many zero bytes follow.
        mistakes: what is done wrong.
    """
    needs = SUITES[suite]
    inner = content + bytes([inner_type]) + bytes(padding)
    length = len(inner) + TAG
    header = bytes([APPLICATION_DATA]) + TLS_1_2.to_bytes(2, "big") + length.to_bytes(2, "big")
    key = _expand(suite, secret, "key", needs.key_length, mistakes.keys)
    iv = _expand(suite, secret, "iv", _NONCE, mistakes.keys)
    data = {
        "": header,
        "no_additional_data": None,
        "old_additional_data": sequence.to_bytes(8, "big") + header[:3] + len(content).to_bytes(2, "big"),
    }[mistakes.data]
    return Sealed(
        suite, secret, sequence, header, needs.aead(key).encrypt(_nonce(iv, sequence, mistakes.nonce), inner, data)
    )


def _expand(suite: int, secret: bytes, label: str, length: int, mistake: KeyMistake) -> bytes:
    """Return HKDF-Expand-Label with an empty context (RFC 8446, section 7.1)."""
    algorithm = SUITES[suite].hash
    if mistake == "wrong_hash":
        algorithm = hashes.SHA256 if algorithm is hashes.SHA384 else hashes.SHA384
    name = label.encode() if mistake == "label_prefix" else b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(name)]) + name + (b"" if mistake == "no_context" else b"\0")
    return HKDFExpand(algorithm(), length, info).derive(secret)


def _nonce(iv: bytes, sequence: int, mistake: NonceMistake) -> bytes:
    """Return the nonce of a record (RFC 8446, section 5.3)."""
    number = {
        "": sequence.to_bytes(_NONCE, "big"),
        "nonce_plain": bytes(_NONCE),
        "nonce_little_endian": sequence.to_bytes(_NONCE, "little"),
        "nonce_left": sequence.to_bytes(8, "big") + bytes(_NONCE - 8),
    }[mistake]
    return bytes(one ^ other for one, other in zip(iv, number, strict=True))
