import subprocess
import sys
from pathlib import Path

import pytest

from capture.readers.scapy import read


def test_reads_without_any_program(data: Path, no_tools: None) -> None:
    del no_tools
    segments = list(read(data / "plain.pcapng"))
    assert len(segments) == 18
    assert b"hello, who is here?\n" in [segment.payload for segment in segments]


def test_only_tcp_right_above_ip_is_a_segment(data: Path) -> None:
    # tests/data/make.py: four tunnels between the handshake and the last frame; two quotes and a datagram
    assert [segment.frame for segment in read(data / "tunnelled.pcap")] == [1, 2, 3, 8]
    assert [segment.frame for segment in read(data / "icmp-quotes.pcap")] == [1, 2, 3, 8]
    assert [segment.frame for segment in read(data / "fragments.pcap")] == [1, 2, 3, 7]


def test_a_frame_cut_short_keeps_its_length_on_the_wire(data: Path) -> None:
    last = list(read(data / "cut-short.pcap"))[-1]
    assert (last.payload, last.length) == (b"this i", len(b"this is longer than the snapshot length"))


def test_padding_is_no_payload(data: Path) -> None:
    assert [segment.payload for segment in read(data / "padded.pcap") if segment.payload] == [
        b"hello\n",
        b"hi there\n",
        b"bye\n",
    ]


@pytest.mark.parametrize("module", ["capture.readers", "capture.readers.tshark", "capture.live", "capture.tap"])
def test_nothing_else_imports_scapy_or_pyshark(module: str) -> None:
    code = f"import sys, {module}; sys.exit(any(name.startswith(('scapy', 'pyshark')) for name in sys.modules))"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=30, check=False).returncode == 0
