"""What is lost between ready and stop: captures started and stopped while another process sends without a pause.

The sender counts in shared memory. A message that it began to send after the capture was ready, and that had arrived
before the capture was asked to stop, must be in the file.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from capture.live import open_capture
from capture.readers import native
from capture.tools import LOOPBACK, require
from lab.bench.figures import Results, Row, Size, Target, in_turn
from lab.bench.messages import numbers
from lab.bench.programs import python, running
from lab.bench.sender import RECEIVED, SENT, counters

_OURS, _PEER = "open_capture", "tshark -w"
_ENOUGH = 200  # messages between ready and stop
_STEP = 0.001  # seconds between looks at the counters


@dataclass(frozen=True, slots=True)
class Cycle:
    """A capture that was started and stopped.

    Attributes:
        sent: messages that must be in its file.
        lost: how many of them are not.
    """

    sent: int
    lost: int


@contextlib.contextmanager
def sending(folder: Path) -> Iterator[tuple[int, memoryview]]:
    """Send at full speed inside the block; yield the port, and the counters of `lab.bench.sender`."""
    path = folder / "counters"
    command = python("-m", "lab.bench.sender", "0", "0", str(path))
    with counters(path) as shared, running("the sender", command, 600) as sender:
        yield int(sender.line()), shared


def compare(path: Path, after: int, before: int) -> Cycle:
    """Return what is not in a capture file, and take the file away.

    Args:
        path: the file.
        after: how many messages were sent when the capture was ready; the next may have been on its way.
        before: how many had arrived when it was asked to stop.
    """
    wanted = range(after + 1, before)
    there = numbers(segment.payload for segment in native.read(path) if segment.payload)
    path.unlink()
    return Cycle(len(wanted), sum(number not in there for number in wanted))


async def _capture(path: Path, port: int, shared: memoryview) -> tuple[int, int]:
    async with open_capture(path, [port], engine=None):
        after = shared[SENT]
        while shared[RECEIVED] < after + _ENOUGH:  # noqa: ASYNC110  (another process counts: it sets no event)
            await asyncio.sleep(_STEP)
        return after, shared[RECEIVED]


def ours(path: Path, port: int, shared: memoryview) -> Cycle:
    """Capture with the lab.

    Raises:
        CaptureError: it cannot.
    """
    return compare(path, *asyncio.run(_capture(path, port, shared)))


def peer(path: Path, port: int, shared: memoryview) -> Cycle:
    """Capture with tshark as by hand: wait until it says that it captures, and press Ctrl-C at the end.

    Raises:
        ToolMissingError: there is no tshark.
        LabError: it cannot capture.
    """
    command = [require("tshark"), "-q", "-n", "-i", LOOPBACK, "-f", f"tcp port {port}", "-w", str(path)]
    with running("tshark", ["sh", "-c", 'exec "$@" 2>&1', "sh", *command]) as program:
        while "File:" not in program.line():  # the line "Capturing on" comes too early
            pass
        after = shared[SENT]
        while shared[RECEIVED] < after + _ENOUGH:
            time.sleep(_STEP)
        before = shared[RECEIVED]
        program.interrupt()
    return compare(path, after, before)


def cycles(size: Size) -> list[Row]:
    """Return the row of starting and stopping."""
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as name, sending(Path(name)) as (port, shared):
        path = Path(name) / "cycle.pcapng"

        def repeated(one: Callable[[Path, int, memoryview], Cycle], times: int) -> list[Cycle]:
            return [one(path, port, shared) for _ in range(times)]

        results = in_turn(
            {_OURS: lambda: repeated(ours, size.cycles), _PEER: lambda: repeated(peer, size.peer_cycles)}, rounds=1
        )
    return [cycles_row(results)]


def cycles_row(results: Results[list[Cycle]]) -> Row:
    """Return the row of what was measured: a value for each start and stop."""
    done = {name: [cycle for cycles in found for cycle in cycles] for name, found in results.done.items()}
    every = Results(done, results.failed)
    ours, theirs = (every.side(name, lambda cycle: cycle.lost) for name in (_OURS, _PEER))
    sent = sum(cycle.sent for cycle in done[_OURS])
    sent_past_peer = sum(cycle.sent for cycle in done[_PEER])
    name = (
        f"lost between ready and stop: {len(ours.values)} captures under load, {sent:,} messages "
        f"({_PEER}: {len(theirs.values)}, {sent_past_peer:,})"
    )
    return Row(name, ours, (theirs,), Target("value", "≤", 0), total=True)
