import io
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from capture import pcapng
from capture.errors import MalformedError, NotACaptureError, TornCaptureError
from capture.pcapng import (
    SECTION_HEADER,
    Block,
    Order,
    blocks,
    comments,
    decryption_secrets,
    enhanced_packet,
    interface_description,
    pcap_blocks,
    resized_section,
    secrets_of,
    section_header,
)

BIG_HEADER = b"\x0a\x0d\x0d\x0a" + struct.pack(">IIHHqI", 28, 0x1A2B3C4D, 1, 0, -1, 28)
PCAPNG = ("plain.pcapng", "ipv6.pcapng", "tls13-key-update.pcapng")
PCAP = ("big-endian.pcap", "big-endian-nanoseconds.pcap", "nanoseconds.pcap", "raw-ip.pcap", "cut-short.pcap")


def test_tshark_reads_what_is_written(tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    path = tmp_path / "made.pcapng"
    frames = [bytes(12) + b"\x88\xb5" + bytes(range(size)) for size in (46, 47, 48, 49, 255)]
    times = [0, 1, 1_700_000_003_370370367, 2**63 - 1, 1_700_000_003_000000000]
    blocks = [enhanced_packet(time, frame) for time, frame in zip(times, frames, strict=True)]
    path.write_bytes(section_header("a comment, ¿sí?") + interface_description("a name") + b"".join(blocks))
    rows = tshark(
        path, "-Tfields", *(f"-e{name}" for name in ("frame.time_epoch", "frame.len", "frame.interface_name", "data"))
    )
    assert [row.split("\t") for row in rows] == [
        [f"{time // 10**9}.{time % 10**9:09}", str(len(frame)), "a name", frame[14:].hex()]
        for time, frame in zip(times, frames, strict=True)
    ]


def test_capinfos_shows_the_comment(tmp_path: Path, tool: Callable[[str], str]) -> None:
    path = tmp_path / "made.pcapng"
    path.write_bytes(section_header("four") + interface_description("x"))
    done = subprocess.run(
        [tool("capinfos"), "-k", "-t", str(path)], capture_output=True, text=True, timeout=30, check=True
    )
    assert "four" in done.stdout
    assert "pcapng" in done.stdout


def test_several_interfaces(tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    """Each with a link type, a resolution and a limit of its own; tshark says what they are."""
    path = tmp_path / "made.pcapng"
    made = [
        section_header(),
        interface_description("first"),
        interface_description("second", 101, decimals=6, snap_length=20),  # LINKTYPE_RAW
        enhanced_packet(5, b"\x45" + bytes(19), interface=1, wire_length=77),
        enhanced_packet(6, bytes(60)),
    ]
    path.write_bytes(b"".join(made))
    names = ("frame.interface_name", "frame.encap_type", "frame.time_epoch", "frame.len", "frame.cap_len")
    rows = tshark(path, "-Tfields", *(f"-e{name}" for name in names))
    assert [row.split("\t") for row in rows] == [
        ["second", "7", "0.000005000", "77", "20"],  # WTAP_ENCAP_RAW_IP
        ["first", "1", "0.000000006", "60", "60"],
    ]


@pytest.mark.parametrize("order", ["<", ">"])
def test_tshark_takes_the_secrets(order: Order, tmp_path: Path, data: Path, tshark: Callable[..., list[str]]) -> None:
    keys = (data / "tls13.keys.txt").read_bytes()
    rest = walk((data / "tls13.pcapng").read_bytes())
    if order == ">":
        # a section of the other byte order that holds nothing else: the keys open what comes after it all the same
        parts = [BIG_HEADER, decryption_secrets(keys, order=">"), *(block.raw for block in rest)]
    else:
        parts = [rest[0].raw, decryption_secrets(keys), *(block.raw for block in rest[1:])]
    path = tmp_path / "made.pcapng"
    path.write_bytes(b"".join(parts))
    messages = ("-Ydata", "-Tfields", "-edata")
    wanted = tshark(data / "tls13.pcapng", "-o", f"tls.keylog_file:{data / 'tls13.keys.txt'}", *messages)
    assert tshark(path, *messages) == wanted != []


def walk(content: bytes) -> list[Block]:
    return list(blocks(io.BytesIO(content)))


@pytest.mark.parametrize("name", PCAPNG)
def test_the_blocks_of_a_file_are_the_file(name: str, data: Path, tshark: Callable[..., list[str]]) -> None:
    content = (data / name).read_bytes()
    found = walk(content)
    assert b"".join(block.raw for block in found) == content
    assert [block.offset for block in found] == [len(b"".join(b.raw for b in found[:n])) for n in range(len(found))]
    assert sum(block.kind in pcapng.PACKETS for block in found) == len(tshark(data / name))
    both = walk(content + BIG_HEADER)
    assert both[:-1] == found
    assert both[-1] == Block(pcapng.SECTION_HEADER, ">", len(content), BIG_HEADER)


def test_every_length_of_a_file(data: Path) -> None:
    content = (data / "plain.pcapng").read_bytes()[:2000]
    ends = [block.offset + len(block.raw) for block in walk((data / "plain.pcapng").read_bytes())]
    for size in range(len(content)):
        found = []
        whole = [end for end in ends if end <= size]
        if size in (0, *whole):
            found = walk(content[:size])
        else:
            with pytest.raises(TornCaptureError, match="ends within the block or packet") as raised:
                found.extend(blocks(io.BytesIO(content[:size])))
            assert raised.value.offset == max(whole, default=0)
            continue
        assert len(found) == len(whole)


@pytest.mark.parametrize(
    ("at", "value", "says", "offset"),
    [
        (0, b"\x0b", "begins with 0b 0d 0d 0a", 0),
        (8, b"\x00", "00 3c 2b 1a is not the byte-order magic", 8),
        (4, b"\x1b", "no block is 27 bytes long", 4),
        (4, b"\x18", "no block is 24 bytes long", 4),
        (4, b"\x00\x00\x00\x7f", "no block is 2130706432 bytes long", 4),
        (28 + 4, b"\x08", "no block is 8 bytes long", 32),
        (24, b"\x20", "the two lengths of a block are not the same", 24),
    ],
)
def test_damage_has_its_offset(at: int, value: bytes, says: str, offset: int) -> None:
    content = bytearray(section_header() + interface_description("x"))
    content[at : at + len(value)] = value
    with pytest.raises(MalformedError, match=says) as raised:
        walk(bytes(content))
    assert raised.value.offset == offset


@pytest.mark.parametrize("name", PCAP)
def test_a_pcap_file_as_blocks(name: str, data: Path, tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    """Frame by frame the same for tshark: bytes, lengths, times, link type."""
    path = tmp_path / "made.pcapng"
    content = (data / name).read_bytes()
    path.write_bytes(b"".join(block.raw for block in pcap_blocks(io.BytesIO(content))))
    fields = ("frame.time_epoch", "frame.len", "frame.cap_len", "frame.encap_type", "frame.protocols", "tcp.payload")
    arguments = ("-Tfields", *(f"-e{field}" for field in fields))
    assert tshark(path, *arguments) == tshark(data / name, *arguments) != []
    assert tshark(path, "-x") == tshark(data / name, "-x")


def test_every_length_of_a_pcap_file(data: Path) -> None:
    content = (data / "big-endian.pcap").read_bytes()
    whole = list(pcap_blocks(io.BytesIO(content)))
    ends = {block.offset for block in whole[2:]} | {len(content)}
    for size in range(len(content)):
        found: list[Block] = []
        if size < 24:
            with pytest.raises(NotACaptureError):
                found.extend(pcap_blocks(io.BytesIO(content[:size])))
        elif size in ends:
            found.extend(pcap_blocks(io.BytesIO(content[:size])))
            assert found == whole[: len(found)]
        else:
            with pytest.raises(TornCaptureError) as raised:
                found.extend(pcap_blocks(io.BytesIO(content[:size])))
            assert raised.value.offset == max(end for end in ends if end < size)


def test_a_pcap_packet_of_four_gigabytes(data: Path) -> None:
    content = bytearray((data / "big-endian.pcap").read_bytes())
    content[24 + 8] = 0xFF
    with pytest.raises(MalformedError, match="no packet is 42781") as raised:
        list(pcap_blocks(io.BytesIO(content)))
    assert raised.value.offset == 32


def test_a_frame_check_sequence_stays_said(tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    frame = bytes(12) + b"\x08\x00" + b"\x45" + bytes(59)
    head = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 0, 0x24000001)  # two words of it
    pcap, made = tmp_path / "it.pcap", tmp_path / "it.pcapng"
    pcap.write_bytes(head + struct.pack("<IIII", 1, 2, len(frame), len(frame)) + frame)
    with pcap.open("rb") as file:
        made.write_bytes(b"".join(block.raw for block in pcap_blocks(file)))
    arguments = ("-Tfields", "-eeth.fcs", "-eeth.padding", "-eframe.time_epoch")
    assert tshark(made, *arguments) == tshark(pcap, *arguments)


def test_a_section_that_says_how_long_it_is() -> None:
    header = walk(section_header("x"))[0]
    assert resized_section(header, 40) == header.raw  # -1: it does not say
    for order in ("<", ">"):
        raw = struct.pack(order + "IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, 1000, 28)
        grown = resized_section(walk(raw)[0], -40)
        assert grown == struct.pack(order + "IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, 960, 28)
        assert resized_section(walk(raw)[0], 0) == raw


@pytest.mark.parametrize("length", [(1 << 63) - 1, -(1 << 63), -2, 3])
def test_a_length_that_no_section_has_becomes_not_known(length: int) -> None:
    raw = section_header()
    raw = raw[:16] + struct.pack("<q", length) + raw[24:]
    for change in (100, -100):
        resized = resized_section(Block(SECTION_HEADER, "<", 0, raw), change)
        (found,) = struct.unpack_from("<q", resized, 16)
        assert found == (103 if (length, change) == (3, 100) else -1)


def test_comments_of_old_packets_and_of_names() -> None:
    option = struct.pack("<HH4sI", 1, 4, b"here", 0)
    old = struct.pack("<HHIIII", 0, 0, 0, 0, 3, 3) + b"abc\0" + option
    names = struct.pack("<HH8sI", 1, 7, b"\x7f\0\0\1ab\0\0", 0) + option
    for kind, body in ((2, old), (4, names)):
        raw = struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))
        assert comments(Block(kind, "<", 0, raw)) == 1


def test_secrets_of_a_block() -> None:
    for order, header in (("<", section_header()), (">", BIG_HEADER)):
        made = decryption_secrets(b"secret", kind=7, order=order)  # type: ignore[arg-type]
        assert secrets_of(walk(header + made)[1]) == (7, b"secret")
    short = walk(section_header() + struct.pack("<IIII", 10, 16, 1, 16))[1]
    with pytest.raises(MalformedError, match="no room for its own head") as raised:
        secrets_of(short)
    assert raised.value.offset == 36


def test_comments_are_counted(tmp_path: Path, data: Path, tool: Callable[[str], str]) -> None:
    """editcap writes them, one for a packet and one for the file."""
    path = tmp_path / "commented.pcapng"
    said = ["-a", "3:first words", "-a", "5:more", "--capture-comment", "of the file"]
    subprocess.run([tool("editcap"), *said, str(data / "nanoseconds.pcap"), str(path)], check=True, timeout=30)
    assert sum(comments(block) for block in walk(path.read_bytes())) == 3
    # options that lie about their length are no reason to stop
    block = next(b for b in walk(path.read_bytes()) if b.kind == pcapng.ENHANCED_PACKET and comments(b))
    for at in range(8, len(block.raw) - 4):
        comments(block._replace(raw=block.raw[:at] + b"\xff" + block.raw[at + 1 :]))
        comments(block._replace(raw=block.raw[:at] + block.raw[-4:]))
