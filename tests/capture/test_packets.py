import gzip
import io
import os
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from capture import packets as module
from capture.errors import CaptureError, NotACaptureError, TornCaptureError
from capture.packets import Packet, packets, read_packets

# Every way of framing a packet; the readers' own tests go through all captures.
FRAMINGS = [
    *("big-endian.pcap", "nanoseconds.pcap", "big-endian-nanoseconds.pcap", "cut-short.pcap", "no-packets.pcap"),
    *("plain.pcapng", "several-link-layers.pcapng", "several-sections.pcapng", "big-endian-blocks.pcapng"),
    *("time-stamps.pcapng", "simple-packets.pcapng", "other-blocks.pcapng", "zipped.pcap.gz", "zipped.pcapng.gz"),
]

Tshark = Callable[..., list[str]]


def read_torn(source: Iterator[Packet]) -> tuple[list[Packet], TornCaptureError | None]:
    """The packets before the end, and what is said of the end."""
    found: list[Packet] = []
    try:
        for packet in source:
            found.append(packet)
    except TornCaptureError as error:
        return found, error
    return found, None


def ends_of(content: bytes) -> list[int]:
    """Where the header and the packets of a little-endian pcap file end, or the blocks of a pcapng file."""
    at, ends = 24, [24]
    if content[:4] == b"\x0a\x0d\x0d\x0a":
        at, ends = 0, []
    while at < len(content):
        if ends[:1] == [24]:
            at += 16 + int.from_bytes(content[at + 8 : at + 12], "little")
        else:
            at += int.from_bytes(content[at + 4 : at + 8], "little")
        ends.append(at)
    return ends


@pytest.mark.parametrize("name", FRAMINGS)
def test_as_tshark_frames_them(name: str, data: Path, tshark: Tshark) -> None:
    fields = ("frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "frame.encap_type")
    rows = [row.split("\t") for row in tshark(data / name, "-Tfields", *(f"-e{field}" for field in fields))]
    # Wireshark counts as frames what is no packet: entries of a journal, somebody's own blocks
    theirs = {int(row[0]): row for row in rows}
    found = list(packets(data / name))
    for frame, time_ns, _, wire_length, kept in found:
        _, time, length, captured, _ = theirs[frame]
        seconds, nanoseconds = divmod(time_ns, 10**9)
        assert time in ("" if time_ns == 0 else time, f"{seconds}.{nanoseconds:09}")
        assert (int(length), int(captured)) == (wire_length, len(kept))
    # a link type of ours is one of Wireshark's numbers, always the same
    kinds = {(101 if packet.linktype in (12, 14) else packet.linktype, theirs[packet.frame][4]) for packet in found}
    assert len({ours for ours, _ in kinds}) == len(kinds)
    assert len(found) == len(rows) - {"other-blocks.pcapng": 2}.get(name, 0)


def test_what_is_counted_and_is_no_packet(data: Path) -> None:
    assert [packet.frame for packet in packets(data / "other-blocks.pcapng")] == [1, 2, 3, 5, 6, 8, 9]


@pytest.mark.parametrize("chunk", [1, 7, 100, 1 << 18])
@pytest.mark.parametrize(
    "name", ["big-endian.pcap", "several-sections.pcapng", "simple-packets.pcapng", "zipped.pcap.gz"]
)
def test_where_a_chunk_ends_makes_no_difference(
    chunk: int, name: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(packets(data / name))
    monkeypatch.setattr(module, "_CHUNK", chunk)
    assert list(packets(data / name)) == whole


@pytest.mark.parametrize("name", ["reordered.pcap", "several-sections.pcapng", "other-blocks.pcapng", "cut-short.pcap"])
def test_torn_at_every_length(name: str, data: Path, tmp_path: Path) -> None:
    content = (data / name).read_bytes()
    if name == "several-sections.pcapng":  # of two byte orders; what a block takes is said once more at its end
        content = content[: content.index(b"\x0a\x0d\x0d\x0a", 4)]
    path = tmp_path / "torn"
    whole = list(read_packets(io.BytesIO(content), path))
    ends = ends_of(content)
    at, packet_ends = 0, []
    for packet in whole:
        at = content.index(packet.data, at) + len(packet.data)
        packet_ends.append(min(end for end in ends if end >= at))
    for size in range(len(content) + 1):
        torn = io.BytesIO(content[:size])
        if size < ends[0]:
            with pytest.raises(NotACaptureError, match="is empty" if size == 0 else "ends within its file header"):
                list(read_packets(torn, path))
            continue
        found, error = read_torn(read_packets(torn, path))
        assert found == whole[: len(found)]
        last = max(end for end in ends if end <= size)
        if size == last:
            assert error is None
        else:
            assert error is not None
            assert error.offset == last
            assert str(error) == (
                f"{path} is torn: it ends within a packet at byte {last}; everything before that was read."
            )
        # nothing that was whole is missing
        assert len(found) == sum(end <= last for end in packet_ends)


@pytest.mark.parametrize("name", ["reordered.pcap", "other-blocks.pcapng"])
def test_zipped_and_torn_at_every_length(name: str, data: Path, tmp_path: Path) -> None:
    content = (data / name).read_bytes()
    whole = list(packets(data / name))
    zipped = gzip.compress(content, compresslevel=1, mtime=0)
    path = tmp_path / "torn.gz"
    counts = set()
    for size in range(2, len(zipped)):
        path.write_bytes(zipped[:size])
        try:
            found, error = read_torn(packets(path))
        except NotACaptureError:
            continue
        assert error is not None, "even where only the checksum is missing"
        assert found == whole[: len(found)]
        counts.add(len(found))
    assert len(whole) in counts
    path.write_bytes(zipped)
    assert read_torn(packets(path)) == (whole, None)
    path.write_bytes(zipped[:-8] + bytes(4) + zipped[-4:])
    found, error = read_torn(packets(path))
    assert found == whole
    assert error is not None
    assert error.offset == len(content)


def test_damage_in_the_middle_is_not_called_an_end(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.pcapng"
    content = (data / "other-blocks.pcapng").read_bytes()
    ends = ends_of(content)
    packet_at = ends[4]  # after section, interface, names, the first packet, statistics
    (length,) = struct.unpack_from("<I", content, packet_at + 4)
    for at, value, why in (
        (packet_at + 4, 13, "no block has 13 bytes"),
        (packet_at + 4, 8, "no block has 8 bytes"),
        (packet_at + 4, 0x7FFFFFFC, "no block has 2147483644 bytes"),
        (packet_at + length - 4, length + 4, "a block's two lengths differ"),
        (packet_at + 8, 1, "of an interface that is not there"),
        (packet_at + 20, length, "longer than its block"),
    ):
        broken = bytearray(content)
        struct.pack_into("<I", broken, at, value)
        path.write_bytes(broken)
        found, error = read_torn(packets(path))
        assert [packet.frame for packet in found] == [1]
        assert error is not None
        assert error.offset == packet_at
        assert f"is damaged at byte {packet_at}: " in str(error)
        assert why in str(error)
    pcap = bytearray((data / "reordered.pcap").read_bytes())
    struct.pack_into("<I", pcap, 24 + 70 + 8, 1 << 20)
    path.write_bytes(pcap)
    found, error = read_torn(packets(path))
    assert len(found) == 1
    assert str(error).endswith("is damaged at byte 94: no packet has 1048576 bytes; everything before that was read.")


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


SECTION = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
INTERFACE = block(1, struct.pack("<HHI", 1, 0, 0))


@pytest.mark.parametrize(
    "broken",
    [
        block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 2, 0, -1)),  # a version that nobody knows
        block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4E, 1, 0, -1)),  # no byte order
        block(0x0A0D0D0A, struct.pack("<I", 0x1A2B3C4D)),
        block(1, b"\0\0\0\0"),
        block(1, struct.pack("<HHIHHI", 1, 0, 0, 14, 8, 0)),  # an option that ends beyond its block
        block(2, bytes(16)),
        block(2, struct.pack("<HHIIII", 0, 0, 0, 0, 40, 40)),
        block(2, struct.pack("<HHIIII", 9, 0, 0, 0, 0, 0)),
        block(3, b""),
        block(3, struct.pack("<I", 40)),
        block(6, bytes(16)),
        block(0xBAD, b""),
    ],
)
def test_blocks_that_break_the_rules_of_their_kind(broken: bytes, tmp_path: Path) -> None:
    good = block(6, struct.pack("<IIIII", 0, 0, 7, 4, 4) + b"good")
    path = tmp_path / "broken.pcapng"
    before = SECTION + INTERFACE + good
    for after in (b"", good):
        path.write_bytes(before + broken + after)
        found, error = read_torn(packets(path))
        assert [(packet.time_ns, packet.data) for packet in found] == [(7000, b"good")]
        assert error is not None
        assert error.offset == len(before)
        assert "is damaged at byte" in str(error)


def test_a_damaged_file_header(tmp_path: Path) -> None:
    path = tmp_path / "file.pcapng"
    path.write_bytes(SECTION[:8] + b"\0\0\0\0" + SECTION[12:])
    with pytest.raises(NotACaptureError, match="is damaged in its file header: a section has no byte order"):
        list(packets(path))


def test_a_length_in_a_file_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what a block says that it has, no more is held than is there."""
    asked: list[int] = []
    path = tmp_path / "liar.pcapng"
    path.write_bytes(SECTION + INTERFACE + struct.pack("<II", 6, 16 << 20))
    monkeypatch.setattr(module, "_CHUNK", 1 << 10)
    with path.open("rb") as file:

        class Watched:
            def read1(self, size: int) -> bytes:
                asked.append(size)
                return file.read1(size)

        found, error = read_torn(read_packets(Watched(), path))
    assert (found, error is not None) == ([], True)
    assert set(asked) == {1 << 10}


@pytest.mark.parametrize("name", ["reordered.pcap", "several-sections.pcapng"])
def test_packets_come_out_of_a_pipe_as_they_go_in(name: str, data: Path) -> None:
    content = (data / name).read_bytes()
    whole = list(packets(data / name))
    reading, writing = os.pipe()
    seen = threading.Semaphore(0)

    def write() -> None:
        # the next packet goes in only once the one before has come out
        at = 0
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            for packet in whole:
                end = content.index(packet.data, at) + len(packet.data)
                end += -end % 4 + 4 if name.endswith("ng") else 0
                pipe.write(content[at:end])
                at = end
                seen.acquire(timeout=30)
            pipe.write(content[at:])

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reading, "rb") as pipe:
        found = []
        for packet in read_packets(pipe, "the pipe"):
            found.append(packet)
            seen.release()
    thread.join(30)
    assert found == whole


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="nowhere cannot be read: No such file"):
        list(packets(tmp_path / "nowhere"))
    with pytest.raises(CaptureError, match="cannot be read: Is a directory"):
        list(packets(tmp_path))


def test_other_kinds_of_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content, says in (
        (b"PK\x03\x04", "starts with 50 4b 03 04, which is neither pcap nor pcapng"),
        (b"", "is empty"),
        (gzip.compress(b""), "is empty"),
        (gzip.compress(b"text, zipped"), "neither pcap nor pcapng"),
    ):
        path.write_bytes(content)
        with pytest.raises(NotACaptureError, match=says):
            list(packets(path))
