"""Two threads that never meet: the window's, in which tkinter and the model live, and that of the event loop.

Knows: sockets, threads, asyncio, and that tkinter can watch a file. Must not know: widgets, the model, the chat.
Contract: what `carry` is given runs in the window's thread, in order; what `ask` is given runs in the loop. Nobody
polls: a byte through a pair of sockets wakes the window, and a signal sent to the program wakes it, too.
"""

import asyncio
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Protocol

# Seconds of work in one turn of the window, between which it draws and takes keys.
_TURN = 0.03
# Seconds for the loop's thread to end.
_ENDING = 1.0


class Watcher(Protocol):
    """What a tkinter interpreter can do: call back when there is something to read."""

    def createfilehandler(self, file: Any, mask: int, func: Callable[..., object], /) -> None:
        """Call `func` when `file` can be read."""

    def deletefilehandler(self, file: Any, /) -> None:
        """Do so no longer."""


class Bridge:
    """An event loop in a thread of its own, and the way back.

    Args:
        watcher: the interpreter of the window, `root.tk`.
        readable: its mask for "can be read", `tkinter.READABLE`.
    """

    def __init__(self, watcher: Watcher, readable: int) -> None:
        self._watcher = watcher
        self._work: deque[tuple[Callable[[], None], asyncio.Future[None] | None]] = deque()
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="chat", daemon=True)
        watcher.createfilehandler(self._ours, readable, self._arrived)
        signal.set_wakeup_fd(self._theirs.fileno(), warn_on_full_buffer=False)
        self._thread.start()

    def ask(self, what: Coroutine[Any, Any, None]) -> "Future[None]":
        """Run a coroutine in the loop. A mistake in it is raised in the window's thread."""
        asked = asyncio.run_coroutine_threadsafe(what, self._loop)
        asked.add_done_callback(self._report)
        return asked

    def call(self, what: Callable[[], None]) -> None:
        """Call something in the loop."""
        self._loop.call_soon_threadsafe(what)

    def tell(self, do: Callable[[], None]) -> None:
        """Run something in the window's thread, and do not wait for it."""
        self._work.append((do, None))
        self._wake()

    async def carry(self, do: Callable[[], None]) -> None:
        """Run something in the window's thread; return when it is done. To be awaited in the loop."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._work.append((do, done))
        self._wake()
        await done

    def end(self) -> None:
        """End the loop and its thread; what either side was asked for and has not done is given up. Once is enough."""
        if self._ours.fileno() == -1:
            return
        self._work.clear()
        signal.set_wakeup_fd(-1)
        self._watcher.deletefilehandler(self._ours)
        with suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ENDING)
        self._ours.close()
        self._theirs.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        finally:
            self._loop.close()

    def _wake(self) -> None:
        with suppress(OSError):  # full: it is awake; closed: it is gone
            self._theirs.send(b"\0")

    def _arrived(self, _file: object, _mask: int) -> None:
        with suppress(BlockingIOError):
            self._ours.recv(4096)
        until = time.monotonic() + _TURN
        while self._work:
            do, done = self._work.popleft()
            try:
                do()
            finally:
                if done is not None:
                    self._loop.call_soon_threadsafe(_settle, done)
            if time.monotonic() > until:
                self._wake()  # the rest in the next turn
                return

    def _report(self, asked: "Future[None]") -> None:
        if asked.cancelled() or (error := asked.exception()) is None:
            return

        def fail() -> None:
            raise error

        self.tell(fail)


def _settle(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)
