"""What the tests of the report share: the page's data of a real demo, shipped captures read, an independent reader."""

import functools
import shutil
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dpkt
import pytest

from capture.dissectors import best_dissector
from capture.segment import ACK, PSH, SYN, Endpoint
from capture.tap import tcp_frame
from lab import evidence
from lab.folder import RunFolder
from lab.pipeline import Outcome
from lab.report.making import page_data
from lab.report.source import read_run
from lab.report.wire import Wire, read_wire

DATA = Path(__file__).parents[2] / "data"

WireOf = Callable[..., Wire]
Captured = Callable[..., Path]


@pytest.fixture(scope="session")
def wire_of() -> WireOf:
    """Read a shipped capture by name, with the keys beside it unless told not to."""

    @functools.cache
    def read(name: str, *, keys: bool = True) -> Wire:
        capture = next(DATA.glob(f"{name}.pcap*"))
        keylog = DATA / f"{name}.keys.txt"
        run = read_run(capture, keylog if keys and keylog.exists() else None)
        return read_wire(capture, run.keys)

    return read


@pytest.fixture(scope="session")
def demo(both: Outcome, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real demo, as the command leaves it, to be left as it is."""
    path = tmp_path_factory.mktemp("demo") / "20261126-001535-both"
    shutil.copytree(both.folder.path, path)
    folder = RunFolder(path)
    folder.write(folder.verdict, evidence.outcome(both))
    return path


@pytest.fixture(scope="session")
def data(demo: Path) -> dict[str, Any]:
    """The page's data of a real demo."""
    run = read_run(demo)
    return page_data(run, read_wire(run.capture, run.keys), best_dissector())


@pytest.fixture(scope="session")
def frames_of() -> Callable[[Path], list[bytes]]:
    """Read the bytes of a capture's frames with dpkt, which knows nothing of this project."""

    def read(path: Path) -> list[bytes]:
        with path.open("rb") as file:
            return [frame for _, frame in dpkt.pcap.UniversalReader(file)]

    return read


@pytest.fixture
def captured(tmp_path: Path) -> Captured:
    """Write a capture of one connection: ">" says that the client speaks, "<" the server."""

    def write(*said: tuple[str, bytes]) -> Path:
        ends = {">": Endpoint("127.0.0.1", 40000), "<": Endpoint("127.0.0.1", 12345)}
        sent = {">": 1, "<": 1}
        frames = [
            tcp_frame(ends[">"], ends["<"], 0, 0, SYN, b""),
            tcp_frame(ends["<"], ends[">"], 0, 1, SYN | ACK, b""),
        ]
        for side, words in said:
            other = "<" if side == ">" else ">"
            for start in range(0, len(words), 60_000):
                part = words[start : start + 60_000]
                frames.append(tcp_frame(ends[side], ends[other], sent[side], sent[other], PSH | ACK, part))
                sent[side] += len(part)
        path = tmp_path / "captured.pcap"
        path.write_bytes(pcap(frames))
        return path

    return write


def pcap(frames: Sequence[bytes]) -> bytes:
    """Return a capture file of Ethernet frames, a second between two."""
    records = (
        struct.pack("<IIII", 1_700_000_000 + n, 0, len(frame), len(frame)) + frame for n, frame in enumerate(frames)
    )
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1) + b"".join(records)
