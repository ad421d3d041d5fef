"""Ways of making a line unreadable that do not work, and AES-GCM, which works and saves nobody who gets the key wrong.

Knows bytes and keys. Must not know: the chat, sockets, captures; the chat cannot import this (tests/test_layout.py).
Contract: what one codec seals, line by line, a fresh one of the same kind and key opens, however the bytes arrive cut.
A codec serves one direction of one connection, as it may count what has passed.

Each of these stands in real programs. Do not use any of them: use TLS.
"""

import base64
import binascii
from collections.abc import Iterator
from itertools import cycle
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CTR, ECB
from cryptography.hazmat.primitives.padding import PKCS7

from lab.errors import LabError

LENGTH = 2  # bytes of the length that stands in front of each sealed line, where one does; big endian
BLOCK = 16  # bytes of a block of AES (FIPS 197)
_NONCE = 12  # bytes, AES-GCM (NIST SP 800-38D, section 8.2.1)


class Codec(Protocol):
    """What seals lines on one side and opens them on the other."""

    def seal(self, line: bytes) -> bytes:
        """Return what goes onto the wire for a line, which comes without its LF."""
        ...

    def open(self, data: bytes) -> list[bytes]:
        """Take the next bytes off the wire; return the lines that they complete, without their LF.

        Raises:
            LabError: this was not sealed by such a codec.
        """
        ...


class Base64:
    """No key at all: base64 (RFC 4648), a line of it for each line."""

    def __init__(self) -> None:
        self._rest = b""

    def seal(self, line: bytes) -> bytes:
        """As `Codec.seal`."""
        return base64.b64encode(line) + b"\n"

    def open(self, data: bytes) -> list[bytes]:
        """As `Codec.open`."""
        *ended, self._rest = (self._rest + data).split(b"\n")
        try:
            return [base64.b64decode(line, validate=True) for line in ended]
        except binascii.Error as error:
            msg = "What came is not base64."
            raise LabError(msg) from error


class RepeatingXor:
    """Byte n of a direction is XORed with byte n modulo the key's length of the key, line ends included.

    No framing: byte n on the wire is byte n of the chat.
    """

    def __init__(self, key: bytes) -> None:
        self._sealing, self._opening = cycle(key), cycle(key)
        self._rest = b""

    def seal(self, line: bytes) -> bytes:
        """As `Codec.seal`."""
        return xor(line + b"\n", self._sealing)

    def open(self, data: bytes) -> list[bytes]:
        """As `Codec.open`."""
        *ended, self._rest = (self._rest + xor(data, self._opening)).split(b"\n")
        return ended


def xor(data: bytes, key: Iterator[int]) -> bytes:
    """Return the bytes, each XORed with the next one of the key."""
    return bytes(byte ^ next(key) for byte in data)


class Framed:
    """Cuts what arrives into sealed lines, a length in front of each."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the sealed lines that they complete, without their lengths."""
        self._rest += data
        whole = []
        while len(self._rest) >= LENGTH:
            end = LENGTH + int.from_bytes(self._rest[:LENGTH], "big")
            if len(self._rest) < end:
                break
            whole.append(self._rest[LENGTH:end])
            self._rest = self._rest[end:]
        return whole


def framed(sealed: bytes) -> bytes:
    """Return a sealed line with its length in front."""
    return len(sealed).to_bytes(LENGTH, "big") + sealed


class AesEcb:
    """AES-128 in ECB mode (NIST SP 800-38A, section 6.1), padded as PKCS #7: each block of 16 bytes on its own."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(AES128(key), ECB())  # noqa: S305 - the mistake that is shown
        self._arrived = Framed()

    def seal(self, line: bytes) -> bytes:
        """As `Codec.seal`."""
        padder, encryptor = PKCS7(8 * BLOCK).padder(), self._cipher.encryptor()
        return framed(encryptor.update(padder.update(line) + padder.finalize()))

    def open(self, data: bytes) -> list[bytes]:
        """As `Codec.open`."""
        return [self._opened(sealed) for sealed in self._arrived.feed(data)]

    def _opened(self, sealed: bytes) -> bytes:
        unpadder, decryptor = PKCS7(8 * BLOCK).unpadder(), self._cipher.decryptor()
        try:
            return unpadder.update(decryptor.update(sealed) + decryptor.finalize()) + unpadder.finalize()
        except ValueError as error:
            msg = "What came was not sealed by AES-ECB with this key."
            raise LabError(msg) from error


class AesCtrReused:
    """AES-128 in CTR mode (NIST SP 800-38A, section 6.5) that starts each line with the same counter block."""

    def __init__(self, key: bytes, nonce: bytes) -> None:
        self._cipher = Cipher(AES128(key), CTR(nonce))
        self._arrived = Framed()

    def seal(self, line: bytes) -> bytes:
        """As `Codec.seal`."""
        return framed(self._cipher.encryptor().update(line))

    def open(self, data: bytes) -> list[bytes]:
        """As `Codec.open`."""
        return [self._cipher.decryptor().update(sealed) for sealed in self._arrived.feed(data)]


class AesGcm:
    """AES-GCM with a nonce that counts the lines (NIST SP 800-38D, section 8.2.1), much as TLS 1.3 does it.

    Sound where the key is new, is for one direction only, and is known to nobody but the two ends.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._arrived = Framed()
        self._sealed = self._opened = 0

    def seal(self, line: bytes) -> bytes:
        """As `Codec.seal`."""
        sealed = self._cipher.encrypt(self._sealed.to_bytes(_NONCE, "big"), line, None)
        self._sealed += 1
        return framed(sealed)

    def open(self, data: bytes) -> list[bytes]:
        """As `Codec.open`."""
        lines = []
        for sealed in self._arrived.feed(data):
            try:
                lines.append(self._cipher.decrypt(self._opened.to_bytes(_NONCE, "big"), sealed, None))
            except InvalidTag as error:
                msg = "What came was not sealed by AES-GCM with this key, or was changed."
                raise LabError(msg) from error
            self._opened += 1
        return lines
