"""A key agreed on under RSA that nobody vouches for, and the attacker in the middle that this lets in.

The far end sends its public key in the clear; the near end sends two fresh AES keys back, encrypted under it
(RSAES-OAEP, RFC 8017, section 7.1); then both seal with AES-GCM, a key for each direction. Every part of it is sound.
What is missing is what certificates are for: who says whose public key that is? Knows `cryptography` and peers of a
relay. Must not know: the chat, captures.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lab.errors import LabError
from lab.scenarios.codecs import LENGTH, AesGcm, Codec, framed
from lab.scenarios.relay import Peer, pump
from lab.scenarios.tunnel import Agree

KEY = 32  # bytes of each of the two AES keys
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def new_key() -> rsa.RSAPrivateKey:
    """Return a fresh RSA key of 2,048 bits."""
    return rsa.generate_private_key(65537, 2048)


def public_bytes(key: rsa.RSAPrivateKey) -> bytes:
    """Return the public key as it crosses the wire: DER, SubjectPublicKeyInfo (RFC 5280, section 4.1)."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def encrypted(public: bytes, keys: bytes) -> bytes:
    """Return the AES keys encrypted under a public key that came off the wire.

    Raises:
        LabError: that is no RSA key.
    """
    try:
        key = serialization.load_der_public_key(public)
    except ValueError as error:
        msg = "What came is not a public key."
        raise LabError(msg) from error
    if not isinstance(key, rsa.RSAPublicKey):
        msg = "What came is not an RSA key."
        raise LabError(msg)
    return key.encrypt(keys, _OAEP)


def decrypted(key: rsa.RSAPrivateKey, sealed: bytes) -> bytes:
    """Return the AES keys, the one from near to far first.

    Raises:
        LabError: they were encrypted under another key.
    """
    try:
        return key.decrypt(sealed, _OAEP)
    except ValueError as error:
        msg = "The AES keys were encrypted under another RSA key."
        raise LabError(msg) from error


def codecs(keys: bytes) -> tuple[AesGcm, AesGcm]:
    """Return what seals from near to far, and what seals from far to near."""
    return AesGcm(keys[:KEY]), AesGcm(keys[KEY:])


def offering(key: rsa.RSAPrivateKey) -> Agree:
    """Return the far end's part: offer the public key, take what comes back."""

    async def agree(wire: Peer) -> tuple[Codec, Codec]:
        wire.writer.write(framed(public_bytes(key)))
        up, down = codecs(decrypted(key, await _received(wire)))
        return down, up

    return agree


def accepting(pinned: bytes | None = None) -> Agree:
    """Return the near end's part: take any public key, or only `pinned`, and answer with fresh AES keys."""

    async def agree(wire: Peer) -> tuple[Codec, Codec]:
        public = await _received(wire)
        if pinned is not None and public != pinned:
            msg = "That is not the far end's key."
            raise ConnectionAbortedError(msg)  # the relay ends the client's connection
        keys = secrets.token_bytes(2 * KEY)
        wire.writer.write(framed(encrypted(public, keys)))
        return codecs(keys)

    return agree


async def _received(peer: Peer) -> bytes:
    try:
        length = int.from_bytes(await peer.reader.readexactly(LENGTH), "big")
        return await peer.reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        msg = "The other end has gone before a key was agreed on."
        raise ConnectionAbortedError(msg) from error


def swapping(key: rsa.RSAPrivateKey) -> Callable[[Peer, Peer], Awaitable[None]]:
    """Return what the attacker's relay does: it puts its own public key in place of the far end's, and passes on."""

    async def meet(near: Peer, far: Peer) -> None:
        public = await _received(far)
        near.writer.write(framed(public_bytes(key)))
        keys = decrypted(key, await _received(near))
        far.writer.write(framed(encrypted(public, keys)))
        await asyncio.gather(pump(near, far), pump(far, near))

    return meet
