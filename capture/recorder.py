"""Writes packets down as they come, then shows them: the half of a capture that does not care where they come from.

Every packet is in the file before anything else looks at it. Who looks, and how far behind, changes nothing there.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from capture.engines.engine import Dissection, Engine
from capture.errors import CaptureError
from capture.pcapng import enhanced_packet, interface_description, interface_statistics, section_header
from capture.sources.source import Captured, Counters

# What waits for who looks at it, in dissections and in bytes of payload; older ones are in the file only.
_UNSEEN, _UNSEEN_BYTES = 1 << 17, 256 << 20


@dataclass(frozen=True, slots=True)
class Limit:
    """How large a capture may grow.

    Attributes:
        size: bytes of a file; a packet that would go beyond begins the next file, or ends the capture.
        files: 1: the capture ends when the file is full. More: it goes on, and only the latest so many files are kept.
    """

    size: int
    files: int = 1


class Recorder:
    """A capture file, or a ring of them, and what an engine makes of the packets in it.

    Attributes:
        path: the first file; with a ring it goes away when its turn comes.
        files: the files that there are, oldest first.
        frames: packets written so far.
        full: whether the limit has ended the capture.
        failure: why writing, or the source, ended too early.
        unseen: dissections that nobody took in time; their packets are in the file.
    """

    def __init__(self, path: Path, engine: Engine | None, limit: Limit | None, comment: str, interface: str) -> None:
        """Make the file, which must not exist.

        Raises:
            CaptureError: it exists or cannot be written.
        """
        self.path = path
        self.files: tuple[Path, ...] = ()
        self.frames = 0
        self.full = False
        self.failure: CaptureError | None = None
        self.unseen = 0
        self.on_end: Callable[[], None] = lambda: None  # called once when nothing more can be written
        self._engine, self._limit = engine, limit
        self._header = section_header(comment) + interface_description(interface)
        self._number = 0
        self._inbox: deque[Dissection] = deque()
        self._waiting = 0  # bytes in the inbox
        self._news = asyncio.Event()
        self._shown = False  # nothing more will come into the inbox
        self._shown_failure: CaptureError | None = None
        self._begin()

    def _begin(self) -> None:
        self._number += 1
        path = self.path
        if self._number > 1:
            path = path.with_name(f"{path.stem}-{self._number:05}{path.suffix}")
        try:
            self._file: FileIO = path.open("xb", buffering=0)
        except OSError as error:
            msg = f"The capture file {path} cannot be written: {error.strerror}."
            raise CaptureError(msg) from error
        self.files = (*self.files, path)
        self._size = 0

    async def start(self) -> None:
        """Start the engine."""
        if self._engine is not None:
            await self._engine.start(self._header, self._emit, self._engine_failed)
        else:
            self._shown = True

    def deliver(self, packets: Sequence[Captured]) -> None:
        """Write packets down and pass them on; nothing once the capture has ended."""
        ended = self.full or self.failure is not None
        if ended:
            return
        blocks = [enhanced_packet(time_ns, data, wire_length=wire_length) for time_ns, wire_length, data in packets]
        written = 0
        try:
            if self._limit is None and self._append(b"".join(blocks), or_nothing=True):
                written = len(blocks)
            else:
                for block in blocks:
                    if not self._room_for(block):
                        break
                    self._append(block)
                    written += 1
        except OSError as error:
            sentence = f"The capture stopped: {self.files[-1]} cannot be written ({error.strerror})."
            self.fail(CaptureError(sentence))
        except CaptureError as error:
            self.fail(error)
        frame = self.frames + 1
        self.frames += written
        if self._engine is not None and written:
            self._engine.take(frame, packets[:written], b"".join(blocks[:written]))
        if self.full:
            self.on_end()

    def _room_for(self, block: bytes) -> bool:
        """Go on to the next file where this one is full; return whether the limit allows the block."""
        if self._limit is None or not self._size or self._size + len(block) <= self._limit.size:
            return True
        if self._limit.files == 1:
            self.full = True
            return False
        self._file.close()
        self._begin()
        if len(self.files) > self._limit.files:
            self.files[0].unlink(missing_ok=True)
            self.files = self.files[1:]
        return True

    def _append(self, data: bytes, *, or_nothing: bool = False) -> bool:
        """Write whole blocks, or none of them; return whether, where that is no error."""
        # a file in which nothing was captured stays empty
        data = data if self._size else self._header + data
        try:
            write_all(self._file, data)
        except OSError:
            # the disk is full within a block: the file ends with the last whole one
            with contextlib.suppress(OSError):
                self._file.truncate(self._size)
                self._file.seek(self._size)
            if or_nothing:
                return False
            raise
        self._size += len(data)
        return True

    def fail(self, error: CaptureError) -> None:
        """End the capture because of an error; only the first counts."""
        if self.failure is None and not self.full:
            kept = f" What was captured before that is in {self.files[-1]}." if self._size else ""
            self.failure = CaptureError(f"{error}{kept}")
            self.on_end()

    def _emit(self, seen: Sequence[Dissection]) -> None:
        self._inbox.extend(seen)
        self._waiting += sum(map(_size, seen))
        while len(self._inbox) > _UNSEEN or self._waiting > _UNSEEN_BYTES:
            self._waiting -= _size(self._inbox.popleft())
            self.unseen += 1
        self._news.set()

    def _engine_failed(self, error: CaptureError) -> None:
        self._shown_failure = error
        self._end_show()

    def _end_show(self) -> None:
        self._shown = True
        self._news.set()

    async def next(self) -> Dissection | None:
        """Return the first of `batch`, and leave the others there; None at the end."""
        await self._something()
        if not self._inbox:
            return None
        dissection = self._inbox.popleft()
        self._waiting -= _size(dissection)
        return dissection

    async def _something(self) -> None:
        while not self._inbox:
            if self._shown:
                if error := self._shown_failure or self.failure:
                    raise error
                return
            self._news.clear()
            await self._news.wait()

    async def batch(self) -> list[Dissection]:
        """Return what there is to be seen, waiting for it where there is nothing yet; empty at the end.

        Raises:
            CaptureError: the engine, or the capture, has ended too early; raised after everything before.
        """
        await self._something()
        seen = list(self._inbox)
        self._inbox.clear()
        self._waiting = 0
        return seen

    async def finish(self, counters: Counters | None) -> None:
        """Write the counters down, and wait until the engine has shown everything."""
        if counters is not None and self._size and self.failure is None:
            try:
                received = counters.received + counters.dropped
                self._append(interface_statistics(time.time_ns(), received, counters.dropped))
            except OSError:
                pass
        if self._engine is not None:
            await self._engine.finish()
        self._end_show()

    def forget(self) -> None:
        """Take the file away where nothing is in it: it would be in the way of another try."""
        if not self._size:
            self.files[-1].unlink(missing_ok=True)

    async def close(self) -> None:
        """Close the file and the engine."""
        if self._engine is not None:
            await self._engine.close()
        self._end_show()
        self._file.close()


class Recorded:
    """What is being recorded, for who made it; iterating over it yields what its engine sees, as it comes."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @property
    def path(self) -> Path:
        """The pcapng file; after the end it holds all that was captured, also where the capture failed."""
        return self._recorder.path

    @property
    def files(self) -> tuple[Path, ...]:
        """The capture files there are, oldest first; more than one only with a ring."""
        return self._recorder.files

    @property
    def full(self) -> bool:
        """Whether the limit has ended the capture."""
        return self._recorder.full

    @property
    def unseen(self) -> int:
        """How many dissections nobody took in time; their packets are in the file."""
        return self._recorder.unseen

    async def batch(self) -> list[Dissection]:
        """Return what its engine has seen since the last call, waiting for something to see; empty at the end.

        Raises:
            CaptureError: the engine, or the capture, has ended too early; raised after everything before.
        """
        return await self._recorder.batch()

    async def __aiter__(self) -> AsyncIterator[Dissection]:
        """Yield what its engine sees, one by one; see `batch`."""
        while (dissection := await self._recorder.next()) is not None:
            yield dissection


def _size(dissection: Dissection) -> int:
    return len(dissection.segment.payload) + len(dissection.data)


def write_all(file: FileIO, data: bytes) -> None:
    """Write all of `data` to an unbuffered file: nothing is kept back that could fail again when it is closed."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
