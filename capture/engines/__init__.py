"""What one sees of a capture while it is made: natively, through tshark, pyshark or scapy. Knows their names only."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from capture.engines.engine import Engine
from capture.engines.native import NativeEngine
from capture.engines.threaded import ThreadedEngine
from capture.engines.tshark import TsharkEngine
from capture.readers import ReaderName
from capture.segment import Segment

EngineName = ReaderName


def make(name: EngineName, ports: Sequence[int], tls_ports: Sequence[int] = (), keylog: Path | None = None) -> Engine:
    """Return an engine; arguments as in `TsharkEngine`, the only one that knows TLS."""
    if name == "native":
        return NativeEngine()
    if name == "tshark":
        return TsharkEngine(ports, tls_ports, keylog)
    return ThreadedEngine(_read_live(name))


def _read_live(name: EngineName) -> Callable[[int], Iterator[Segment]]:
    # imported only when asked for: both are slow to import
    if name == "pyshark":
        from capture.readers.pyshark import read_live  # noqa: PLC0415
    else:
        from capture.readers.scapy import read_live  # noqa: PLC0415
    return read_live
