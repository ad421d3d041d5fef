import hashlib
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from capture.decrypt import explicit_nonce, open_connection, open_sides, overhead, plaintext_stream, sealed_stream
from capture.errors import CaptureError, KeyLogError, MalformedError
from capture.hello import ServerHello, client_hello, parse_server_hello, server_hello
from capture.keylog import KeyLog, parse_keylog, read_keylog
from capture.opened import Opened, UnopenedError
from capture.readers import read_segments
from capture.registry import CIPHER_SUITES
from capture.schedule import TrafficSecret
from capture.streams import ByteStream
from capture.tls import RecordLayer, read_records
from tests.capture.traces import expand_label as expand_by_hand
from tests.capture.traces import layer as layer_of
from tests.capture.traces import master_of, traces

Layers = Callable[[Path], list[RecordLayer]]
OPENED = [
    *("tls12", "tls12-aes256", "tls12-chacha", "tls12-rsa", "tls12-resumed", "tls12-session-id", "tls12-psk"),
    *("tls13", "tls13-aes128", "tls13-chacha", "tls13-resumed", "tls13-retry", "tls13-key-update", "tls13-padded"),
]


def opened_streams(layers: list[RecordLayer], keylog: KeyLog) -> list[ByteStream]:
    found = []
    for client, server in zip(layers[::2], layers[1::2], strict=True):
        opened = open_connection(client, server, keylog)
        found += [plaintext_stream(layer.stream, part) for layer, part in zip((client, server), opened, strict=True)]
    return found


@pytest.mark.parametrize("name", ["tls12", "tls12-resumed", "tls13", "tls13-key-update", "tls13-padded"])
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
    assert 0 < opened < size // 7


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
            KeyLogError, match=rf"do not open record {target.index} of the client \(frame \d+, bytes"
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
    client, server = layers_of(data / "tls13.pcapng")
    opened = open_connection(client, server, read_keylog(data / "tls13.keys.txt"))[0]
    silent = [*(item for item in opened if item.content_type != 23), replace(opened[0], content_type=23, plaintext=b"")]
    assert plaintext_stream(client.stream, silent).data == b""


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


TRACES = traces()


@pytest.mark.parametrize("section", TRACES)
def test_rfc_8448_record_by_record(section: int) -> None:
    """Every record of the trace opens, under the keys and IVs published, numbered from 0 under each of them."""
    trace = TRACES[section]
    layers = trace.layers()
    opened = open_connection(*layers, trace.keylog())
    for layer, items, from_client in zip(layers, opened, (True, False), strict=True):
        assert layer.end == "complete"
        sealed = [record for record in trace.sent(from_client=from_client) if record[0] == 23]
        assert [layer.stream.data[item.record.start : item.record.end] for item in items] == sealed
        counted: dict[str, int] = {}
        for item, record in zip(items, sealed, strict=True):
            made = item.keys.secret
            assert isinstance(made, TrafficSecret)
            assert made.secret == trace.secrets[made.label]
            key, iv = trace.keys[made.label]
            assert (item.keys.key, item.keys.iv) == (key, iv)
            number = counted.get(made.label, 0)
            counted[made.label] = number + 1
            assert item.sequence == number
            assert item.nonce == iv[:-1] + bytes([iv[-1] ^ number])
            assert (item.aad, item.ciphertext + item.tag, item.padding) == (record[:5], record[5:], 0)
            inner = AESGCM(key).decrypt(item.nonce, record[5:], record[:5])
            assert inner == item.plaintext + bytes([item.content_type])
        used = {label for label in trace.secrets if label.startswith("CLIENT") == from_client}
        assert set(counted) == used
    ours, theirs = ([item.plaintext for item in side if item.content_type == 21] for side in opened)
    assert ours == theirs == [b"\1\0"]  # close_notify
    said = [[item.plaintext for item in side if item.content_type == 23] for side in opened]
    payload = bytes(range(50))
    assert said == {3: [[payload], [payload]], 4: [[b"ABCDEF", payload], [payload]]}.get(section, [[], []])


@pytest.mark.parametrize("section", TRACES)
def test_rfc_8448_every_byte_of_the_handshake(section: int) -> None:
    """The secrets published are made of a hash over every handshake message: what was opened must be what was sent."""
    trace = TRACES[section]
    client, server = trace.layers()
    opened = open_connection(client, server, trace.keylog())
    clear = [[r.fragment for r in layer.records if r.content_type == 22] for layer in (client, server)]
    ours, theirs = ([item.plaintext for item in side if item.content_type == 22] for side in opened)
    # the messages in the order of the transcript, RFC 8446, section 4.4.1
    transcript = [clear[0][0], clear[1][0]]
    if len(clear[0]) == 2:  # a HelloRetryRequest: the first ClientHello counts as its hash
        first = b"\xfe\0\0\x20" + hashlib.sha256(clear[0][0]).digest()
        transcript = [first, clear[1][0], clear[0][1], clear[1][1]]
    transcript.append(theirs[0])
    if "early" in trace.others:
        early = expand_by_hand(trace.others["early"], "c e traffic", hashlib.sha256(clear[0][0]).digest())
        assert early == trace.secrets["CLIENT_EARLY_TRAFFIC_SECRET"]
    master = trace.others.get("master") or master_of(trace.others["handshake"])
    so_far = hashlib.sha256(b"".join(transcript)).digest()
    assert expand_by_hand(master, "c ap traffic", so_far) == trace.secrets["CLIENT_TRAFFIC_SECRET_0"]
    assert expand_by_hand(master, "s ap traffic", so_far) == trace.secrets["SERVER_TRAFFIC_SECRET_0"]
    whole = hashlib.sha256(b"".join(transcript + ours)).digest()
    assert expand_by_hand(master, "res master", whole) == trace.others["res master"]


def test_rfc_8448_the_ticket_is_the_one_that_the_next_section_brings() -> None:
    _, opened = open_connection(*TRACES[3].layers(), TRACES[3].keylog())
    ticket = next(item.plaintext for item in opened if item.plaintext[:1] == b"\4")
    hello = client_hello(TRACES[4].layers()[0])
    assert hello is not None
    (identity,) = hello.psk_identities
    # type and length, lifetime 30, ticket_age_add, nonce 0000, the ticket, early_data up to 1024 (RFC 8446, 4.6.1)
    assert ticket == bytes.fromhex("040000c9 0000001e fad6aac5 02 0000 00b2") + identity + bytes.fromhex(
        "0008 002a 0004 00000400"
    )


def decrypted(tshark: Callable[..., list[str]], capture: Path, keys: Path) -> list[tuple[int, list[bytes]]]:
    """Return the frames that tshark decrypts something in, and the bytes of each record that it decrypts there."""
    # -P puts a line before each frame that begins with its number; each data source has a hexdump of its own
    found: list[tuple[int, list[bytes]]] = []
    block: bytearray | None = None
    for line in tshark(capture, "-o", f"tls.keylog_file:{keys}", "-Y", "tls", "-P", "-x"):
        if summary := re.match(r" *(\d+) +\d+\.\d+ ", line):
            found.append((int(summary[1]), []))
            block = None
        elif line.endswith((" bytes):", " byte):")):
            block = None
            if line.startswith("Decrypted TLS"):
                found[-1][1].append(b"")
                block = bytearray()
        elif block is not None and re.match(r"[0-9a-f]{4,}  ", line):
            found[-1][1][-1] += bytes.fromhex(line.split("  ")[1])
    return [(frame, blocks) for frame, blocks in found if blocks]


@pytest.mark.parametrize(
    "name", [*OPENED, "tls13-groups", "tls13-early", "tls13-early-refused", "tls12-alpn", "renegotiated"]
)
def test_every_record_as_tshark_decrypts_it(
    name: str, data: Path, layers_of: Layers, tshark: Callable[..., list[str]]
) -> None:
    """Handshakes, tickets, key updates, words and alerts, of both directions, byte for byte."""
    keys = data / f"{name}.keys.txt"
    layers = layers_of(data / f"{name}.pcapng")
    ours: dict[int, list[bytes]] = {}
    for client, server in zip(layers[::2], layers[1::2], strict=True):
        sealed = 0
        for layer, opened in zip((client, server), open_connection(client, server, read_keylog(keys)), strict=True):
            sealed += sum(record.content_type == 23 for record in layer.records)
            for item in opened:
                frame = item.record.stream.locate(item.record.start, item.record.end)[-1].frame
                ours.setdefault(frame, []).append(item.plaintext)
        assert sealed
    theirs = decrypted(tshark, data / f"{name}.pcapng", keys)
    assert sorted(ours.items()) == theirs
    assert sum(map(len, ours.values())) >= sealed


def test_each_suite_is_tested(data: Path, layers_of: Layers) -> None:
    found = set()
    for name in OPENED:
        hello = server_hello(layers_of(data / f"{name}.pcapng")[1])
        assert hello is not None
        found.add(re.sub("TLS_(ECDHE_)?RSA_WITH_", "TLS 1.2 ", hello.suite_name))
    gcm, chacha = "_GCM_SHA", "CHACHA20_POLY1305_SHA256"
    assert found >= {f"TLS_AES_128{gcm}256", f"TLS_AES_256{gcm}384", f"TLS_{chacha}"}
    assert found >= {f"TLS 1.2 AES_128{gcm}256", f"TLS 1.2 AES_256{gcm}384", f"TLS 1.2 {chacha}"}


def test_padding_is_taken_off_and_counted(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13-padded.pcapng")
    opened = open_connection(client, server, read_keylog(data / "tls13-padded.keys.txt"))
    # openssl -record_padding: what is inside, with its type, is a multiple of 64, or of 100
    for side, block in zip(opened, (64, 100), strict=True):
        assert {(len(item.plaintext) + 1 + item.padding) % block for item in side} == {0}
        assert all(0 <= item.padding < block for item in side)
        assert len({item.padding for item in side}) > 3
    assert {len(item.record.fragment) for item in opened[0]} == {80}


def test_early_data(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13-early.pcapng")[2:]
    opened = open_connection(client, server, read_keylog(data / "tls13-early.keys.txt"))[0]
    assert [label(item) for item in opened[:3]] == ["CLIENT_EARLY_TRAFFIC_SECRET"] * 2 + [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
    ]
    assert opened[0].plaintext == b"anna\nhello, who is here?\n"
    assert opened[1].plaintext == b"\5\0\0\0"  # EndOfEarlyData


def label(item: Opened) -> str:
    return item.keys.secret.label


def test_early_data_that_the_server_does_not_take(data: Path, layers_of: Layers) -> None:
    """Then the client sends no end of it (RFC 8446, section 4.2.10), and goes on with the keys of the handshake."""
    client, server = layers_of(data / "tls13-early-refused.pcapng")[2:]
    opened = open_connection(client, server, read_keylog(data / "tls13-early-refused.keys.txt"))[0]
    answer = server_hello(server)
    assert answer is not None
    # the session resumed had another suite, and that is the one of early data
    assert answer.suite_name == "TLS_AES_128_GCM_SHA256"
    assert [(label(item).removeprefix("CLIENT_"), item.keys.suite.key_length) for item in opened[:3]] == [
        ("EARLY_TRAFFIC_SECRET", 32), ("HANDSHAKE_TRAFFIC_SECRET", 16), ("TRAFFIC_SECRET_0", 16),
    ]  # fmt: skip
    assert opened[0].plaintext == b"anna\nhello, who is here?\n"


def test_early_data_without_its_secret(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13-early.pcapng")[2:]
    keys = {key: secret for key, secret in read_keylog(data / "tls13-early.keys.txt").items() if "EARLY" not in key[0]}
    with pytest.raises(KeyLogError, match="no CLIENT_EARLY_TRAFFIC_SECRET"):
        open_connection(client, server, keys)
    # and where none was sent, it is not asked for
    opened = open_connection(without(client, 2, 3), server, keys)[0]
    assert label(opened[0]) == "CLIENT_HANDSHAKE_TRAFFIC_SECRET"


def raw(layer: RecordLayer) -> list[bytes]:
    return [layer.stream.data[record.start : record.end] for record in layer.records]


def without(layer: RecordLayer, *indices: int) -> RecordLayer:
    kept = [record for index, record in enumerate(raw(layer)) if index not in indices]
    return layer_of(kept, from_client=layer.stream.from_client)


def reordered(layer: RecordLayer, order: Sequence[int]) -> RecordLayer:
    records = raw(layer)
    return layer_of([records[index] for index in order], from_client=layer.stream.from_client)


def until_it_fails(side: Iterator[Opened]) -> tuple[list[Opened], CaptureError]:
    opened = []
    try:
        for item in side:
            opened.append(item)
    except CaptureError as error:
        return opened, error
    pytest.fail("all of it opens")


@pytest.mark.parametrize("name", ["tls12", "tls12-chacha", "tls13", "tls13-chacha"])
def test_records_swapped_repeated_or_gone(name: str, data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / f"{name}.pcapng")
    keylog = read_keylog(data / f"{name}.keys.txt")
    whole = open_connection(client, server, keylog)[0]
    indices = [record.index for record in client.records]
    at = indices[-3]
    before = [item for item in whole if item.record.index < at]
    for order in (
        [*indices[:at], at + 1, at, *indices[at + 2 :]],  # swapped
        [*indices[:at], at - 1, *indices[at:]],  # the one before comes again
        [*indices[:at], *indices[at + 1 :]],  # gone
    ):
        ours, theirs = open_sides(reordered(client, order), server, keylog)
        opened, error = until_it_fails(ours)
        assert isinstance(error, UnopenedError)
        assert error.record.index == at
        assert f"do not open record {at} of the client" in str(error)
        assert [item.plaintext for item in opened] == [item.plaintext for item in before]
        assert len(list(theirs)) == len(open_connection(client, server, keylog)[1])  # the other side is not concerned


def test_what_is_in_the_clear_between_encrypted_records_does_not_count(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13.pcapng")
    keylog = read_keylog(data / "tls13.keys.txt")
    records = raw(client)
    change, alert = b"\x14\3\3\0\1\1", b"\x15\3\3\0\2\2\x28"
    for inserted in (change, alert):
        between = [piece for record in records[1:] for piece in (inserted, record)]
        changed = layer_of([records[0], *between, inserted], from_client=True)
        opened = open_connection(changed, server, keylog)[0]
        plain = open_connection(client, server, keylog)[0]
        assert [item.plaintext for item in opened] == [item.plaintext for item in plain]


def seal(keys: Opened, sequence: int, inner: bytes) -> bytes:
    """A record of TLS 1.3 under the keys of another (RFC 8446, section 5.2)."""
    nonce = bytes(a ^ b for a, b in zip(keys.keys.iv, sequence.to_bytes(12, "big"), strict=True))
    header = b"\x17\3\3" + (len(inner) + 16).to_bytes(2, "big")
    return header + AESGCM(keys.keys.key).encrypt(nonce, inner, header)


def test_inner_plaintexts_that_are_odd(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13.pcapng")
    keylog = read_keylog(data / "tls13.keys.txt")
    last = open_connection(client, server, keylog)[0][-1]
    inners = [b"\x17", b"\0", b"", b"\0" * 40, b"\0\0a\0\x17" + b"\0" * 999, b"x\x63", b"\1\0\x15"]
    added = [seal(last, last.sequence + 1 + number, inner) for number, inner in enumerate(inners)]
    changed = layer_of([*raw(client), *added], from_client=True)
    opened = open_connection(changed, server, keylog)[0][-len(inners) :]
    assert [(item.content_type, item.plaintext, item.padding) for item in opened] == [
        (23, b"", 0), (0, b"", 1), (0, b"", 0), (0, b"", 40), (23, b"\0\0a\0", 999), (99, b"x", 0), (21, b"\1\0", 0),
    ]  # fmt: skip
    assert plaintext_stream(changed.stream, opened).data == b"\0\0a\0"


def test_a_key_update_may_come_in_pieces(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13.pcapng")
    keylog = read_keylog(data / "tls13.keys.txt")
    last = open_connection(client, server, keylog)[0][-1]
    message = b"\x18\0\0\1\0"
    pieces = [message[at : at + 1] + b"\x16" for at in range(len(message))]
    added = [seal(last, last.sequence + 1 + number, piece) for number, piece in enumerate(pieces)]
    made = last.keys.secret
    assert isinstance(made, TrafficSecret)
    secret = expand_by_hand(made.secret, "traffic upd", b"", 48, "sha384")
    key, iv = expand_by_hand(secret, "key", b"", 32, "sha384"), expand_by_hand(secret, "iv", b"", 12, "sha384")
    header = b"\x17\3\3\0\x16"
    added.append(header + AESGCM(key).encrypt(iv, b"after\x17", header))
    opened = open_connection(layer_of([*raw(client), *added], from_client=True), server, keylog)[0][-1]
    assert (opened.plaintext, opened.sequence, opened.nonce) == (b"after", 0, iv)
    made = opened.keys.secret
    assert isinstance(made, TrafficSecret)
    assert (made.label, made.generation) == ("CLIENT_TRAFFIC_SECRET_0", 1)


def test_generations_of_keys(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls13-key-update.pcapng")
    found = []
    for side in open_connection(client, server, read_keylog(data / "tls13-key-update.keys.txt")):
        made = [item.keys.secret for item in side]
        assert all(isinstance(secret, TrafficSecret) for secret in made)
        found.append(sorted({(s.label, s.generation) for s in made if isinstance(s, TrafficSecret)}))
    client_keys, server_keys = found
    assert client_keys == [("CLIENT_HANDSHAKE_TRAFFIC_SECRET", 0), *(("CLIENT_TRAFFIC_SECRET_0", n) for n in range(5))]
    assert server_keys == [("SERVER_HANDSHAKE_TRAFFIC_SECRET", 0), *(("SERVER_TRAFFIC_SECRET_0", n) for n in range(3))]


def test_secrets_that_nothing_needs_are_not_asked_for(data: Path, layers_of: Layers) -> None:
    """A client that gives up in the handshake logs no secret of what would have come after it."""
    client, server = layers_of(data / "tls13.pcapng")
    keys = {key: secret for key, secret in read_keylog(data / "tls13.keys.txt").items() if "HANDSHAKE" in key[0]}
    finished = next(n for n, record in enumerate(client.records) if record.content_type == 23)
    theirs = next(n for n, record in enumerate(server.records) if record.content_type == 23) + 4
    short = reordered(client, range(finished + 1)), reordered(server, range(theirs))
    ours, answers = open_connection(*short, keys)
    assert [len(ours), len(answers)] == [1, 4]
    with pytest.raises(KeyLogError, match="no CLIENT_TRAFFIC_SECRET_0"):
        open_connection(client, short[1], keys)


def test_a_renegotiation_without_its_hellos(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "renegotiated.pcapng")
    keylog = read_keylog(data / "renegotiated.keys.txt")
    # the server's side ends in its first handshake: there is no second ServerHello
    ours, _ = open_sides(client, reordered(server, range(6)), keylog)
    opened, error = until_it_fails(ours)
    assert re.match(r"What follows a change_cipher_spec stays closed: .* said no hello before it\.", str(error))
    assert [item.content_type for item in opened] == [22, 23, 22, 22, 20]
    # and with one secret only, the second handshake's are missed
    first = client_hello(client)
    assert first is not None
    some = {key: secret for key, secret in keylog.items() if key[1] == first.random}
    with pytest.raises(KeyLogError, match="no CLIENT_RANDOM"):
        open_connection(client, server, some)


def test_the_first_byte_that_is_wrong_in_a_secret(data: Path, layers_of: Layers) -> None:
    client, server = layers_of(data / "tls12.pcapng")
    ((key, secret),) = read_keylog(data / "tls12.keys.txt").items()
    wrong = {key: bytes([secret[0] ^ 1]) + secret[1:]}
    with pytest.raises(UnopenedError) as raised:
        open_connection(client, server, wrong)
    record = raised.value.record
    span = record.stream.locate(record.start, record.end)[0]
    assert str(raised.value) == (
        f"The key log has keys for this connection, but they do not open record {record.index} of the client ({span}): "
        "the key log or the capture was changed."
    )
