import subprocess
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes

from capture.schedule import (
    SUITES,
    KeyBlock,
    Suite,
    TrafficKeys,
    TrafficSecret,
    expand,
    prf,
    tls12_keys,
    traffic_keys,
    updated,
)
from tests.capture.traces import Trace, traces

TRACES = traces()
AES_128, AES_256, CHACHA = (SUITES[number] for number in (0x1301, 0x1302, 0x1303))
SECRET = bytes(range(48))


def test_suites_need_what_their_rfcs_say() -> None:
    # TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256 (RFC 8446, section B.4)
    sizes = [
        (suite.key_length, suite.hash.name, suite.fixed_iv, suite.explicit) for suite in (AES_128, AES_256, CHACHA)
    ]
    assert sizes == [(16, "sha256", 12, 0), (32, "sha384", 12, 0), (32, "sha256", 12, 0)]
    # TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 (RFC 5289), ..._CHACHA20_POLY1305_SHA256 (RFC 7905)
    sizes = [(suite.key_length, suite.hash.name, suite.fixed_iv, suite.explicit) for suite in _tls12()]
    assert sizes == [(16, "sha256", 4, 8), (32, "sha384", 4, 8), (32, "sha256", 12, 0)]


def _tls12() -> list[Suite]:
    return [SUITES[number] for number in (0xC02F, 0xC030, 0xCCA8)]


@pytest.mark.parametrize("trace", TRACES.values(), ids=lambda trace: trace.title)
def test_traffic_keys_against_rfc_8448(trace: Trace) -> None:
    for label, secret in trace.secrets.items():
        keys = traffic_keys(TrafficSecret(label, 0, secret), AES_128)
        assert (keys.key, keys.iv) == trace.keys[label]
        assert [made.output for made in keys.expanded] == [keys.key, keys.iv]
        # "key info" and "iv info" of section 3
        infos = [made.info.hex() for made in keys.expanded]
        assert infos == ["001009746c733133206b657900", "000c08746c73313320697600"]


def kdf(tool: Callable[[str], str], *options: str) -> bytes:
    command = [tool("openssl"), "kdf", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return bytes.fromhex(done.stdout.strip().replace(":", ""))


@pytest.mark.parametrize("suite", [AES_128, AES_256, CHACHA], ids=lambda suite: suite.hash.name + suite.aead.__name__)
def test_expanding_against_openssl(suite: Suite, tool: Callable[[str], str]) -> None:
    for label, length in (("key", suite.key_length), ("iv", 12), ("traffic upd", suite.hash.digest_size)):
        made = expand(SECRET, label, length, suite.hash())
        theirs = kdf(
            tool, "-keylen", str(length), "-kdfopt", f"digest:{suite.hash.name}", "-kdfopt", f"hexkey:{SECRET.hex()}",
            "-kdfopt", "prefix:tls13 ", "-kdfopt", f"label:{label}", "-kdfopt", "mode:EXPAND_ONLY", "TLS13-KDF",
        )  # fmt: skip
        assert made.output == theirs == expand(SECRET, label, length, suite.hash()).output
        assert made.label == label


@pytest.mark.parametrize("suite", _tls12(), ids=lambda suite: suite.hash.name + suite.aead.__name__)
def test_the_key_block_against_openssl(suite: Suite, tool: Callable[[str], str]) -> None:
    client, server = tls12_keys("CLIENT_RANDOM", SECRET, b"c" * 32, b"s" * 32, suite)
    made = client.secret
    assert isinstance(made, KeyBlock)
    assert made is server.secret
    assert made.seed == b"key expansion" + b"s" * 32 + b"c" * 32
    assert made.block == kdf(
        tool, "-keylen", str(2 * (suite.key_length + suite.fixed_iv)), "-kdfopt", f"digest:{suite.hash.name}",
        "-kdfopt", f"hexsecret:{SECRET.hex()}", "-kdfopt", "seed:key expansion",
        "-kdfopt", f"hexseed:{made.seed[13:].hex()}", "TLS1-PRF",
    )  # fmt: skip
    # cut as RFC 5246, section 6.3, lists it, whole and without a gap
    assert [part.name for part in made.parts] == [
        "client_write_key", "server_write_key", "client_write_IV", "server_write_IV",
    ]  # fmt: skip
    assert b"".join(part.value for part in made.parts) == made.block
    assert all(made.block[part.start : part.end] == part.value for part in made.parts)
    assert [client.key, server.key, client.iv, server.iv] == [part.value for part in made.parts]
    assert [len(keys.key) for keys in (client, server)] == [suite.key_length] * 2


def test_updates_follow_one_another() -> None:
    secret = TrafficSecret("CLIENT_TRAFFIC_SECRET_0", 0, SECRET)
    for generation in range(1, 4):
        after = updated(secret, AES_256)
        assert after.update is not None
        assert after.update == expand(secret.secret, "traffic upd", 48, hashes.SHA384())
        assert (after.generation, after.secret, after.previous) == (generation, after.update.output, secret)
        secret = after


def test_thousands_of_updates_can_be_shown_and_compared() -> None:
    secret = TrafficSecret("CLIENT_TRAFFIC_SECRET_0", 0, SECRET)
    for _ in range(5000):
        secret = updated(secret, AES_256)
    assert "generation=5000" in repr(secret)
    assert secret == TrafficSecret(secret.label, 5000, secret.secret, None, secret.update)
    keys = traffic_keys(secret, AES_256)
    assert isinstance(keys, TrafficKeys)
    assert keys.secret is secret


def test_expand_label_against_rfc_8448() -> None:
    # RFC 8448, section 3, "{server} derive write traffic keys for handshake data" and "for application data"
    handshake = bytes.fromhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
    assert expand(handshake, "key", 16, hashes.SHA256()).output.hex() == "3fce516009c21727d0f2e4e86ee403bc"
    assert expand(handshake, "iv", 12, hashes.SHA256()).output.hex() == "5d313eb2671276ee13000b30"
    application = bytes.fromhex("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643")
    assert expand(application, "key", 16, hashes.SHA256()).output.hex() == "9f02283b6c9c07efc26bb9f2ac92e356"
    assert expand(application, "iv", 12, hashes.SHA256()).output.hex() == "cf782b88dd83549aadf1e984"


def test_prf_against_a_published_vector() -> None:
    # P_SHA256 vector, https://mailarchive.ietf.org/arch/msg/tls/fzVCzk-z3FShgGJ6DOXqM1ydxms
    made = prf(
        bytes.fromhex("9bbe436ba940f017b17652849a71db35"),
        b"test label",
        bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c"),
        100,
        hashes.SHA256(),
    )
    assert made.hex() == (
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f707"
        "7def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66"
    )
