"""Writes to a pipe without ever waiting for who reads it: a slow reader holds up neither the capture nor the loop."""

import asyncio
import contextlib
import os
from collections import deque

_MOST = 256 << 20  # bytes; a reader that is further behind than this will not catch up


class Feed:
    """The writing end of a pipe. All methods are called on the loop it was made on.

    Attributes:
        behind: whether the reader has fallen too far behind; it gets no more. One that has gone can say why itself.
    """

    def __init__(self, pipe: int) -> None:
        os.set_blocking(pipe, False)
        self.behind = False
        self._pipe = pipe
        self._waiting: deque[memoryview] = deque()
        self._size = 0
        self._writing = False
        self._ending = False
        self._loop = asyncio.get_running_loop()
        self._done = self._loop.create_future()

    def write(self, data: bytes) -> None:
        """Write now what the pipe takes, and the rest when it takes more."""
        if self._done.done():
            return
        self._waiting.append(memoryview(data))
        self._size += len(data)
        if self._size > _MOST:
            self.behind = True
            self.close()
        elif not self._writing:
            self._write()

    def end(self) -> None:
        """Close the pipe once everything is written."""
        self._ending = True
        if not self._waiting:
            self.close()

    async def ended(self) -> None:
        """Wait until the pipe is closed, for whichever reason."""
        await asyncio.shield(self._done)

    def _write(self) -> None:
        while self._waiting:
            data = self._waiting[0]
            try:
                written = os.write(self._pipe, data)
            except BlockingIOError:
                break
            except BrokenPipeError:
                self.close()
                return
            self._size -= written
            if written < len(data):
                self._waiting[0] = data[written:]
            else:
                self._waiting.popleft()
        if bool(self._waiting) != self._writing:
            self._writing = bool(self._waiting)
            if self._writing:
                self._loop.add_writer(self._pipe, self._write)
            else:
                self._loop.remove_writer(self._pipe)
        if self._ending and not self._waiting:
            self.close()

    def close(self) -> None:
        """Close the pipe now; what was not written is not written."""
        if self._done.done():
            return
        if self._writing:
            self._loop.remove_writer(self._pipe)
        self._waiting.clear()
        self._size = 0
        with contextlib.suppress(OSError):
            os.close(self._pipe)
        self._done.set_result(None)
