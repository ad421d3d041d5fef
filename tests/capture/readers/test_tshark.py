import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.errors import CaptureError, ToolMissingError
from capture.readers.tshark import read, time_to_ns
from capture.segment import ACK, PSH, SYN, Endpoint, Segment


def test_a_segment_says_where_it_stands(data: Path, tool: Callable[[str], str]) -> None:
    tool("tshark")
    segments = list(read(data / "nanoseconds.pcap"))
    # tests/data/make.py: a short chat over Ethernet, IPv4 and TCP without options (14 + 20 + 20 bytes)
    assert segments[0].flags == SYN
    assert segments[3] == Segment(
        frame=4,
        time_ns=1_700_000_003_370370367,
        source=Endpoint("10.0.0.1", 40000),
        destination=Endpoint("10.0.0.2", 12345),
        seq=1001,
        ack=5001,
        flags=PSH | ACK,
        length=6,
        payload=b"hello\n",
        offset=54,
    )


def test_payloads_stand_where_the_segment_says(data: Path, tool: Callable[[str], str]) -> None:
    tool("tshark")
    content = (data / "plain.pcapng").read_bytes()
    for segment in read(data / "plain.pcapng"):
        assert segment.payload in content
    frames = []
    content = (data / "options.pcap").read_bytes()
    at = 24
    while at < len(content):
        length = int.from_bytes(content[at + 8 : at + 12], "little")
        frames.append(content[at + 16 : at + 16 + length])
        at += 16 + length
    for segment in read(data / "options.pcap"):
        assert frames[segment.frame - 1][segment.offset :] == segment.payload


def test_time_to_ns() -> None:
    assert time_to_ns("1700000003.370370367") == 1_700_000_003_370370367
    assert time_to_ns("1700000003.370370000") == 1_700_000_003_370370000
    assert time_to_ns("1700000003") == 1_700_000_003_000000000
    assert time_to_ns("2023-11-14T22:13:23.370370367Z") == 1_700_000_003_370370367


@pytest.mark.usefixtures("no_tools")
def test_without_tshark(data: Path) -> None:
    with pytest.raises(ToolMissingError, match="tshark is not installed"):
        next(read(data / "plain.pcapng"))


@pytest.mark.usefixtures("nothing_left")
def test_a_file_that_tshark_cannot_read(tmp_path: Path, tool: Callable[[str], str]) -> None:
    tool("tshark")
    path = tmp_path / "no.pcap"
    path.write_bytes(b"no capture at all")
    with pytest.raises(CaptureError, match=r"tshark could not read .*no\.pcap: .*format"):
        list(read(path))


def child(name: str) -> int:
    """The process id of the child of this process that runs `name`."""
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                    return int(pid)
    raise AssertionError(name)


@pytest.mark.usefixtures("nothing_left")
def test_tshark_killed_while_it_reads(data: Path, tmp_path: Path, tool: Callable[[str], str]) -> None:
    tool("tshark")
    content = (data / "reordered.pcap").read_bytes()
    large = tmp_path / "large.pcap"
    large.write_bytes(content + content[24:] * 1000)
    source = read(large)
    assert next(source).frame == 1
    os.kill(child("tshark"), signal.SIGKILL)
    with pytest.raises(CaptureError, match="ended with status -9"):
        list(source)
