import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from chat.client import Client
from chat.errors import ChatError
from chat.server import Server
from lab.errors import LabError
from lab.scenarios.fakes.rsa_exchange import (
    KEY,
    accepting,
    codecs,
    decrypted,
    encrypted,
    new_key,
    offering,
    public_bytes,
    swapping,
)
from lab.scenarios.relay import Peer, passing, relay
from lab.scenarios.tunnel import far_end, near_end


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return new_key()


@pytest.fixture(scope="module")
def attackers() -> rsa.RSAPrivateKey:
    return new_key()


def enter(key: rsa.RSAPrivateKey, meet: Callable[[Peer, Peer], Awaitable[None]] | None, pinned: bytes | None) -> str:
    """Enter the chat over a relay; return the welcome."""

    async def main() -> str:
        async with (
            Server(port=0, hosts=("127.0.0.1",)) as server,
            far_end(server.address[1], offering(key)) as far,
            relay(far, meet or passing(lambda: bytes, lambda: bytes)) as wire,
            near_end(wire, accepting(pinned)) as near,
            await Client.connect("127.0.0.1", near, "anna") as client,
        ):
            return client.welcome

    return asyncio.run(main())


def test_both_ends_agree_alone_and_with_the_attacker_between(
    key: rsa.RSAPrivateKey, attackers: rsa.RSAPrivateKey
) -> None:
    welcome = "* welcome, anna. 1 here: anna"
    assert enter(key, None, None) == enter(key, None, public_bytes(key)) == welcome
    assert enter(key, swapping(attackers), None) == welcome


def test_who_knows_the_key_refuses_another(key: rsa.RSAPrivateKey, attackers: rsa.RSAPrivateKey) -> None:
    with pytest.raises(ChatError, match="closed the connection before it let you in"):
        enter(key, swapping(attackers), public_bytes(key))


def test_an_end_that_goes_too_early_takes_the_client_along(key: rsa.RSAPrivateKey) -> None:
    async def short(near: Peer, far: Peer) -> None:
        near.writer.write((await far.reader.read(1 << 16))[:100])

    with pytest.raises(ChatError, match="closed the connection before it let you in"):
        enter(key, short, None)


def test_openssl_opens_the_keys_too(key: rsa.RSAPrivateKey, tmp_path: Path, tool: Callable[[str], str]) -> None:
    keys = os.urandom(2 * KEY)
    sealed = encrypted(public_bytes(key), keys)
    assert decrypted(key, sealed) == keys
    pem = tmp_path / "key.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    command = [tool("openssl"), "pkeyutl", "-decrypt", "-inkey", str(pem)]
    command += ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"]
    assert subprocess.run(command, input=sealed, capture_output=True, check=True, timeout=30).stdout == keys


def test_another_key_opens_nothing(key: rsa.RSAPrivateKey, attackers: rsa.RSAPrivateKey) -> None:
    with pytest.raises(LabError, match="another RSA key"):
        decrypted(attackers, encrypted(public_bytes(key), os.urandom(2 * KEY)))


def test_what_is_no_rsa_key_is_refused() -> None:
    with pytest.raises(LabError, match="not a public key"):
        encrypted(b"nothing", b"keys")
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = other.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(LabError, match="not an RSA key"):
        encrypted(der, b"keys")


def test_each_direction_has_its_key() -> None:
    up, down = codecs(bytes(KEY) + bytes([1] * KEY))
    sealed = up.seal(b"hello")
    assert codecs(bytes(KEY) + bytes([1] * KEY))[0].open(sealed) == [b"hello"]
    with pytest.raises(LabError):
        down.open(sealed)
