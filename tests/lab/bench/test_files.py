import subprocess
from collections.abc import Callable
from pathlib import Path

from lab.bench.files import write_capture


def test_it_is_a_clean_capture_of_so_many_packets(tmp_path: Path, tool: Callable[[str], str]) -> None:
    path = write_capture(tmp_path / "a.pcap", 1_001)
    command = [tool("tshark"), "-n", "-r", str(path), "-T", "fields"]
    for field in ("tcp.len", "tcp.stream", "tcp.analysis.flags", "_ws.malformed", "frame.time_delta"):
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(lines) == 1_001
    assert {stream for _, stream, *_ in lines} == {str(number) for number in range(50)}
    assert {(flags, malformed) for _, _, flags, malformed, _ in lines} == {("", "")}
    assert len({length for length, *_ in lines}) > 40
    assert {float(delta) for *_, delta in lines[1:]} == {0.001}


def test_every_run_makes_the_same(tmp_path: Path) -> None:
    one, other = (write_capture(tmp_path / name, 200).read_bytes() for name in "ab")
    assert one == other
