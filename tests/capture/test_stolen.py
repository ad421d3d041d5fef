import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.decrypt import open_connection, plaintext_stream
from capture.errors import CaptureError, KeyLogError, MalformedError
from capture.handshake import read_handshake
from capture.keylog import read_keylog
from capture.readers import read_segments
from capture.stolen import KeyExchange, NothingForKeyError, key_exchange, recover
from capture.streams import ByteStream, Piece, reassemble
from capture.tls import HANDSHAKE, RecordLayer, read_records
from tests.capture.dissected import DATA, dissect

Layers = Callable[[Path], list[RecordLayer]]
Tshark = Callable[..., list[str]]

STOLEN = {"keys-rsa": True, "keys-no-ems": False}  # whether the master secret is an extended one
# The fields of a key exchange, by Wireshark's names.
SHARES = ("epms", "server_point", "client_point", "extensions_key_share_key_exchange")


def private(name: str) -> rsa.RSAPrivateKey:
    key = load_pem_private_key((DATA / f"{name}.key.pem").read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def pairs(name: str) -> list[tuple[RecordLayer, RecordLayer]]:
    layers = [read_records(stream) for stream in reassemble(read_segments(DATA / f"{name}.pcapng", "scapy"))]
    return list(zip(layers[::2], layers[1::2], strict=True))


def layer_of(stream: ByteStream, data: bytes) -> RecordLayer:
    """The records of other bytes in place of a stream's, in one frame."""
    return read_records(replace(stream, data=data, pieces=(Piece(0, len(data), 1, 66, 0),), gaps=()))


def changed(layer: RecordLayer, old: bytes, new: bytes) -> RecordLayer:
    data = layer.stream.data
    assert data.count(old) == 1
    return layer_of(layer.stream, data.replace(old, new))


@pytest.fixture(scope="module")
def other_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("name", STOLEN)
def test_the_secrets_that_openssl_logged(name: str) -> None:
    keylog = read_keylog(DATA / f"{name}.keys.txt")
    for client, server in pairs(name):
        found = recover(client, server, private(name))
        assert found.extended is STOLEN[name]
        assert dict(found.keylog) == {("CLIENT_RANDOM", found.client_random): found.master}
        assert keylog["CLIENT_RANDOM", found.client_random] == found.master
        (share,) = found.exchange.shares
        if name == "keys-no-ems":  # the client has logged it, and it notes the premaster secret, too
            assert keylog["RSA", share.data[:8]] == found.premaster


@pytest.mark.parametrize("name", STOLEN)
def test_as_tshark_opens_it_with_the_key(name: str, tshark: Tshark) -> None:
    key = private(name)
    port = pairs(name)[0][0].stream.destination.port
    rows = tshark(
        *(DATA / f"{name}.pcapng", "-o", f'uat:rsa_keys:"{DATA / name}.key.pem",""', "-d", f"tls.port=={port},data"),
        *("-d", f"tcp.port=={port},tls", "-Y", "tls and data"),
        *("-Tfields", "-e", "tcp.srcport", "-e", "tcp.dstport", "-e", "data.data"),
    )
    theirs: dict[tuple[int, int], str] = {}
    for row in rows:
        source, destination, payload = row.split("\t")
        ends = int(source), int(destination)
        theirs[ends] = theirs.get(ends, "") + payload.replace(",", "")
    ours: dict[tuple[int, int], str] = {}
    for client, server in pairs(name):
        opened = open_connection(client, server, recover(client, server, key).keylog)
        for layer, part in zip((client, server), opened, strict=True):
            stream = plaintext_stream(layer.stream, part)
            ours[stream.source.port, stream.destination.port] = stream.data.hex()
    assert ours == theirs
    assert any(b"hello" in bytes.fromhex(said).lower() for said in ours.values())


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("keys-rsa", "RSA"),
        ("tls12-rsa", "RSA"),
        ("tls12", "ECDHE_RSA (x25519)"),
        ("tls12-chacha", "ECDHE_RSA (x25519)"),
        ("tls12-cbc", "ECDHE_RSA (x25519)"),
        ("tls13", "(EC)DHE (x25519)"),
        ("tls13-chacha", "(EC)DHE (x25519)"),
        ("tls13-resumed", "(EC)DHE (x25519)"),
        ("tls13-retry", "(EC)DHE (secp256r1)"),
        ("tls13-groups", "(EC)DHE (x448)"),
    ],
)
def test_the_key_exchange_stands_where_tshark_has_it(name: str, method: str, tshark: Tshark) -> None:
    shown = {
        (field.frame, field.at, field.size, field.value)
        for field in dissect(tshark, DATA / f"{name}.pcapng")
        if field.name.removeprefix("tls.handshake.") in SHARES
    }
    found = [key_exchange(*pair) for pair in pairs(name)]
    assert {str(exchange) for exchange in found} == {method}
    ours = set()
    for exchange in found:
        assert len(exchange.shares) == (1 if method == "RSA" else 2)
        for share in exchange.shares:
            (span,) = share.spans
            ours.add((span.frame, span.first, span.last + 1 - span.first, share.data.hex()))
    if name == "tls13-retry":  # the client offers a share that is not taken
        assert ours < shown
    else:
        assert ours == shown


@pytest.mark.parametrize("name", ["tls12", "tls12-chacha", "tls12-psk", "tls13", "tls13-chacha", "tls13-retry"])
def test_where_nothing_was_encrypted_to_the_key(name: str) -> None:
    ((client, server),) = pairs(name)
    with pytest.raises(NothingForKeyError, match=r"Nothing was encrypted to the server's key") as raised:
        recover(client, server, private("keys-rsa"))
    assert raised.value.exchange == key_exchange(client, server)
    for span in raised.value.exchange.spans:
        assert str(span) in str(raised.value)
    assert not isinstance(raised.value, KeyLogError)


def test_a_pre_shared_key_is_no_server_key() -> None:
    ((client, server),) = pairs("tls12-psk")
    found = key_exchange(client, server)
    assert (found.method, found.group) == ("PSK", None)
    (share,) = [share for share in found.shares if share.message == "ClientKeyExchange"]
    assert b"Client_identity" in share.data


@pytest.mark.parametrize("name", STOLEN)
def test_a_key_of_another_server(name: str, other_key: rsa.RSAPrivateKey) -> None:
    for client, server in pairs(name):
        with pytest.raises(KeyLogError, match="not the one of the server's certificate"):
            recover(client, server, other_key)


def test_a_key_that_the_certificate_is_changed_for(other_key: rsa.RSAPrivateKey) -> None:
    """Decryption alone must notice it: OpenSSL from 3.2 on gives other bytes instead of an error."""
    client, server = pairs("keys-no-ems")[0]
    moduli = [key.public_key().public_numbers().n.to_bytes(256, "big") for key in (private("keys-no-ems"), other_key)]
    with pytest.raises(KeyLogError, match=r"does not decrypt the premaster secret \(frame \d+, bytes \d+-\d+\)"):
        recover(client, changed(server, *moduli), other_key)


@pytest.mark.parametrize("name", STOLEN)
def test_a_premaster_secret_that_was_changed(name: str) -> None:
    client, server = pairs(name)[0]
    sent = key_exchange(client, server).shares[0].data
    for altered in (bytes(256), sent[:-1] + bytes([sent[-1] ^ 1]), b"\xff" * 256):
        with pytest.raises(KeyLogError, match="does not decrypt"):
            recover(changed(client, sent, altered), server, private(name))


@pytest.mark.parametrize(
    ("premaster", "match"),
    [
        (b"\3\3" + bytes(46), None),
        (b"\3\1" + bytes(46), "does not decrypt"),
        (b"\3\3" + bytes(45), "does not decrypt"),
        (b"\3\3" + bytes(47), "does not decrypt"),
        (b"", "does not decrypt"),
    ],
)
def test_another_premaster_secret(premaster: bytes, match: str | None) -> None:
    """One that keeps to the rules is given out, and then opens no record."""
    client, server = pairs("keys-no-ems")[0]
    key = private("keys-no-ems")
    forged = changed(
        client, key_exchange(client, server).shares[0].data, key.public_key().encrypt(premaster, padding.PKCS1v15())
    )
    if match is not None:
        with pytest.raises(KeyLogError, match=match):
            recover(forged, server, key)
        return
    found = recover(forged, server, key)
    assert found.premaster == premaster
    with pytest.raises(KeyLogError, match="do not open record"):
        open_connection(forged, server, found.keylog)


def test_the_whole_handshake_counts() -> None:
    """An extended master secret hangs on every byte of it (RFC 7627); without, on the randoms alone."""
    for name, extended in STOLEN.items():
        client, server = pairs(name)[0]
        before = recover(client, server, private(name))
        # another name asked for, as long as the old one
        other = recover(changed(client, b"localhost", b"elsewhere"), server, private(name))
        assert other.premaster == before.premaster
        assert (other.master != before.master) is extended


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("name", STOLEN)
def test_a_handshake_in_many_records(name: str, size: int) -> None:
    client, server = pairs(name)[0]
    whole = recover(client, server, private(name))

    def cut(layer: RecordLayer) -> RecordLayer:
        out = b""
        clear = True
        for record in layer.records:
            clear &= record.content_type == HANDSHAKE
            step = size if clear else len(record.fragment)
            for at in range(0, len(record.fragment), step):
                part = record.fragment[at : at + step]
                out += record.header[:3] + len(part).to_bytes(2, "big") + part
        return layer_of(layer.stream, out)

    parts = recover(cut(client), cut(server), private(name))
    assert (parts.premaster, parts.master) == (whole.premaster, whole.master)


def test_a_resumed_session() -> None:
    first, second = pairs("tls12-resumed")
    assert key_exchange(*first).method == "ECDHE_RSA"
    with pytest.raises(CaptureError, match="no ClientKeyExchange in the capture: it was cut short, or an earlier"):
        key_exchange(*second)


def test_no_handshake() -> None:
    client, server = pairs("keys-rsa")[0]
    nothing = layer_of(server.stream, server.stream.data[server.records[2].start :])
    match = r"The handshake of 127\.0\.0\.1:\d+ with .* is not in the capture"
    with pytest.raises(CaptureError, match=match):
        key_exchange(client, nothing)
    with pytest.raises(CaptureError, match=match):
        recover(client, nothing, private("keys-rsa"))


def test_an_older_tls() -> None:
    client, server = pairs("keys-rsa")[0]
    data = server.stream.data
    assert data[9:11] == b"\3\3"
    older = layer_of(server.stream, data[:9] + b"\3\2" + data[11:])
    with pytest.raises(CaptureError, match=r"TLS 1\.2 alone"):
        recover(client, older, private("keys-rsa"))


def test_a_length_that_does_not_fit() -> None:
    client, server = pairs("keys-rsa")[0]
    sent = key_exchange(client, server).shares[0].data
    for length in (255, 257):
        broken = changed(client, b"\1\0" + sent, length.to_bytes(2, "big") + sent)
        with pytest.raises(MalformedError):
            recover(broken, server, private("keys-rsa"))


_PAIRS = {name: pairs(name)[0] for name in ("keys-no-ems", "keys-rsa", "tls12", "tls13")}
_KEYS = {name: private(name if name in STOLEN else "keys-rsa") for name in _PAIRS}


@given(data=st.data())
@settings(max_examples=300)
def test_whatever_was_captured(data: st.DataObject) -> None:
    """A changed handshake gives the same answers or an error of ours, never another exception."""
    name = data.draw(st.sampled_from(["keys-no-ems", "keys-rsa", "tls12", "tls13"]))
    client, server = _PAIRS[name]
    side = data.draw(st.integers(0, 1))
    altered = bytearray((client, server)[side].stream.data[:2000])
    for _ in range(data.draw(st.integers(1, 4))):
        altered[data.draw(st.integers(0, len(altered) - 1))] = data.draw(st.integers(0, 255))
    layer = layer_of((client, server)[side].stream, bytes(altered))
    both = (layer, server) if side == 0 else (client, layer)
    try:
        assert isinstance(key_exchange(*both), KeyExchange)
        assert len(recover(*both, _KEYS[name]).master) == 48
    except CaptureError:
        pass


def test_the_shipped_key_is_the_one_of_the_shipped_certificate(tool: Callable[[str], str]) -> None:
    for name in STOLEN:
        chain = read_handshake(*pairs(name)[0]).server_certificate
        assert chain is not None
        certificate = x509.load_der_x509_certificate(chain.certificates[0])
        asked = [tool("openssl"), "rsa", "-in", str(DATA / f"{name}.key.pem"), "-noout", "-modulus"]
        said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30).stdout
        public = certificate.public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        assert re.fullmatch(r"Modulus=([0-9A-F]+)\n", said)
        assert int(said.partition("=")[2], 16) == public.public_numbers().n


def with_suite(server: RecordLayer, suite: int) -> RecordLayer:
    """A server that chose another suite: its number stands behind header, version, random and session id."""
    data = server.stream.data
    at = 5 + 4 + 2 + 32 + 1 + data[43]
    return layer_of(server.stream, data[:at] + suite.to_bytes(2, "big") + data[at + 2 :])


@pytest.mark.parametrize(
    ("suite", "method"),
    [(0x00AC, "RSA_PSK"), (0xC031, "0xc031")],  # RFC 5487; ECDH_RSA, RFC 5289, is no name here
)
def test_what_depends_on_the_key_in_another_way_is_not_said_to_be_safe(suite: int, method: str) -> None:
    client, server = pairs("keys-rsa")[0]
    with pytest.raises(CaptureError, match=f"{method} is not one that can be opened here") as caught:
        recover(client, with_suite(server, suite), private("keys-rsa"))
    assert not isinstance(caught.value, NothingForKeyError)


def test_an_identity_before_the_point_is_no_broken_rule() -> None:
    client, server = pairs("keys-rsa")[0]
    # TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256: ClientKeyExchange begins with an identity and its length (RFC 5489)
    assert key_exchange(client, with_suite(server, 0xC037)).method == "ECDHE_PSK"


def test_a_server_that_was_not_captured_to_its_last_word() -> None:
    client, server = pairs("keys-rsa")[0]
    done = b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00"
    with pytest.raises(CaptureError, match="no ServerHelloDone"):
        recover(client, changed(server, done, b""), private("keys-rsa"))
