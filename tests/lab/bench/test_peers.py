import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from capture.readers import native
from lab.bench import peers
from lab.bench.files import write_capture
from lab.bench.programs import python


def segments(source: str, path: Path) -> list[Any]:
    """What a peer's program reads, without running its end."""
    names: dict[str, Any] = {"__name__": "peer"}
    exec(source, names)  # noqa: S102
    return list(names["segments"](str(path)))


def test_dpkt_does_the_same_work(tmp_path: Path) -> None:
    pytest.importorskip("dpkt")
    path = write_capture(tmp_path / "a.pcap", 300)
    assert segments(peers.READ_DPKT, path) == [tuple(segment) for segment in native.read(path)]


@pytest.mark.parametrize("source", [peers.READ_PYSHARK, peers.READ_SCAPY], ids=["pyshark", "scapy"])
def test_the_slow_ones_read_every_packet(source: str, tmp_path: Path, tool: Callable[[str], str]) -> None:
    """In a Python of their own: both would change this one."""
    tool("tshark")
    path = write_capture(tmp_path / "a.pcap", 30)
    print_all = f"names = {{'__name__': 'peer'}}; exec({source!r}, names)\n"
    print_all += f"for segment in names['segments']({str(path)!r}): print(*segment)"
    environment = {**os.environ, "PYTHONPATH": str(Path(peers.__file__).parents[2])}
    command = python("-W", "ignore", "-c", print_all)
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    lines = done.stdout.splitlines()
    assert len(lines) == 30
    for line, segment in zip(lines, native.read(path), strict=True):
        assert line.startswith(f"{segment.frame} ")
        assert segment.source.host in line
        assert str(segment.source.port) in line
        assert str(segment.length) in line
