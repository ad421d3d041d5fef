import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from capture.decrypt import (
    Opened,
    expand_label,
    explicit_nonce,
    open_connection,
    overhead,
    plaintext_stream,
    prf,
    sealed_stream,
)
from capture.errors import CaptureError, KeyLogError, MalformedError
from capture.hello import ServerHello, parse_server_hello, server_hello
from capture.keylog import KeyLog, parse_keylog, read_keylog
from capture.readers import read_segments
from capture.registry import CIPHER_SUITES
from capture.streams import ByteStream
from capture.tls import RecordLayer, read_records

Layers = Callable[[Path], list[RecordLayer]]
OPENED = [
    *("tls12", "tls12-aes256", "tls12-chacha", "tls12-rsa", "tls12-resumed", "tls12-session-id", "tls12-psk"),
    *("tls13", "tls13-aes128", "tls13-chacha", "tls13-resumed", "tls13-retry", "tls13-key-update"),
]


def opened_streams(layers: list[RecordLayer], keylog: KeyLog) -> list[ByteStream]:
    found = []
    for client, server in zip(layers[::2], layers[1::2], strict=True):
        opened = open_connection(client, server, keylog)
        found += [plaintext_stream(layer.stream, part) for layer, part in zip((client, server), opened, strict=True)]
    return found


@pytest.mark.parametrize("name", OPENED)
def test_as_tshark_opens_it(name: str, data: Path, layers_of: Layers, tshark: Callable[..., list[str]]) -> None:
    keys = data / f"{name}.keys.txt"
    ours = opened_streams(layers_of(data / f"{name}.pcapng"), read_keylog(keys))
    server_port = ours[0].destination.port
    rows = tshark(
        *(data / f"{name}.pcapng", "-o", f"tls.keylog_file:{keys}", "-d", f"tls.port=={server_port},data", "-Tfields"),
        *("-Y", "tls and data", "-e", "tcp.srcport", "-e", "data.data"),
    )
    theirs: dict[int, bytes] = {}
    for row in rows:
        port, payload = row.split("\t")
        theirs[int(port)] = theirs.get(int(port), b"") + bytes.fromhex(payload.replace(",", ""))
    found: dict[int, bytes] = {}
    for stream in ours:
        found[stream.source.port] = found.get(stream.source.port, b"") + stream.data
    assert found == theirs
    assert b"anna\nhello, who is here?\n" in ours[0].data


@pytest.mark.parametrize("name", ["tls12", "tls12-chacha", "tls13", "tls13-key-update"])
def test_plaintext_stands_where_its_ciphertext_was_captured(name: str, data: Path, layers_of: Layers) -> None:
    layers = layers_of(data / f"{name}.pcapng")
    segments = {segment.frame: segment for segment in read_segments(data / f"{name}.pcapng", "scapy")}
    client, server = open_connection(layers[0], layers[1], read_keylog(data / f"{name}.keys.txt"))
    for layer, opened in zip(layers, (client, server), strict=True):
        stream = plaintext_stream(layer.stream, opened)
        at = 0
        for item in opened:
            if item.content_type != 23:
                continue
            ciphertext = item.record.fragment[item.body : item.body + len(item.plaintext)]
            found = b""
            for span in stream.locate(at, at + len(item.plaintext)):
                segment = segments[span.frame]
                found += segment.payload[span.first - segment.offset : span.last + 1 - segment.offset]
            assert found == ciphertext != item.plaintext
            at += len(item.plaintext)
        assert at == len(stream.data)


def test_key_updates_are_followed(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13-key-update.pcapng")
    opened = open_connection(client, server, read_keylog(data / "tls13-key-update.keys.txt"))
    # KeyUpdate, RFC 8446, section 4.6.3: type 24, one byte, 1 where the other side is asked for one too
    updates = [
        [item.plaintext for item in side if item.plaintext[:1] == b"\x18" and item.content_type == 22]
        for side in opened
    ]
    assert updates == [[b"\x18\0\0\1\0", b"\x18\0\0\1\1"] * 2, [b"\x18\0\0\1\0"] * 2]


def test_inner_types_and_what_they_hold(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13.pcapng")
    _, opened = open_connection(client, server, read_keylog(data / "tls13.keys.txt"))
    # EncryptedExtensions 8, Certificate 11, CertificateVerify 15, Finished 20, two NewSessionTickets 4
    assert [item.plaintext[0] for item in opened if item.content_type == 22] == [8, 11, 15, 20, 4, 4]
    assert opened[-1].plaintext.endswith(b"bye\n") or opened[-1].content_type == 21


def test_wrong_key_log(data: Path, layers_of: Layers) -> None:
    for name, other in (("tls13", "tls13-chacha"), ("tls12", "tls12-rsa"), ("tls12", "tls13"), ("tls13", "tls12")):
        client, server = layers_of(data / f"{name}.pcapng")
        with pytest.raises(KeyLogError, match="belongs to another session, or was cut short"):
            open_connection(client, server, read_keylog(data / f"{other}.keys.txt"))


def test_key_log_cut_short_anywhere(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13-aes128.pcapng")
    text = (data / "tls13-aes128.keys.txt").read_text()
    opened = 0
    for size in range(0, len(text), 7):
        try:
            open_connection(client, server, parse_keylog(text[:size]))
        except KeyLogError:
            continue
        opened += 1
        # only what comes after the four secrets that are needed may be missing
        whole = [
            line.split()[0] for line in text[:size].splitlines() if len(line) in {len(x) for x in text.splitlines()}
        ]
        assert {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET"} <= set(whole)
        assert {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"} <= set(whole)
    assert opened < size // 7


@pytest.mark.parametrize("name", ["tls12", "tls12-chacha", "tls13", "tls13-chacha"])
def test_one_changed_bit_opens_nothing(name: str, data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / f"{name}.pcapng")
    keylog = read_keylog(data / f"{name}.keys.txt")
    target = next(item.record for item in open_connection(client, server, keylog)[0] if item.content_type == 23)
    for at in (0, 9, len(target.fragment) // 2, len(target.fragment) - 1):
        content = bytearray(client.stream.data)
        content[target.start + 5 + at] ^= 1
        changed = read_records(replace(client.stream, data=bytes(content)))
        with pytest.raises(
            KeyLogError, match=rf"do not open record {target.index} \(frame \d+, bytes \d+-\d+\)"
        ) as raised:
            open_connection(changed, server, keylog)
        assert "anna" not in str(raised.value)


@pytest.mark.parametrize("name", ["tls12", "tls12-chacha", "tls13", "tls13-chacha"])
def test_records_too_short_for_their_suite(name: str, data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / f"{name}.pcapng")
    keylog = read_keylog(data / f"{name}.keys.txt")
    target = next(item.record for item in open_connection(client, server, keylog)[0] if item.content_type == 23)
    head = client.stream.data[: target.start]
    for length in range(len(target.fragment)):
        content = head + b"\x17\3\3" + length.to_bytes(2, "big") + target.fragment[:length]
        # the piece of the rest of the stream stays: only the first bytes of it are asked for
        changed = read_records(replace(client.stream, data=content))
        with pytest.raises(KeyLogError):
            open_connection(changed, server, keylog)


def test_suites_that_cannot_be_opened(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls12-cbc.pcapng")
    with pytest.raises(CaptureError, match="TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA is not one that this lab can open"):
        open_connection(client, server, read_keylog(data / "tls12-cbc.keys.txt"))


def test_only_suites_that_can_be_opened_are_said_to_be(tool: Callable[[str], str]) -> None:
    command = [tool("openssl"), "ciphers", "-stdname", "-V", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    hello = parse_server_hello(b"\3\3" + bytes(33) + b"\0\0\0")
    known = {replace(hello, cipher_suite=number).suite_name for number in CIPHER_SUITES if can_open(hello, number)}
    ours = {
        "AESGCM(128)": "SHA256",
        "AESGCM(256)": "SHA384",
        "CHACHA20/POLY1305(256)": "SHA256",
    }  # and what hash each comes with
    theirs = set()
    for line in done.stdout.splitlines():
        name, encryption = line.split()[2], line.partition(" Enc=")[2].split()[0]
        if encryption in ours:
            assert name.endswith(ours[encryption])
            theirs.add(name)
    assert known == theirs


def can_open(hello: ServerHello, number: int) -> bool:
    return overhead(replace(hello, cipher_suite=number)) is not None


def test_without_a_handshake(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "plain.pcapng")
    keylog = read_keylog(data / "tls13.keys.txt")
    with pytest.raises(CaptureError, match=r"handshake of .* is not in the capture"):
        open_connection(client, server, keylog)
    client, server = layers_of(data / "tls13.pcapng")
    with pytest.raises(CaptureError, match=r"handshake of .* is not in the capture"):
        open_connection(server, client, keylog)


def test_a_broken_hello(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13.pcapng")
    content = bytearray(client.stream.data)
    content[5 + 4 + 2 + 32] = 0xFF  # a session id of 255 bytes
    broken = read_records(replace(client.stream, data=bytes(content[:5]) + bytes(content[5:])))
    with pytest.raises(MalformedError):
        open_connection(broken, server, read_keylog(data / "tls13.keys.txt"))


def test_bytes_in_the_clear_at_the_start_of_a_fragment(data: Path, layers_of: Layers) -> None:
    found = {}
    for name in ("tls12", "tls12-aes256", "tls12-chacha", "tls12-cbc", "tls13", "tls13-chacha"):
        hello = server_hello(layers_of(data / f"{name}.pcapng")[1])
        assert hello is not None
        found[name] = explicit_nonce(hello)
    assert found == {"tls12": 8, "tls12-aes256": 8, "tls12-chacha": 0, "tls12-cbc": 0, "tls13": 0, "tls13-chacha": 0}


def test_no_application_data_is_an_empty_stream(data: Path, layers_of: Layers) -> None:
    client, _ = layers_of(data / "tls13.pcapng")
    opened = [Opened(client.records[0], 22, b"handshake", 0), Opened(client.records[0], 23, b"", 0)]
    assert plaintext_stream(client.stream, opened).data == b""


def test_expand_label_against_rfc_8448() -> None:
    # RFC 8448, section 3, "{server} derive write traffic keys for handshake data" and "for application data"
    handshake = bytes.fromhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
    assert expand_label(handshake, "key", 16, hashes.SHA256()).hex() == "3fce516009c21727d0f2e4e86ee403bc"
    assert expand_label(handshake, "iv", 12, hashes.SHA256()).hex() == "5d313eb2671276ee13000b30"
    application = bytes.fromhex("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643")
    assert expand_label(application, "key", 16, hashes.SHA256()).hex() == "9f02283b6c9c07efc26bb9f2ac92e356"
    assert expand_label(application, "iv", 12, hashes.SHA256()).hex() == "cf782b88dd83549aadf1e984"


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


@pytest.mark.parametrize("name", ["tls13", "tls13-retry", "tls12", "tls12-chacha"])
def test_what_is_sealed_is_what_tshark_calls_encrypted(
    name: str, data: Path, layers_of: Layers, tshark: Callable[..., list[str]]
) -> None:
    client, server = layers_of(data / f"{name}.pcapng")
    answer = server_hello(server)
    assert answer is not None
    rows = tshark(data / f"{name}.pcapng", "-Tfields", "-Y", "tls.app_data", "-e", "tcp.srcport", "-e", "tls.app_data")
    for layer in (client, server):
        sealed = sealed_stream(layer, answer)
        port = str(layer.stream.source.port)
        fragments = [f for row in rows if row.startswith(f"{port}\t") for f in row.split("\t")[1].split(",")]
        skip = 2 * explicit_nonce(answer)
        ours, theirs = sealed.data.hex(), "".join(fragment[skip:] for fragment in fragments)
        # in TLS 1.2 the Finished before and the alert after are encrypted too, and are no application data
        assert theirs in ours
        assert (ours == theirs) == name.startswith("tls13")
        assert b"localhost" not in sealed.data


def test_bytes_that_are_no_record_have_to_be_sealed_too(data: Path, layers_of: Layers) -> None:
    client = layers_of(data / "tls13.pcapng")[0]
    leak = replace(client.stream, data=client.stream.data[: client.records[2].start] + b"hello, who is here?\n")
    piece = replace(client.stream.pieces[0], length=len(leak.data))
    layer = read_records(replace(leak, pieces=(piece,)))
    assert layer.end == "malformed"
    assert b"hello, who is here?\n" in sealed_stream(layer, None).data
