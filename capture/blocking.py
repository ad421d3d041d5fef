"""A live capture for code that does not await: in a script, a shell, or a notebook whose loop is busy with the cell."""

import asyncio
import contextlib
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from capture.engines.engine import Dissection
from capture.errors import CaptureError
from capture.live import Capture

T = TypeVar("T")


class _Loop:
    """An event loop that runs in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="capture", daemon=True)
        self._thread.start()

    def run(self, begin: Callable[[], Awaitable[T]]) -> T:
        """Begin something there, and wait for its end here."""

        async def main() -> T:
            return await begin()

        waited = asyncio.run_coroutine_threadsafe(main(), self._loop)
        try:
            return waited.result()
        except BaseException:
            waited.cancel()  # Ctrl-C ends the waiting here; what was waited for must not go on there
            raise

    async def _end_tasks(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            if not task.cancelling():  # else it gives back what it holds: that is to be waited for
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._loop.shutdown_asyncgens()

    def close(self) -> None:
        self.run(self._end_tasks)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class BlockingCapture:
    """A running capture. Made by `blocking`; iterating over it yields what its engine sees, as it comes.

    Attributes:
        capture: the capture itself, for its attributes.
    """

    def __init__(self, capture: Capture, loop: _Loop) -> None:
        self.capture = capture
        self._loop = loop
        self._rest: deque[Dissection] = deque()
        self._looking = threading.Lock()
        self._over = False  # nothing more comes: what is left is in `_rest`

    def stop(self) -> None:
        """See `Capture.stop`."""
        self._loop.run(self.capture.stop)

    def __iter__(self) -> Iterator[Dissection]:
        """Yield what its engine sees, one by one; ends when the capture has ended, see `Capture.batch`."""
        while True:
            # what is left when somebody leaves the loop is there for the next one
            while self._rest:
                yield self._rest.popleft()
            with self._looking:
                if not self._over:
                    self._rest.extend(self._loop.run(self.capture.batch))
            if not self._rest:
                return

    def _end(self) -> None:
        """Keep what was not looked at yet: the loop that could give it ends."""
        with self._looking:
            self._over = True
            with contextlib.suppress(CaptureError):  # it was raised where the capture ended
                while batch := self._loop.run(self.capture.batch):
                    self._rest.extend(batch)


@contextlib.contextmanager
def blocking(opened: AbstractAsyncContextManager[Capture]) -> Iterator[BlockingCapture]:
    """Run a capture in a thread with a loop of its own.

    As in `with blocking(open_capture(path, ports)) as running`.

    Raises:
        CaptureError: as `open_capture` does.
    """
    loop = _Loop()
    try:
        running = BlockingCapture(loop.run(opened.__aenter__), loop)
        try:
            yield running
        except BaseException:
            error = sys.exc_info()
            if not loop.run(lambda: opened.__aexit__(*error)):
                raise
        else:
            loop.run(lambda: opened.__aexit__(None, None, None))
        finally:
            running._end()
    finally:
        loop.close()
