"""The four readers, and what whole, torn, zipped and hostile files mean for all of them."""

import asyncio
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.errors import CaptureError, NotACaptureError, TornCaptureError
from capture.readers import READERS, ReaderName, read_segments
from capture.segment import Segment
from tests.capture.dissected import PACKETS


def read_torn(path: Path, reader: ReaderName) -> tuple[list[Segment], int]:
    """What is read of a torn file, and where it is said to be torn."""
    segments: list[Segment] = []
    with pytest.raises(TornCaptureError) as raised:  # noqa: PT012  (what came before the error is wanted)
        for segment in read_segments(path, reader):
            segments.append(segment)
    assert str(path) in str(raised.value)
    return segments, raised.value.offset


# pyshark 0.6 reads no packet without a time (draft-ietf-opsawg-pcapng, section 4.4)
TIMELESS = ("simple-packets.pcapng", "other-blocks.pcapng")
# pyshark takes longest, and has these from tshark, too: one for each kind of address, layer, time and damage will do
BY_PYSHARK = {
    *(
        "fragments.pcap",
        "fragments-of-6.pcap",
        "ipv6.pcapng",
        "ipv6-extensions.pcap",
        "vlan.pcap",
        "double-tagged.pcap",
    ),
    *("linux-cooked-2.pcap", "raw-ip.pcap", "bsd-loopback.pcap", "nanoseconds.pcap", "several-link-layers.pcapng"),
    *("cut-short.pcap", "broken-headers.pcap", "icmp-quotes.pcap", "tunnelled.pcap", "retransmitted.pcap"),
    *("tls13.pcapng", "zipped.pcapng.gz"),
}
IN_FRAGMENTS = "(ip && (ip.flags.mf == 1 || ip.frag_offset > 0)) || ipv6.fraghdr.more == 1 || ipv6.fraghdr.offset > 0"


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("name", PACKETS)
def test_all_readers_agree(name: str, data: Path, tshark: Callable[..., list[str]]) -> None:
    first = list(read_segments(data / name, "tshark"))
    alone = list(read_segments(data / name, "native"))
    if name.startswith("fragments"):
        left_out = {int(row) for row in tshark(data / name, "-Y", IN_FRAGMENTS, "-Tfields", "-eframe.number")}
        assert left_out
        alone = [segment for segment in alone if segment.frame not in left_out]
    assert alone == first
    assert list(read_segments(data / name, "scapy")) == first
    if name in TIMELESS:
        with pytest.raises(CaptureError, match="packets without a time: take another reader"):
            list(read_segments(data / name, "pyshark"))
    elif name in BY_PYSHARK:
        assert list(read_segments(data / name, "pyshark")) == first


@pytest.mark.parametrize("reader", READERS)
def test_damage_is_said_alike(reader: ReaderName, data: Path, tmp_path: Path, tool: Callable[[str], str]) -> None:
    tool("tshark")
    content = bytearray((data / "several-sections.pcapng").read_bytes())
    whole = list(read_segments(data / "several-sections.pcapng"))
    second = content.index(b"\x0a\x0d\x0d\x0a", 4)
    content[second + 8] ^= 1
    path = tmp_path / "damaged.pcapng"
    path.write_bytes(content)
    segments, offset = read_torn(path, reader)
    assert segments == whole[:3]
    assert offset == second


@pytest.mark.parametrize("reader", READERS)
def test_a_torn_file_gives_what_is_whole_and_then_says_where(
    reader: ReaderName, data: Path, tmp_path: Path, tool: Callable[[str], str]
) -> None:
    tool("tshark")
    whole = list(read_segments(data / "plain.pcapng"))
    content = (data / "plain.pcapng").read_bytes()
    # pcapng: every block ends with its own length (draft-ietf-opsawg-pcapng, section 3.1)
    ends = [0]
    while ends[-1] < len(content):
        ends.append(ends[-1] + int.from_bytes(content[ends[-1] + 4 : ends[-1] + 8], "little"))
    last_packet = max(end for end in ends if end < ends[-2])
    torn = tmp_path / "torn.pcapng"
    for size in (last_packet + 1, last_packet - 1, ends[2] + 13):
        torn.write_bytes(content[:size])
        segments, offset = read_torn(torn, reader)
        assert offset == max(end for end in ends if end <= size)
        assert segments == whole[: len(segments)]
    torn.write_bytes(content[: ends[-2] - 1])
    segments, _ = read_torn(torn, reader)
    assert len(whole) - len(segments) <= 1


@pytest.mark.parametrize("reader", READERS)
def test_zipped_and_torn_zipped(reader: ReaderName, data: Path, tmp_path: Path, tool: Callable[[str], str]) -> None:
    tool("tshark")
    content = (data / "reordered.pcap").read_bytes()
    zipped = tmp_path / "reordered.pcap.gz"
    zipped.write_bytes(gzip.compress(content, mtime=0))
    whole = list(read_segments(data / "reordered.pcap", reader))
    assert list(read_segments(zipped, reader)) == whole
    zipped.write_bytes(gzip.compress(content, compresslevel=0, mtime=0)[:-60])
    segments, offset = read_torn(zipped, reader)
    assert 0 < len(segments) < len(whole)
    assert segments == whole[: len(segments)]
    assert offset < len(content) - 42


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("content", [b"", b"GET / HTTP/1.0\r\n\r\n", b"\x0a\x0d\x0d\x0a\x1c"])
def test_what_is_no_capture_is_said_to_be_none(reader: ReaderName, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(NotACaptureError, match="file"):
        list(read_segments(path, reader))


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("reader", READERS)
def test_reads_inside_a_running_loop(reader: ReaderName, data: Path, tool: Callable[[str], str]) -> None:
    tool("tshark")

    async def main() -> int:
        return len(list(read_segments(data / "plain.pcapng", reader)))

    assert asyncio.run(main()) == 18


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_left_early_leaves_nothing(
    reader: ReaderName, data: Path, tmp_path: Path, tool: Callable[[str], str]
) -> None:
    tool("tshark")
    # more than any pipe and queue between tshark and the consumer can hold
    content = (data / "reordered.pcap").read_bytes()
    large = tmp_path / "large.pcap"
    large.write_bytes(content + content[24:] * 300)
    source = read_segments(large, reader)
    assert next(source).frame == 1
    source.close()  # type: ignore[attr-defined]
