"""What comes through a pipe, in whatever pieces."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import CaptureError
from capture.pcapng import enhanced_packet, interface_description, interface_statistics, section_header
from capture.sources.growing import PcapngStream, PcapStream
from capture.sources.source import Captured

PACKETS: list[Captured] = [(1_700_000_000_123_456_000, 60, b"x" * 60), (5_000, 0, b""), (7_000_000_000, 99, b"cut")]


def pcap(order: str = "<", *, nano: bool = False) -> bytes:
    """PACKETS as a pcap stream (draft-ietf-opsawg-pcap, sections 4 and 5)."""
    out = struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 65600, 1)
    for time_ns, length, data in PACKETS:
        fraction = time_ns % 10**9 // (1 if nano else 1000)
        out += struct.pack(order + "IIII", time_ns // 10**9, fraction, len(data), length) + data
    return out


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_whole_and_byte_by_byte(order: str, *, nano: bool) -> None:
    data = pcap(order, nano=nano)
    assert PcapStream().feed(data) == PACKETS
    stream = PcapStream()
    assert [packet for at in range(len(data)) for packet in stream.feed(data[at : at + 1])] == PACKETS


def test_every_length_of_a_stream() -> None:
    data = pcap()
    for length in range(len(data)):
        stream = PcapStream()
        assert stream.feed(data[:length]) + stream.feed(data[length:]) == PACKETS


@pytest.mark.parametrize("beginning", [b"\x0a\x0d\x0d\x0a", b"GIF8", bytes(4), b"\xd4\xc3\xb2\x00"])
def test_no_pcap(beginning: bytes) -> None:
    with pytest.raises(CaptureError, match=rf"writes no pcap \(it began with {beginning.hex(' ')}\)"):
        PcapStream().feed(beginning + bytes(20))


def test_a_length_that_no_packet_has() -> None:
    with pytest.raises(CaptureError, match=r"a packet of 262145 bytes"):
        PcapStream().feed(pcap()[:24] + struct.pack("<IIII", 0, 0, 262145, 262145))


def pcapng(decimals: int = 9) -> bytes:
    """PACKETS as dumpcap writes them."""
    unit = 10 ** (9 - decimals)
    blocks = [section_header("a comment"), interface_description("lo", decimals=decimals)]
    blocks += [enhanced_packet(time_ns // unit, data, wire_length=length) for time_ns, length, data in PACKETS]
    return b"".join([*blocks, interface_statistics(0, 3, 0)])


@pytest.mark.parametrize("decimals", [6, 9])
def test_pcapng_whole_and_byte_by_byte(decimals: int) -> None:
    data = pcapng(decimals)
    assert PcapngStream().feed(data) == PACKETS
    stream = PcapngStream()
    assert [packet for at in range(len(data)) for packet in stream.feed(data[at : at + 1])] == PACKETS


def test_pcapng_of_the_other_byte_order() -> None:
    section = struct.pack(">IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    described = struct.pack(">IIHHII", 1, 20, 1, 0, 0, 20)
    packet = struct.pack(">IIIIIII4sI", 6, 36, 0, 0, 5, 4, 60, b"abcd", 36)
    assert PcapngStream().feed(section + described + packet) == [(5000, 60, b"abcd")]


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (struct.pack("<III", 6, 8, 8), "a block of 8 bytes"),
        (struct.pack("<III", 6, 14, 14), "a block of 14 bytes"),
        (struct.pack("<III", 6, 1 << 20, 0), "a block of 1048576 bytes"),
        (struct.pack("<IIII", 6, 16, 0, 16), "a block of kind 6 ends too early"),
        (struct.pack("<IIIIIIII", 6, 32, 0, 0, 0, 1000, 1000, 32), "a block of kind 6 ends too early"),
    ],
)
def test_no_pcapng(block: bytes, said: str) -> None:
    with pytest.raises(CaptureError, match=rf"writes no pcapng \({said}\)"):
        PcapngStream().feed(section_header() + interface_description() + block)


@pytest.mark.parametrize("stream", [PcapStream, PcapngStream])
@given(data=st.binary(max_size=200))
def test_anything_else_is_an_error_or_nothing(stream: type[PcapStream | PcapngStream], data: bytes) -> None:
    with contextlib.suppress(CaptureError):
        for _, _, packet in stream().feed(data):
            assert packet in data
