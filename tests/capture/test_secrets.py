"""Keys in and out of captures: tshark says what they open, editcap what a file with keys is."""

import contextlib
import gzip
import hashlib
import io
import os
import random
import stat
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture import pcapng, secrets
from capture.errors import CaptureError, KeyLogError, NotACaptureError
from capture.keylog import parse_keylog, read_keylog
from capture.packets import packets
from capture.pcapng import (
    CUSTOM,
    DECRYPTION_SECRETS,
    ENHANCED_PACKET,
    SECTION_HEADER,
    TLS_KEY_LOG,
    Block,
    blocks,
    decryption_secrets,
    enhanced_packet,
    interface_description,
    pcap_blocks,
    secrets_of,
    section_header,
)
from capture.readers import ReaderName, read_segments
from capture.secrets import block_name, occurrences, save, strip
from capture.segment import ACK, PSH, SYN, Endpoint, Segment
from capture.streams import ByteStream, reassemble
from capture.tap import tcp_frame
from capture.tls import RecordLayer, read_records

DATA = Path(__file__).parent.parent / "data"
SESSIONS = ("tls12", "tls12-resumed", "tls12-rsa", "tls13", "tls13-key-update", "tls13-resumed", "tls13-retry")
READER: ReaderName = "native"
PRIVATE = 0o600

Tshark = Callable[..., list[str]]
# What is inside: messages of the chat, and the handshake messages that only keys open.
INSIDE = ("-Y", "tls", "-Tfields", "-eframe.number", "-edata", "-etls.handshake.type", "-etls.app_data")

pytestmark = pytest.mark.usefixtures("nothing_left")


def walk(path: Path) -> list[Block]:
    with path.open("rb") as file:
        return list(blocks(file))


def key_lines(path: Path) -> list[list[bytes]]:
    """The lines in each secrets block of a file."""
    found = [secrets_of(block) for block in walk(path) if block.kind == DECRYPTION_SECRETS]
    assert {kind for kind, _ in found} <= {TLS_KEY_LOG}
    return [text.splitlines() for _, text in found]


def messages(tshark: Tshark, path: Path, *arguments: str) -> list[str]:
    return tshark(path, *arguments, "-Ydata", "-Tfields", "-eframe.number", "-edata")


@pytest.fixture
def with_keys(tmp_path: Path) -> Callable[[str], Path]:
    """A shipped session with its keys inside."""

    def make(name: str) -> Path:
        path = tmp_path / f"{name}-with-keys.pcapng"
        save(DATA / f"{name}.pcapng", path, read_keylog(DATA / f"{name}.keys.txt"), READER)
        return path

    return make


# --- save


@pytest.mark.parametrize("name", ["tls12-resumed", "tls12-rsa", "tls13", "tls13-key-update"])
def test_it_opens_by_itself(name: str, tmp_path: Path, tshark: Tshark, tool: Callable[[str], str]) -> None:
    capture, keys, out = DATA / f"{name}.pcapng", DATA / f"{name}.keys.txt", tmp_path / "out.pcapng"
    keylog = read_keylog(keys)
    saved = save(capture, out, keylog, READER)
    assert (saved.secrets, saved.torn) == (len(keylog), None)
    assert saved.packets == sum(block.kind in pcapng.PACKETS for block in walk(capture))
    assert saved.connections == (2 if "resumed" in name else 1)
    injected = tmp_path / "injected.pcapng"
    subprocess.run([tool("editcap"), "--inject-secrets", f"tls,{keys}", str(capture), str(injected)], check=True)
    inside = tshark(out, *INSIDE)
    assert inside == tshark(injected, *INSIDE) == tshark(capture, "-o", f"tls.keylog_file:{keys}", *INSIDE)
    assert inside != tshark(capture, *INSIDE)
    assert stat.S_IMODE(out.stat().st_mode) == PRIVATE


def test_every_block_stays_as_it_is(with_keys: Callable[[str], Path]) -> None:
    found = walk(with_keys("tls13"))
    assert b"".join(b.raw for b in found if b.kind != DECRYPTION_SECRETS) == (DATA / "tls13.pcapng").read_bytes()
    kinds = [block.kind for block in found]
    assert kinds.index(DECRYPTION_SECRETS) + 1 == kinds.index(ENHANCED_PACKET)


def test_only_the_keys_of_its_own_connections(tmp_path: Path) -> None:
    mine = (DATA / "tls13.keys.txt").read_text("ascii")
    everything = "".join((DATA / f"{name}.keys.txt").read_text("ascii") for name in SESSIONS)
    keylog = parse_keylog(everything)
    saved = save(DATA / "tls13.pcapng", tmp_path / "out.pcapng", keylog, READER)
    assert (saved.secrets, saved.connections) == (5, 1)
    wanted = sorted(line.lower() for line in mine.splitlines() if not line.startswith("#"))
    (lines,) = key_lines(tmp_path / "out.pcapng")
    assert sorted(line.decode().lower() for line in lines) == wanted


def test_rsa_lines_go_by_the_premaster_secret(tmp_path: Path, tshark: Tshark) -> None:
    """OpenSSL's lines of 8 bytes open a connection alone, and another's do not get in."""
    (mine,) = [t for t in (DATA / "tls12-rsa.keys.txt").read_text("ascii").splitlines() if t.startswith("RSA ")]
    other = f"RSA {'ab' * 8} {'cd' * 48}"
    out = tmp_path / "out.pcapng"
    saved = save(DATA / "tls12-rsa.pcapng", out, parse_keylog(f"{other}\n{mine}\n"), READER)
    assert (saved.secrets, saved.connections) == (1, 1)
    assert key_lines(out) == [[mine.lower().replace("rsa", "RSA", 1).encode()]]
    keys = f"tls.keylog_file:{DATA / 'tls12-rsa.keys.txt'}"
    assert messages(tshark, out) == messages(tshark, DATA / "tls12-rsa.pcapng", "-o", keys)


def test_keys_of_another_session(tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    with pytest.raises(KeyLogError, match="No key of the key log, which has 1, belongs to a TLS connection") as raised:
        save(DATA / "tls13.pcapng", out, read_keylog(DATA / "tls12.keys.txt"), READER)
    assert "tls13.pcapng" in str(raised.value)
    with pytest.raises(KeyLogError, match="No key"):
        save(DATA / "plain.pcapng", out, read_keylog(DATA / "tls12.keys.txt"), READER)
    with pytest.raises(KeyLogError, match="No key"):
        save(DATA / "no-packets.pcap", out, read_keylog(DATA / "tls12.keys.txt"), READER)
    assert not list(tmp_path.iterdir())


def as_pcap(source: Path, order: str, *, nano: bool) -> bytes:
    """Write an Ethernet pcapng file of one interface with nanoseconds as classic pcap, by hand."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    made = [struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 262144, 1)]
    for block in walk(source):
        if block.kind == ENHANCED_PACKET:
            _, high, low, captured, length = struct.unpack_from("<IIIII", block.body)
            seconds, rest = divmod(high << 32 | low, 10**9)
            fraction = rest if nano else rest // 1000
            made.append(struct.pack(order + "IIII", seconds, fraction, captured, length))
            made.append(block.body[20 : 20 + captured])
    return b"".join(made)


@pytest.mark.parametrize("nano", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_variant_of_pcap_zipped(order: str, nano: bool, tmp_path: Path, tshark: Tshark) -> None:
    pcap, out, keys = tmp_path / "it.pcap", tmp_path / "out.pcapng", DATA / "tls13.keys.txt"
    pcap.write_bytes(as_pcap(DATA / "tls13.pcapng", order, nano=nano))
    zipped = tmp_path / "it.pcap.gz"
    zipped.write_bytes(gzip.compress(pcap.read_bytes()))
    save(zipped, out, read_keylog(keys), READER)
    assert list(packets(out)) == list(packets(pcap)) != []
    assert messages(tshark, out) == messages(tshark, pcap, "-o", f"tls.keylog_file:{keys}") != messages(tshark, pcap)


@pytest.mark.parametrize("name", ["raw-ip.pcap", "linux-cooked.pcap", "ipv6.pcapng"])
def test_without_keys_it_is_converted(name: str, tmp_path: Path, tshark: Tshark) -> None:
    out = tmp_path / "out.pcapng"
    saved = save(DATA / name, out, None, READER)
    frames = ("-Tfields", "-eframe.time_epoch", "-eframe.len", "-eframe.encap_type", "-eframe.protocols")
    assert tshark(out, *frames) == tshark(DATA / name, *frames) != []
    assert tshark(out, "-x") == tshark(DATA / name, "-x")
    assert (saved.secrets, saved.connections, saved.packets) == (0, 0, len(tshark(out)))
    assert {block.kind for block in walk(out)} & {DECRYPTION_SECRETS} == set()


def test_sections_get_their_own_keys(tmp_path: Path, tshark: Tshark) -> None:
    """Three sections one after the other; the one without TLS gets none, and section lengths stay true."""
    capture, out = tmp_path / "three.pcapng", tmp_path / "out.pcapng"
    first = bytearray((DATA / "tls13.pcapng").read_bytes())
    header = int.from_bytes(first[4:8], "little")
    first[16:24] = struct.pack("<q", len(first) - header)
    capture.write_bytes(first + (DATA / "plain.pcapng").read_bytes() + (DATA / "tls12.pcapng").read_bytes())
    keylog = dict(read_keylog(DATA / "tls13.keys.txt")) | dict(read_keylog(DATA / "tls12.keys.txt"))
    saved = save(capture, out, keylog, READER)
    assert (saved.secrets, saved.connections) == (6, 2)
    assert [len(lines) for lines in key_lines(out)] == [5, 1]
    sections: list[list[int]] = []
    for block in walk(out):
        if block.kind == SECTION_HEADER:
            sections.append([])
        sections[-1].append(block.kind)
    assert [kinds.count(DECRYPTION_SECRETS) for kinds in sections] == [1, 0, 1]
    starts = [block for block in walk(out) if block.kind == SECTION_HEADER]
    (said,) = struct.unpack_from("<q", starts[0].raw, 16)
    assert starts[0].offset + len(starts[0].raw) + said == starts[1].offset
    assert len(messages(tshark, out)) == sum(
        len(messages(tshark, DATA / f"{name}.pcapng", "-o", f"tls.keylog_file:{DATA / name}.keys.txt"))
        for name in ("tls13", "tls12")
    ) + len(messages(tshark, DATA / "plain.pcapng"))
    stripped = strip(out, tmp_path / "stripped.pcapng")
    assert stripped.blocks == 2
    assert (tmp_path / "stripped.pcapng").read_bytes() == capture.read_bytes()


def test_a_section_of_the_other_byte_order(tmp_path: Path, tshark: Tshark) -> None:
    """Its block of keys has its byte order."""
    capture, out = tmp_path / "big.pcapng", tmp_path / "out.pcapng"
    capture.write_bytes(big_endian(walk(DATA / "tls13.pcapng")))
    save(capture, out, read_keylog(DATA / "tls13.keys.txt"), READER)
    (block,) = (block for block in walk(out) if block.kind == DECRYPTION_SECRETS)
    assert block.order == ">"
    assert messages(tshark, out) == messages(tshark, capture, "-o", f"tls.keylog_file:{DATA / 'tls13.keys.txt'}") != []


def big_endian(source: list[Block]) -> bytes:
    """Write the interface and the packets of a little-endian section as a big-endian one, by hand."""
    made = [b"\x0a\x0d\x0d\x0a" + struct.pack(">IIHHqI", 28, 0x1A2B3C4D, 1, 0, -1, 28)]
    # one interface of Ethernet with nanoseconds (if_tsresol)
    made.append(struct.pack(">IIHHIHHB3xII", 1, 32, 1, 0, 0, 9, 1, 9, 0, 32))
    for block in source:
        if block.kind == ENHANCED_PACKET:
            _, high, low, captured, length = struct.unpack_from("<IIIII", block.body)
            frame = block.body[20 : 20 + captured] + b"\0" * (-captured % 4)
            size = 32 + len(frame)
            made.append(struct.pack(">IIIIIII", 6, size, 0, high, low, captured, length) + frame)
            made.append(struct.pack(">I", size))
    return b"".join(made)


def conversation(*said: bytes) -> bytes:
    """A capture of what a client sends on one connection, written as the tap would."""
    client, server = Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 25)
    frames = [tcp_frame(client, server, 0, 0, SYN, b"")]
    at = 1
    for payload in said:
        frames.append(tcp_frame(client, server, at, 0, PSH | ACK, payload))
        at += len(payload)
    captured = [enhanced_packet(number, frame) for number, frame in enumerate(frames)]
    return section_header() + interface_description() + b"".join(captured)


@pytest.fixture
def hello(data: Path) -> bytes:
    """The record of a real ClientHello."""
    client = reassemble(read_segments(data / "tls13.pcapng", READER))[0].data
    return client[: 5 + int.from_bytes(client[3:5], "big")]


@pytest.mark.parametrize("how", ["later", "byte by byte", "in short records", "in two records"])
def test_a_hello_wherever_it_stands(how: str, hello: bytes, tmp_path: Path) -> None:
    said = {
        "later": [b"EHLO me\r\n\x16\x03\x01", b"STARTTLS\r\n", hello],
        "byte by byte": [bytes([byte]) for byte in hello],
        "in short records": [hello[:3] + b"\0\x01" + hello[at : at + 1] for at in range(5, len(hello))],
        "in two records": [
            hello[:3] + b"\0\x14" + hello[5:25] + hello[:3] + struct.pack(">H", len(hello) - 25),
            hello[25:],
        ],
    }[how]
    capture = tmp_path / "capture.pcapng"
    capture.write_bytes(conversation(*said))
    saved = save(capture, tmp_path / "out.pcapng", read_keylog(DATA / "tls13.keys.txt"), READER)
    assert (saved.secrets, saved.connections) == (5, 1)


def test_a_hello_is_looked_for_where_connections_begin(
    hello: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else is kept in memory; a SYN on the same ports is a beginning again."""
    monkeypatch.setattr("capture.secrets._BEGINNING", 100)
    late, keylog = conversation(b"x" * 100, hello), read_keylog(DATA / "tls13.keys.txt")
    capture, out = tmp_path / "capture.pcapng", tmp_path / "out.pcapng"
    capture.write_bytes(late)
    with pytest.raises(KeyLogError, match="No key"):
        save(capture, out, keylog, READER)
    capture.write_bytes(conversation(b"x" * 99, hello))
    assert save(capture, out, keylog, READER).connections == 1
    out.unlink()
    again = tcp_frame(Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 25), 5000, 0, SYN, b"")
    data = tcp_frame(Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 25), 5001, 0, PSH | ACK, hello)
    capture.write_bytes(late + enhanced_packet(7, again) + enhanced_packet(8, data))
    assert save(capture, out, keylog, READER).connections == 1


def test_a_torn_hello_is_no_connection(hello: bytes, tmp_path: Path) -> None:
    capture = tmp_path / "capture.pcapng"
    capture.write_bytes(conversation(hello[:40]))
    with pytest.raises(KeyLogError, match="No key"):
        save(capture, tmp_path / "out.pcapng", read_keylog(DATA / "tls13.keys.txt"), READER)


def test_a_torn_capture_is_saved_as_far_as_it_goes(tmp_path: Path) -> None:
    content = (DATA / "tls13.pcapng").read_bytes()
    torn, out = tmp_path / "torn.pcapng", tmp_path / "out.pcapng"
    torn.write_bytes(content[:-201])
    saved = save(torn, out, read_keylog(DATA / "tls13.keys.txt"), READER)
    assert saved.torn is not None
    kept = b"".join(block.raw for block in walk(out) if block.kind != DECRYPTION_SECRETS)
    assert kept == content[: saved.torn.offset]


def test_many_keys_go_into_several_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tshark: Tshark) -> None:
    monkeypatch.setattr("capture.secrets._SECRETS_BLOCK", 300)
    out = tmp_path / "out.pcapng"
    save(DATA / "tls13.pcapng", out, read_keylog(DATA / "tls13.keys.txt"), READER)
    assert [len(lines) for lines in key_lines(out)] == [2, 2, 1]
    assert messages(tshark, out)


def test_the_same_bytes_as_a_hello_a_thousand_times(hello: bytes, tmp_path: Path) -> None:
    """Bytes that look like hellos cost no more than others."""
    capture = tmp_path / "capture.pcapng"
    capture.write_bytes(conversation(*([hello[:20] * 1000] * 50), hello))
    saved = save(capture, tmp_path / "out.pcapng", read_keylog(DATA / "tls13.keys.txt"), READER)
    assert saved.connections == 1


def test_a_known_random_copied_without_end_is_tried_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    random = bytes(range(32))
    # each record begins a hello of 16 MiB that never comes
    record = b"\x16\x03\x01\x00\x26\x01\xff\xff\xff\x03\x03" + random
    segments = [Segment(1, 0, Endpoint("a", 1), Endpoint("b", 2), 1, 1, 24, 43_000, record * 1000, 0)]
    tried: list[ByteStream] = []

    def counting(stream: ByteStream) -> RecordLayer:
        tried.append(stream)
        return read_records(stream)

    monkeypatch.setattr("capture.secrets.read_records", counting)
    for stream in reassemble(segments):
        assert not any(names for _, names in secrets._connections(stream, frozenset({random})))
    assert len(tried) == 5


def test_nothing_is_overwritten_and_a_full_disk_leaves_nothing(
    tmp_path: Path, small_files: Callable[[int], AbstractContextManager[None]]
) -> None:
    out = tmp_path / "out.pcapng"
    keylog = read_keylog(DATA / "tls13.keys.txt")
    with small_files(4096), pytest.raises(CaptureError, match=r"out\.pcapng cannot be written: File too large"):
        save(DATA / "tls13.pcapng", out, keylog, READER)
    with small_files(4096), pytest.raises(CaptureError, match=r"out\.pcapng cannot be written: File too large"):
        strip(DATA / "tls13.pcapng", out)
    assert not list(tmp_path.iterdir())
    out.write_bytes(b"mine")
    for act in (lambda: save(DATA / "tls13.pcapng", out, keylog, READER), lambda: strip(DATA / "tls13.pcapng", out)):
        with pytest.raises(CaptureError, match="is there already"):
            act()
    assert out.read_bytes() == b"mine"


def test_what_is_no_capture(tmp_path: Path) -> None:
    for act in (lambda p: save(p, tmp_path / "out", None, READER), lambda p: strip(p, tmp_path / "out")):
        with pytest.raises(NotACaptureError):
            act(Path(__file__))
        with pytest.raises(CaptureError, match="cannot be read"):
            act(tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())


# --- strip


@pytest.mark.parametrize("name", SESSIONS)
def test_what_went_in_comes_out(name: str, with_keys: Callable[[str], Path], tmp_path: Path) -> None:
    opened, out, capture = with_keys(name), tmp_path / "out.pcapng", DATA / f"{name}.pcapng"
    stripped = strip(opened, out)
    assert out.read_bytes() == capture.read_bytes()
    secrets = {secret for secret in read_keylog(DATA / f"{name}.keys.txt").values() if len(secret) >= 16}
    assert (stripped.blocks, stripped.searched, stripped.torn) == (1, len(secrets), None)
    held = [block.raw for block in walk(capture) if block.kind in pcapng.PACKETS]
    assert stripped.packets == len(held)
    assert stripped.sha256 == hashlib.sha256(b"".join(held)).hexdigest()


def test_editcaps_blocks_come_out_too(tmp_path: Path, tshark: Tshark, tool: Callable[[str], str]) -> None:
    injected, out = tmp_path / "injected.pcapng", tmp_path / "out.pcapng"
    keys, capture = DATA / "tls12.keys.txt", DATA / "tls12.pcapng"
    subprocess.run([tool("editcap"), "--inject-secrets", f"tls,{keys}", str(capture), str(injected)], check=True)
    assert strip(injected, out).blocks == 1
    assert messages(tshark, out) == messages(tshark, capture) != messages(tshark, injected)
    assert tshark(out) == tshark(capture)
    infos = [
        subprocess.run([tool("capinfos"), "-Tmcdz", str(path)], capture_output=True, check=True).stdout.splitlines()[-1]
        for path in (capture, out)
    ]
    assert infos[0].split(b",")[1:] == infos[1].split(b",")[1:]
    assert [b.raw for b in walk(injected) if b.kind != DECRYPTION_SECRETS] == [b.raw for b in walk(out)]


@pytest.mark.parametrize("name", ["plain.pcapng", "big-endian-nanoseconds.pcap", "no-packets.pcap"])
def test_a_capture_without_secrets_is_copied(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    stripped = strip(DATA / name, out)
    assert (stripped.blocks, stripped.searched) == (0, 0)
    assert out.read_bytes() == (DATA / name).read_bytes()


def test_secrets_of_every_kind(tmp_path: Path) -> None:
    """TLS, SSH, WireGuard and ZigBee, broken ones, and one of a kind that nobody knows."""
    plain = (DATA / "plain.pcapng").read_bytes()
    header = walk(DATA / "plain.pcapng")[0].raw
    secret = bytes(range(32))
    made = [
        decryption_secrets(b"CLIENT_RANDOM " + b"ab" * 32 + b" " + secret.hex().encode()),
        decryption_secrets(b"0123 SHARED_SECRET " + secret[::-1].hex().encode(), kind=0x5353484B),
        decryption_secrets(b"PRESHARED_KEY = " + b"A" * 43 + b"=", kind=0x57474B4C),
        decryption_secrets(os.urandom(16) + b"\1\2", kind=0x5A4E574B),
        decryption_secrets(b"", kind=99),
        decryption_secrets(b"\xff\xfe no text\n\n", kind=TLS_KEY_LOG),
        struct.pack("<IIII", 10, 16, 1, 16),
    ]
    capture, out = tmp_path / "in.pcapng", tmp_path / "out.pcapng"
    capture.write_bytes(header + b"".join(made) + plain[len(header) :])
    stripped = strip(capture, out)
    # TLS's, SSH's, WireGuard's as text and as bytes, ZigBee's
    assert (stripped.blocks, stripped.searched) == (7, 5)
    assert out.read_bytes() == plain


def with_secret(tmp_path: Path, *more: bytes) -> Path:
    """A capture with a secret in a block of its own, and with other blocks after its interface."""
    path = tmp_path / "in.pcapng"
    line = b"CLIENT_RANDOM " + b"ab" * 32 + b" " + SECRET.hex().encode() + b"\n"
    path.write_bytes(section_header() + decryption_secrets(line) + interface_description() + b"".join(more))
    return path


SECRET = random.Random(5).randbytes(48)  # noqa: S311  (a secret of a test)


def custom(content: bytes) -> bytes:
    content += bytes(-len(content) % 4)
    size = 16 + len(content)
    return struct.pack("<III", CUSTOM, size, 32473) + content + struct.pack("<I", size)


def test_a_secret_that_stands_elsewhere_too(tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    for stored in (
        SECRET,
        SECRET.hex().encode(),
        SECRET.hex().upper().encode(),
        SECRET.hex()[1:65].encode() * 0 + SECRET.hex().encode(),
    ):
        capture = with_secret(tmp_path, enhanced_packet(1, bytes(60)), enhanced_packet(2, bytes(7) + stored))
        at = capture.read_bytes().rindex(stored)
        with pytest.raises(
            CaptureError, match=rf"stand elsewhere in it.*: byte {at} \(in frame 2\); nothing was"
        ) as raised:
            strip(capture, out)
        assert SECRET.hex() not in str(raised.value).lower()
        capture = with_secret(tmp_path, custom(stored), enhanced_packet(1, bytes(60)))
        at = capture.read_bytes().rindex(stored)
        with pytest.raises(CaptureError, match=rf"byte {at} \(in a block of kind custom \(0x00000bad\)\)"):
            strip(capture, out)
    capture = with_secret(tmp_path, *(enhanced_packet(n, SECRET) for n in range(9)))
    with pytest.raises(CaptureError, match=r"frame 1.*frame 2.*frame 3\) and 6 more; nothing was written"):
        strip(capture, out)
    many = with_secret(tmp_path, *(enhanced_packet(n, SECRET) for n in range(1001)))
    with pytest.raises(CaptureError, match=r"frame 3\) and many more; nothing was written"):
        strip(many, out)
    assert not out.exists()
    # a part of it is not it
    strip(with_secret(tmp_path, enhanced_packet(1, SECRET[1:] + SECRET[:31])), out)


def test_a_secret_in_a_comment_of_the_file(tmp_path: Path) -> None:
    capture = with_secret(tmp_path)
    content = section_header(f"my key is {SECRET.hex().upper()}, keep it") + b"".join(
        block.raw for block in walk(capture)[1:]
    )
    capture.write_bytes(content)
    with pytest.raises(CaptureError, match=r"in a block of kind section header\)"):
        strip(capture, tmp_path / "out.pcapng")


def test_what_stays_in_is_counted(tmp_path: Path) -> None:
    capture = with_secret(tmp_path, custom(b"x"), custom(b"y"), struct.pack("<IIII", 0x7777, 16, 0, 16))
    content = capture.read_bytes()
    capture.write_bytes(section_header("a comment") + content[len(section_header()) :])
    stripped = strip(capture, tmp_path / "out.pcapng")
    assert stripped.comments == 1
    assert {block_name(kind): number for kind, number in stripped.kept.items()} == {
        "section header": 1,
        "interface description": 1,
        "custom (0x00000bad)": 2,
        "unknown (0x00007777)": 1,
    }


def test_a_torn_capture_is_stripped_as_far_as_it_goes(with_keys: Callable[[str], Path], tmp_path: Path) -> None:
    opened = with_keys("tls13")
    content = opened.read_bytes()
    original = (DATA / "tls13.pcapng").read_bytes()
    grown = len(content) - len(original)
    secrets_at = next(block.offset for block in walk(opened) if block.kind == DECRYPTION_SECRETS)
    for number, size in enumerate(random.Random(1).sample(range(secrets_at + grown, len(content)), 25)):  # noqa: S311
        opened.write_bytes(content[:size])
        out = tmp_path / f"out{number}"
        stripped = strip(opened, out)
        end = size if stripped.torn is None else stripped.torn.offset
        assert out.read_bytes() == original[: end - grown]


@given(st.data())
def test_damage_anywhere_is_an_error_or_is_stripped(drawn: st.DataObject) -> None:
    """Never another error than one for the user, and never a block of secrets in what was written."""
    content = bytearray(OPENED)
    for _ in range(drawn.draw(st.integers(1, 4))):
        content[drawn.draw(st.integers(0, len(content) - 1))] = drawn.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        capture, out, again = Path(folder, "in"), Path(folder, "out"), Path(folder, "again")
        capture.write_bytes(content)
        for act in (lambda: strip(capture, out), lambda: save(capture, again, KEYS, READER)):
            with contextlib.suppress(CaptureError):
                act()
        if out.exists() and out.read_bytes()[:4] == OPENED[:4]:
            assert DECRYPTION_SECRETS not in {block.kind for block in walk(out)}
        assert {path.name for path in Path(folder).iterdir()} <= {"in", "out", "again"}


KEYS = read_keylog(DATA / "tls13.keys.txt")
OPENED = b"".join(
    [
        *(block.raw for block in walk(DATA / "tls13.pcapng")[:2]),
        decryption_secrets((DATA / "tls13.keys.txt").read_bytes()),
        *(block.raw for block in walk(DATA / "tls13.pcapng")[2:]),
    ]
)


# --- the search


def found_by_find(data: bytes, needles: set[bytes], *, lower: bool) -> Iterator[int]:
    data = data.lower() if lower else data
    for needle in needles:
        at = data.find(needle)
        while at >= 0:
            yield at
            at = data.find(needle, at + 1)


@given(st.data())
def test_the_search_finds_what_find_finds(drawn: st.DataObject) -> None:
    """Texts of two letters, in which needles overlap and stand everywhere, read in small pieces."""
    length = drawn.draw(st.integers(16, 40))
    text = drawn.draw(st.binary(max_size=400)).translate(bytes(b"abAB"[n % 4] for n in range(256)))
    picked = drawn.draw(st.lists(st.integers(0, max(0, len(text) - length)), max_size=4))
    lower = drawn.draw(st.booleans())
    needles = {text[at : at + length] for at in picked} | {drawn.draw(st.binary(min_size=length, max_size=length))}
    needles = {needle.lower() if lower else needle for needle in needles if len(needle) == length}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("capture.secrets._CHUNK", drawn.draw(st.integers(1, 90)))
        found = list(occurrences(io.BytesIO(text), needles, lower=lower))
    assert sorted(found) == sorted(found_by_find(text, needles, lower=lower))


def test_pcap_files_have_blocks_of_packets_only() -> None:
    """What the proof counts in a classic pcap file."""
    with (DATA / "vlan.pcap").open("rb") as file:
        kinds = [block.kind for block in pcap_blocks(file)]
    assert kinds[2:] == [ENHANCED_PACKET] * (len(kinds) - 2)


def test_keys_that_a_file_carries(with_keys: Callable[[str], Path]) -> None:
    assert secrets.carried_keys(DATA / "tls13.pcapng") is None
    assert secrets.carried_keys(DATA / "linux-cooked.pcap") is None
    assert secrets.carried_keys(with_keys("tls13")) == read_keylog(DATA / "tls13.keys.txt")


def test_the_name_of_another_kind_of_file(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"would be pcapng, which \.pcap is not"):
        save(DATA / "tls13.pcapng", tmp_path / "out.pcap", None, "native")
    assert list(tmp_path.iterdir()) == []
