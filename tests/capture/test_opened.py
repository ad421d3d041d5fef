"""Record protection by itself; tests/capture/test_decrypt.py has it with real handshakes around it."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import KeyLogError
from capture.opened import Protector, UnopenedError
from capture.schedule import SUITES, TrafficSecret, tls12_keys, traffic_keys
from tests.capture.traces import layer

SECRET = bytes(32)
KEYS_13 = traffic_keys(TrafficSecret("CLIENT_TRAFFIC_SECRET_0", 0, SECRET), SUITES[0x1301])
# of TLS 1.2: AES-GCM with its explicit nonce, and ChaCha20-Poly1305 without
KEYS_12 = {
    number: tls12_keys("CLIENT_RANDOM", SECRET, SECRET, SECRET, SUITES[number])[0] for number in (0xC02F, 0xCCA8)
}


def sealed13(inner: bytes, sequence: int) -> bytes:
    nonce = KEYS_13.iv[:4] + (int.from_bytes(KEYS_13.iv[4:], "big") ^ sequence).to_bytes(8, "big")
    header = b"\x17\3\3" + (len(inner) + 16).to_bytes(2, "big")
    return header + AESGCM(KEYS_13.key).encrypt(nonce, inner, header)


def sealed12(number: int, plaintext: bytes, sequence: int, explicit: bytes) -> bytes:
    keys = KEYS_12[number]
    aad = sequence.to_bytes(8, "big") + b"\x17\3\3" + len(plaintext).to_bytes(2, "big")
    if number == 0xC02F:
        body = explicit + AESGCM(keys.key).encrypt(keys.iv + explicit, plaintext, aad)
    else:
        nonce = keys.iv[:4] + (int.from_bytes(keys.iv[4:], "big") ^ sequence).to_bytes(8, "big")
        body = ChaCha20Poly1305(keys.key).encrypt(nonce, plaintext, aad)
    return b"\x17\3\3" + len(body).to_bytes(2, "big") + body


@given(contents=st.lists(st.tuples(st.binary(max_size=40), st.integers(1, 255), st.integers(0, 300)), max_size=6))
def test_what_is_sealed_opens_with_what_it_was_sealed_with(contents: list[tuple[bytes, int, int]]) -> None:
    records = [
        sealed13(plaintext + bytes([kind]) + bytes(padding), number)
        for number, (plaintext, kind, padding) in enumerate(contents)
    ]
    protector = Protector(KEYS_13)
    for number, (record, wanted) in enumerate(zip(layer(records, from_client=True).records, contents, strict=True)):
        opened = protector.open13(record)
        assert opened is not None
        assert (opened.plaintext, opened.content_type, opened.padding) == wanted
        assert (opened.sequence, opened.keys, protector.sequence) == (number, KEYS_13, number + 1)
        assert record.fragment == opened.ciphertext + opened.tag
        assert len(opened.tag) == 16


@pytest.mark.parametrize("number", KEYS_12)
def test_tls_1_2(number: int) -> None:
    explicit = [b"8 bytes!", b"\0" * 8]
    records = [sealed12(number, plaintext, n, explicit[n]) for n, plaintext in enumerate((b"hello", b""))]
    protector = Protector(KEYS_12[number])
    opened = [protector.open12(record) for record in layer(records, from_client=True).records]
    assert [item and item.plaintext for item in opened] == [b"hello", b""]
    first = opened[0]
    assert first is not None
    gcm = number == 0xC02F
    assert first.body == (8 if gcm else 0)
    assert first.nonce == (KEYS_12[number].iv + explicit[0] if gcm else KEYS_12[number].iv)
    assert first.aad.hex() == "00000000000000001703030005"
    assert first.record.fragment == (explicit[0] if gcm else b"") + first.ciphertext + first.tag


def test_what_does_not_open_is_not_counted() -> None:
    good, later = sealed13(b"a\x17", 0), sealed13(b"b\x17", 1)
    changed = good[:-1] + bytes([good[-1] ^ 1])
    short = b"\x17\3\3\0\x0f" + bytes(15)
    records = layer([later, changed, short, good, later], from_client=True).records
    protector = Protector(KEYS_13)
    opened = [protector.open13(record) for record in records]
    assert [item and item.plaintext for item in opened] == [None, None, None, b"a", b"b"]
    twelve = Protector(KEYS_12[0xC02F])
    assert [twelve.open12(record) for record in records] == [None] * 5
    assert twelve.sequence == 0


@pytest.mark.parametrize(("from_client", "side"), [(True, "client"), (False, "server")])
def test_the_error_names_the_record(from_client: bool, side: str) -> None:
    records = layer([sealed13(b"a\x17", 0)] * 2, from_client=from_client).records
    error = UnopenedError(records[1])
    assert error.record is records[1]
    assert isinstance(error, KeyLogError)
    assert f"record 1 of the {side} (frame 1, bytes 89-111)" in str(error)
