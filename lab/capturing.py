"""Captures what passes between servers and clients, by whichever way there is: a live capture or the tap."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from capture.engines import EngineName
from capture.live import open_capture
from capture.rights import Choice, Way
from capture.segment import Segment
from capture.sources.source import Counters
from capture.tap import open_tap


@dataclass(slots=True)
class Captured:
    """A capture under way, and what it counted when it has ended.

    Attributes:
        ports: for the port of each server, the one that the capture shows and that clients are to connect to: the
            tap's own, where the tap is in between.
        counters: what the capture counted; set after the block.
        segments: what an engine has read along; None without one.
    """

    ports: Mapping[int, int]
    counters: Counters = field(default=Counters(0, 0))
    segments: tuple[Segment, ...] | None = None


@contextlib.asynccontextmanager
async def captured(
    path: Path,
    choice: Choice,
    servers: Sequence[int],
    *,
    shown: Mapping[int, int] | None = None,
    engine: EngineName | None = None,
) -> AsyncIterator[Captured]:
    """Capture the traffic of some servers on loopback into the file `path`, everything in the block and nothing else.

    Args:
        path: the file to write; it must not exist.
        choice: the way of capturing.
        servers: the ports that the servers listen on.
        shown: for the tap: the port that it listens on for a server's; any that is free where it says nothing.
        engine: what reads along, in a live capture; None for nothing.

    Raises:
        CaptureError: as its text says; what was captured until then stays in the file.
    """
    if choice.way is Way.TAP:
        wanted = shown or {}
        async with open_tap(path) as tap:
            wire = Captured({port: await tap.listen(wanted.get(port, 0), port) for port in servers})
            yield wire
        assert tap.counters is not None
        wire.counters = tap.counters
        return
    async with open_capture(path, servers, engine=engine, source=choice.source) as capture:
        wire = Captured({port: port for port in servers})
        yield wire
    assert capture.counters is not None
    wire.counters = capture.counters
    if engine is not None:
        wire.segments = tuple([seen.segment async for seen in capture])
