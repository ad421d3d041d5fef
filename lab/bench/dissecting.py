"""Frames to trees of fields, each field with its bytes: the lab's ways beside each other, and beside pyshark."""

import tempfile
from functools import partial
from pathlib import Path

from lab.bench import peers
from lab.bench.figures import Row, Size, in_turn
from lab.bench.files import write_capture
from lab.bench.programs import python
from lab.bench.reading import read

_FRAMES = 5_000  # pyshark takes apart some hundreds a second
_OURS = ("sharkd", "pdml")
_PYSHARK = "pyshark FileCapture"


def dissecting(size: Size) -> list[Row]:
    """Return the row of taking frames apart. The frames have no TLS, which only sharkd and tshark are to take apart."""
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
        path = write_capture(Path(folder) / "frames.pcap", _FRAMES)
        commands = {name: python("-m", "lab.bench.ours", "dissect", name) for name in _OURS}
        commands[_PYSHARK] = python("-c", peers.DISSECT_PYSHARK)
        contenders = {name: partial(read, name, command, path, _FRAMES) for name, command in commands.items()}
        results = in_turn(contenders, size.rounds)
    sides = [results.side(name, lambda done: done.rate) for name in contenders]
    return [Row(f"{_FRAMES:,} frames to trees of fields, frames/s", sides[0], tuple(sides[1:]))]
