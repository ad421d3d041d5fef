import base64
import os
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CTR, ECB
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import LabError
from lab.scenarios.codecs import AesCtrReused, AesEcb, AesGcm, Base64, Codec, RepeatingXor, framed

KEY, NONCE = bytes(range(16)), bytes(range(16, 32))
MAKERS: dict[str, Callable[[], Codec]] = {
    "base64": Base64,
    "xor": lambda: RepeatingXor(b"a key of 19 bytes.."),
    "ecb": lambda: AesEcb(KEY),
    "ctr": lambda: AesCtrReused(KEY, NONCE),
    "gcm": lambda: AesGcm(KEY),
}


@pytest.mark.parametrize("name", MAKERS)
@given(
    spoken=st.lists(st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"")), max_size=6),
    step=st.integers(1, 40),
)
def test_what_is_sealed_is_opened_however_it_arrives(name: str, spoken: list[bytes], step: int) -> None:
    sealing, opening = MAKERS[name](), MAKERS[name]()
    wire = b"".join(sealing.seal(line) for line in spoken)
    opened = [line for at in range(0, len(wire), step) for line in opening.open(wire[at : at + step])]
    assert opened == spoken


def test_base64_is_base64() -> None:
    assert Base64().seal("¿qué?".encode()) == base64.encodebytes("¿qué?".encode())
    with pytest.raises(LabError, match="not base64"):
        Base64().open(b"*\n")


def test_xor_knows_no_lines() -> None:
    codec, key = RepeatingXor(b"\x01\x02\x03"), b"\x01\x02\x03" * 4
    assert codec.seal(b"hola") + codec.seal(b"ab") == bytes(a ^ b for a, b in zip(b"hola\nab\n", key, strict=False))


def test_ecb_is_ecb() -> None:
    line = b"sixteen bytes it" * 2 + b"and more"
    padder, encryptor = PKCS7(128).padder(), Cipher(AES128(KEY), ECB()).encryptor()  # noqa: S305
    expected = encryptor.update(padder.update(line) + padder.finalize()) + encryptor.finalize()
    sealed = AesEcb(KEY).seal(line)
    assert sealed == len(expected).to_bytes(2, "big") + expected
    assert sealed[2:18] == sealed[18:34] != sealed[34:50]


def test_ctr_begins_each_line_anew() -> None:
    codec, line = AesCtrReused(KEY, NONCE), os.urandom(50)
    expected = Cipher(AES128(KEY), CTR(NONCE)).encryptor().update(line)
    assert codec.seal(line) == codec.seal(line) == framed(expected)


def test_gcm_counts() -> None:
    codec = AesGcm(KEY)
    first, second = codec.seal(b"hello"), codec.seal(b"hello")
    assert first != second
    assert AESGCM(KEY).decrypt((1).to_bytes(12, "big"), second[2:], None) == b"hello"


@pytest.mark.parametrize(
    ("name", "wire", "why"),
    [
        ("ecb", framed(bytes(16)), "AES-ECB"),
        ("ecb", framed(bytes(5)), "AES-ECB"),
        ("gcm", framed(bytes(20)), "AES-GCM"),
    ],
)
def test_what_was_not_sealed_so_is_refused(name: str, wire: bytes, why: str) -> None:
    with pytest.raises(LabError, match=why):
        MAKERS[name]().open(wire)


def test_gcm_notices_every_flipped_bit() -> None:
    sealed = AesGcm(KEY).seal(b"hello")
    for bit in range(16, 8 * len(sealed)):
        changed = (int.from_bytes(sealed, "big") ^ 1 << 8 * len(sealed) - 1 - bit).to_bytes(len(sealed), "big")
        with pytest.raises(LabError):
            AesGcm(KEY).open(changed)
