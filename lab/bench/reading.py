"""Capture files to Segments: packets a second through tshark and natively, and memory against the file's size."""

import contextlib
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from capture.readers import tshark
from lab.bench import peers
from lab.bench.figures import Results, Row, Size, Target, in_turn
from lab.bench.files import write_capture
from lab.bench.programs import python, running
from lab.errors import LabError

_OURS, _BARE = "tshark reader", "bare tshark -T fields"
_PYSHARK_PACKETS, _SCAPY_PACKETS = 5_000, 5_000  # they read a few thousand a second
_DPKT_PACKETS = 100_000
_FLAT = 1.1  # as many times the memory for the largest file as for the smallest; Python itself differs by less


@dataclass(frozen=True, slots=True)
class Read:
    """How a file was read.

    Attributes:
        packets: in it.
        seconds: that reading took, imports apart.
        peak: bytes of memory, the most at a time; 0 where nobody looked.
    """

    packets: int
    seconds: float
    peak: int = 0

    @property
    def rate(self) -> float:
        """Packets a second."""
        return self.packets / self.seconds


def read(name: str, command: list[str], path: Path, packets: int) -> Read:
    """Run a program that reads a file.

    Raises:
        LabError: it cannot, or read something else than is in the file.
    """
    with running(name, [*command, str(path)]) as program:
        result = Read(**json.loads(program.line()))
    if result.packets != packets:
        msg = f"{name} read {result.packets} packets of {packets}."
        raise LabError(msg)
    return result


def bare(path: Path, packets: int) -> Read:
    """Run tshark as the reader does, with nobody to read what it prints.

    Raises:
        ToolMissingError: there is no tshark.
        LabError: it cannot read the file.
    """
    arguments = tshark.command(path)
    started = time.perf_counter()
    done = subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if done.returncode:
        msg = f"tshark could not read its file: it ended with status {done.returncode}."
        raise LabError(msg)
    return Read(packets, time.perf_counter() - started)


@contextlib.contextmanager
def _files(sizes: set[int]) -> Iterator[Mapping[int, Path]]:
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
        yield {packets: write_capture(Path(folder) / f"{packets}.pcap", packets) for packets in sizes}


def through_tshark(size: Size) -> list[Row]:
    """Return the row of reading through tshark."""
    packets = size.through_tshark
    with _files({packets, _PYSHARK_PACKETS}) as files:
        ours = python("-m", "lab.bench.ours", "read", "tshark")
        pyshark = python("-c", peers.READ_PYSHARK)
        contenders: dict[str, Callable[[], Read]] = {
            _OURS: lambda: read(_OURS, ours, files[packets], packets),
            _BARE: lambda: bare(files[packets], packets),
            "pyshark FileCapture": lambda: read("pyshark", pyshark, files[_PYSHARK_PACKETS], _PYSHARK_PACKETS),
        }
        results = in_turn(contenders, size.rounds)
    sides = [results.side(name, lambda done: done.rate) for name in contenders]
    name = f"a file of {packets:,} packets through tshark, packets/s"
    return [Row(name, sides[0], tuple(sides[1:]), Target("ratio", "≥", 0.85))]


def natively(size: Size) -> list[Row]:
    """Return the rows of reading natively, and of its memory."""
    with _files({*size.packets, _SCAPY_PACKETS, _DPKT_PACKETS}) as files:
        ours = python("-m", "lab.bench.ours", "read", "native")
        contenders: dict[str, Callable[[], Read]] = {
            _native(packets): partial(read, _native(packets), ours, files[packets], packets) for packets in size.packets
        }
        for name, source, packets in (
            ("dpkt", peers.READ_DPKT, _DPKT_PACKETS),
            ("scapy PcapReader", peers.READ_SCAPY, _SCAPY_PACKETS),
        ):
            contenders[name] = partial(read, name, python("-c", source), files[packets], packets)
        results = in_turn(contenders, size.rounds)
    return native_rows(results, size)


def _native(packets: int) -> str:
    return f"native reader, {packets:,}"


def native_rows(results: Results[Read], size: Size) -> list[Row]:
    """Return the rows of what was measured."""
    others = tuple(results.side(name, lambda done: done.rate) for name in ("dpkt", "scapy PcapReader"))
    rows = []
    for packets in size.packets:
        name = f"a file of {packets:,} packets to Segments, packets/s"
        ours = results.side(_native(packets), lambda done: done.rate)
        rows.append(Row(name, ours, others, Target("ratio", "≥", 4)))
    least, *_, most = (_native(packets) for packets in size.packets)

    def memory(done: Read) -> float:
        return done.peak / (1 << 20)

    name = f"memory for {size.packets[-1]:,} packets against {size.packets[0]:,}, MiB"
    rows.append(Row(name, results.side(most, memory), (results.side(least, memory),), Target("ratio", "≤", _FLAT)))
    return rows
