"""An engine in a thread: what it reads, how it ends, and what it leaves."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.engines import feed
from capture.engines.threaded import ThreadedEngine
from capture.errors import CaptureError
from capture.readers import read_segments
from capture.readers.scapy import read_live
from capture.segment import Segment
from tests.capture.engines.feeding import HEADER, as_blocks, packets_of, show
from tests.capture.talking import run, unexpected

pytestmark = [pytest.mark.usefixtures("nothing_left")]


def test_more_than_a_pipe_holds(data: Path) -> None:
    packets = packets_of(data / "plain.pcapng") * 100
    seen, failures = run(show(ThreadedEngine(read_live), packets, at_once=len(packets)))
    assert failures == []
    assert sum(len(data) for _, _, data in packets) > 1 << 16
    assert [dissection.segment.frame for dissection in seen] == sorted(dissection.segment.frame for dissection in seen)
    assert len(seen) == 100 * len(list(read_segments(data / "plain.pcapng", "tshark")))


def test_it_is_given_the_stream_as_it_is(data: Path) -> None:
    packets = packets_of(data / "plain.pcapng")
    got: list[bytes] = []

    def keep(pipe: int) -> Iterator[Segment]:
        with os.fdopen(pipe, "rb") as file:
            got.append(file.read())
        yield from ()

    assert run(show(ThreadedEngine(keep), packets)) == ([], [])
    assert got == [HEADER + as_blocks(packets)]


def test_the_readers_error_comes_after_what_it_read(data: Path) -> None:
    def two(pipe: int) -> Iterator[Segment]:
        for number, segment in enumerate(read_live(pipe)):
            if number == 2:
                msg = "no more"
                raise CaptureError(msg)
            yield segment

    seen, failures = run(show(ThreadedEngine(two), packets_of(data / "plain.pcapng")))
    assert len(seen) == 2
    assert [str(failure) for failure in failures] == ["no more"]


def test_a_bug_in_the_reader_is_not_hidden(data: Path) -> None:
    def broken(pipe: int) -> Iterator[Segment]:
        os.close(pipe)
        yield from read_live(pipe)  # closed already

    with pytest.raises(OSError, match="Bad file descriptor"):
        run(show(ThreadedEngine(broken), packets_of(data / "plain.pcapng")))


def test_a_reader_that_leaves_early(data: Path) -> None:
    def leave(pipe: int) -> Iterator[Segment]:
        os.close(pipe)
        yield from ()

    assert run(show(ThreadedEngine(leave), packets_of(data / "plain.pcapng") * 40)) == ([], [])


def test_closed_in_the_middle(data: Path) -> None:
    packets = packets_of(data / "plain.pcapng")
    seen: list[object] = []

    async def main() -> None:
        engine = ThreadedEngine(read_live)
        await engine.start(HEADER, seen.extend, unexpected)
        engine.take(1, packets[:5], as_blocks(packets[:5])[:-7])
        await engine.close()

    run(main())
    assert len(seen) <= 5


def test_a_reader_that_fell_too_far_behind(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_MOST", 1 << 16)
    packets = packets_of(data / "plain.pcapng") * 200
    seen, failures = run(show(ThreadedEngine(read_live), packets, at_once=len(packets)))
    assert len(seen) < len(packets)
    assert [str(failure) for failure in failures] == ["The capture is no longer shown: its reader fell too far behind."]
