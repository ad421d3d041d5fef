import gzip
import io
import os
import struct
import tempfile
from pathlib import Path

import pytest

from capture import files
from capture.errors import CaptureError, NotACaptureError
from capture.files import whole_file, whole_length


def ends_of(content: bytes) -> list[int]:
    """Where the packets (pcap) or blocks (pcapng) of a good little- or big-endian file end, its header's end first."""
    if content[:4] == b"\x0a\x0d\x0d\x0a":
        at, ends = 0, []
        while at < len(content):
            at += int.from_bytes(content[at + 4 : at + 8], "little")
            ends.append(at)
        return ends
    order = ">" if content[0] == 0xA1 else "<"
    ends = [24]
    while ends[-1] < len(content):
        ends.append(ends[-1] + 16 + struct.unpack_from(order + "I", content, ends[-1] + 8)[0])
    return ends


@pytest.mark.parametrize(
    "name", ["plain.pcapng", "big-endian.pcap", "nanoseconds.pcap", "big-endian-nanoseconds.pcap", "raw-ip.pcap"]
)
def test_every_length_of_a_file(name: str, data: Path) -> None:
    content = (data / name).read_bytes()
    ends = ends_of(content)
    assert ends[-1] == len(content)
    for size in range(len(content) + 1):
        file = io.BytesIO(content[:size])
        if size < ends[0]:
            with pytest.raises(NotACaptureError, match=r"is empty" if size == 0 else "ends within its file header"):
                whole_length(file, size, "it")
        else:
            assert whole_length(file, size, "it") == max(end for end in ends if end <= size), size


def test_damage_is_where_the_whole_part_ends(data: Path) -> None:
    content = bytearray((data / "plain.pcapng").read_bytes())
    third, fourth = ends_of(bytes(content))[2:4]
    for at, value in ((third + 4, 13), (third + 7, 0x7F), (third + 4, 0), (fourth - 4, 1)):
        broken = content.copy()
        broken[at] = value
        assert whole_length(io.BytesIO(broken), len(broken), "it") == third
    pcap = bytearray((data / "reordered.pcap").read_bytes())
    pcap[24 + 11] = 0xFF  # the first packet says that it has 4 GB
    assert whole_length(io.BytesIO(pcap), len(pcap), "it") == 24


def test_a_section_of_the_other_byte_order_may_follow(data: Path) -> None:
    little = (data / "plain.pcapng").read_bytes()
    big = b"\x0a\x0d\x0d\x0a" + struct.pack(">IIHHqI", 28, 0x1A2B3C4D, 1, 0, -1, 28)
    both = little + big
    assert whole_length(io.BytesIO(both), len(both), "it") == len(both)
    neither = little + big[:8] + b"\0\0\0\0" + big[12:]
    assert whole_length(io.BytesIO(neither), len(neither), "it") == len(little)


def test_a_whole_file_is_itself(data: Path) -> None:
    with whole_file(data / "plain.pcapng") as whole:
        assert whole.path == data / "plain.pcapng"
        assert whole.torn_at is None


def test_a_torn_file_is_cut_in_a_copy_that_goes_away(data: Path, tmp_path: Path) -> None:
    content = (data / "plain.pcapng").read_bytes()
    end = ends_of(content)[-3]
    torn = tmp_path / "torn.pcapng"
    torn.write_bytes(content[: end + 5])
    with whole_file(torn) as whole:
        assert whole.torn_at == end
        assert whole.path != torn
        assert whole.path.read_bytes() == content[:end]
    assert not whole.path.exists()
    assert torn.read_bytes() == content[: end + 5]


def test_zipped(data: Path, tmp_path: Path) -> None:
    content = (data / "plain.pcapng").read_bytes()
    path = tmp_path / "plain.pcapng.gz"
    path.write_bytes(gzip.compress(content))
    with whole_file(path) as whole:
        assert whole.torn_at is None
        assert whole.path.read_bytes() == content
    damaged = bytearray(gzip.compress(content))
    damaged[-5] ^= 1  # the checksum: all is there, and something of it is wrong
    path.write_bytes(damaged)
    with whole_file(path) as whole:
        assert whole.torn_at == len(content)


def test_a_small_file_that_unpacks_to_a_large_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    monkeypatch.setattr(files, "_MAX_UNZIPPED", 1 << 20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress((data / "plain.pcapng").read_bytes() + bytes(9 << 20)))
    before = set(Path(tempfile.gettempdir()).glob("*.pcap"))
    with pytest.raises(CaptureError, match="unpacks to more than 2 GiB"), whole_file(path):
        pass
    assert set(Path(tempfile.gettempdir()).glob("*.pcap")) <= before


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="nowhere cannot be read: No such file"), whole_file(tmp_path / "nowhere"):
        pass
    with pytest.raises(CaptureError, match="cannot be read: Is a directory"), whole_file(tmp_path):
        pass


def test_other_kinds_of_file(tmp_path: Path) -> None:
    for content, says in (
        (b"PK\x03\x04", "starts with 50 4b 03 04, which is neither pcap nor pcapng"),
        (b"\x1f\x8b", "is empty"),
        (gzip.compress(b""), "is empty"),
        (gzip.compress(b"text, zipped"), "neither pcap nor pcapng"),
        (os.urandom(0), "is empty"),
    ):
        path = tmp_path / "file"
        path.write_bytes(content)
        with pytest.raises(NotACaptureError, match=says), whole_file(path):
            pass
