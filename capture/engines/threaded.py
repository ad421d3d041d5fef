"""The engines of libraries that read a pipe at their own pace: pyshark and scapy, each in a thread of its own.

pyshark waits for tshark's output, and scapy takes most of a processor; neither belongs in the loop that captures.
"""

import asyncio
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence

from capture.engines.engine import Dissection, Emit
from capture.engines.feed import Feed
from capture.errors import CaptureError
from capture.segment import Segment
from capture.sources.source import Captured


class ThreadedEngine:
    """An engine, see `capture.engines.engine.Engine`."""

    def __init__(self, read_live: Callable[[int], Iterator[Segment]]) -> None:
        """`read_live` yields the segments of a pcapng stream: it gets the reading end of a pipe, and closes it."""
        self._read_live = read_live
        self._feed: Feed | None = None

    async def start(self, header: bytes, emit: Emit, fail: Callable[[CaptureError], None]) -> None:
        """See `Engine`."""
        self._emit, self._fail = emit, fail
        self._loop = asyncio.get_running_loop()
        self._read: queue.SimpleQueue[Dissection] = queue.SimpleQueue()
        reading, writing = os.pipe()
        self._feed = Feed(writing)
        self._ended = asyncio.Event()
        # the feed must go on while the thread waits, so this is no `to_thread` that the loop would wait for at its end
        self._thread = threading.Thread(target=self._work, args=(reading,), name="engine", daemon=True)
        self._thread.start()
        self._feed.write(header)

    def _work(self, pipe: int) -> None:
        failure: BaseException | None = None
        try:
            for segment in self._read_live(pipe):
                self._read.put(Dissection(segment, segment.payload))
                self._loop.call_soon_threadsafe(self._hand_on)
        except BaseException as error:  # a thread's exception is nobody's: `finish` raises it
            failure = error
        finally:
            self._loop.call_soon_threadsafe(self._end, failure)

    def _hand_on(self) -> None:
        seen = []
        while not self._read.empty():
            seen.append(self._read.get_nowait())
        if seen:
            self._emit(seen)

    def _end(self, failure: BaseException | None) -> None:
        assert self._feed is not None
        self._hand_on()
        if self._feed.behind:  # whatever it makes of a stream that is cut
            failure = CaptureError("The capture is no longer shown: its reader fell too far behind.")
        self._feed.close()
        self._failure = failure
        self._ended.set()
        if isinstance(failure, CaptureError):
            self._fail(failure)

    def take(self, frame: int, packets: Sequence[Captured], blocks: bytes) -> None:  # noqa: ARG002
        """See `Engine`."""
        assert self._feed is not None
        self._feed.write(blocks)

    async def finish(self) -> None:
        """See `Engine`."""
        assert self._feed is not None
        self._feed.end()
        await self._ended.wait()
        if self._failure is not None and not isinstance(self._failure, CaptureError):
            raise self._failure

    async def close(self) -> None:
        """See `Engine`."""
        if self._feed is not None:
            self._feed.close()
            await self._ended.wait()
            self._thread.join()
