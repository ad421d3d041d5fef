"""Live capture with dumpcap: ready when it has seen a probe of its own, complete when it has seen the last one.

Knows dumpcap's options and its reports. dumpcap writes pcapng to a pipe; every byte of it is saved before anything else
looks at it. A probe is a UDP datagram that the capture sends to a socket of its own; no other program receives it, and
the capture filter admits its port. Probes show in the file as UDP packets that say what they are.
"""

import asyncio
import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from capture.errors import CaptureError
from capture.tools import LOOPBACK, require

# "Packets received/dropped on interface 'Loopback: lo': 24/0 (pcap:0/dumpcap:0/flushed:0/ps_ifdrop:0) (100.0%)"
_COUNTERS = re.compile(r"received/dropped on interface .*: (\d+)/(\d+) \(")

# dumpcap hands packets on after at most 250 ms; this many times that means that it never will.
_PROBE_TIMEOUT = 10.0
_STOP_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Counters:
    """What dumpcap counted: packets that passed the filter, and those of them that did not reach the file."""

    received: int
    dropped: int


class LiveCapture:
    """A running capture. Made by `capture_live`.

    Attributes:
        path: the pcapng file; after the end it holds all that was captured, also where the capture failed.
        counters: set when the capture has ended well, None before.
    """

    def __init__(self, path: Path, file: FileIO, process: asyncio.subprocess.Process, pipe: FileIO | None) -> None:
        self.path = path
        self.counters: Counters | None = None
        self._file = file
        self._process = process
        self._awaited = b""
        self._tail = b""
        self._seen = asyncio.Event()
        self._failure: OSError | None = None
        self._for_reader: asyncio.Queue[bytes] = asyncio.Queue()
        self._feeding = asyncio.create_task(self._feed(pipe))
        self._stderr = asyncio.create_task(self._read_stderr())
        self._pump = asyncio.create_task(self._read_stdout())

    async def _read_stdout(self) -> None:
        """Save what dumpcap writes until it ends."""
        assert self._process.stdout is not None
        while chunk := await self._process.stdout.read(1 << 16):
            if self._failure is None:
                try:
                    write_all(self._file, chunk)
                except OSError as error:
                    self._failure = error
                    self._signal(signal.SIGTERM)
            self._for_reader.put_nowait(chunk)
            # a mark may lie across two chunks
            window = self._tail + chunk
            if self._awaited and self._awaited in window:
                self._seen.set()
            self._tail = window[-len(self._awaited) :] if self._awaited else b""
        self._for_reader.put_nowait(b"")

    async def _feed(self, pipe: FileIO | None) -> None:
        """Pass on to the reader that reads along. It may be slow to start: neither dumpcap nor a probe waits for it."""
        while chunk := await self._for_reader.get():
            if pipe is not None:
                # its pipe may be full: wait in a thread, not in the loop that runs the chat
                try:
                    await asyncio.to_thread(write_all, pipe, chunk)
                except BrokenPipeError:  # the reader has ended; the capture goes on without it
                    pipe.close()
                    pipe = None
        if pipe is not None:
            pipe.close()

    async def _read_stderr(self) -> str:
        assert self._process.stderr is not None
        return (await self._process.stderr.read()).decode(errors="replace")

    def _signal(self, number: signal.Signals) -> None:
        # not Process.send_signal: that may reap a process that has just ended before asyncio does, which complains
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    async def probe(self, probe: socket.socket, purpose: str) -> None:
        """Send a datagram and wait until the capture has seen it; it is sent again, less and less often, until then.

        Raises:
            CaptureError: dumpcap ended, or ten seconds have passed.
        """
        mark = f"traffic lab probe: {purpose} {secrets.token_hex(8)}".encode()
        self._awaited, self._tail = mark, b""
        self._seen.clear()
        pause = 0.01
        seen = asyncio.create_task(self._seen.wait())
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT):
                while not seen.done():
                    probe.sendto(mark, probe.getsockname())
                    await asyncio.wait({seen, self._pump}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                    if self._pump.done() and not seen.done():
                        raise await self._ended_early()
                    pause *= 2
        except TimeoutError:
            msg = f"dumpcap runs but saw none of its own probes within {_PROBE_TIMEOUT:.0f} seconds: try again."
            raise CaptureError(msg) from None
        finally:
            seen.cancel()

    async def _ended_early(self) -> CaptureError:
        status = await self._process.wait()
        stderr = await self._stderr
        if self._failure is not None:
            return CaptureError(
                f"The capture stopped: {self.path} cannot be written ({self._failure.strerror}). "
                "What was captured before that is in it."
            )
        if status < 0:
            name = signal.Signals(-status).name
            return CaptureError(
                f"The capture ended too early: dumpcap was stopped by {name}. What it had captured is in {self.path}."
            )
        lines = [line.strip() for line in stderr.splitlines() if line.strip()]
        reason = next((line for line in lines if line.startswith(("dumpcap:", "The capture session"))), " ".join(lines))
        return CaptureError(f"dumpcap cannot capture: {reason}")

    async def finish(self, probe: socket.socket) -> None:
        """See the last probe, stop dumpcap, read its counters.

        Raises:
            CaptureError: something sent before is missing, or dumpcap does not say that nothing is.
        """
        await self.probe(probe, "end")
        self._signal(signal.SIGINT)
        # waited for, not awaited: when this is cancelled or takes too long, what is in the pipe must still be saved
        await asyncio.wait({self._pump}, timeout=_STOP_TIMEOUT)
        if not self._pump.done():
            msg = f"dumpcap did not stop within {_STOP_TIMEOUT:.0f} seconds; what it captured is in {self.path}."
            raise CaptureError(msg)
        if self._failure is not None:
            raise await self._ended_early()
        found = _COUNTERS.search(await self._stderr)
        if found is None:
            msg = f"dumpcap ended without saying whether it dropped packets; what it captured is in {self.path}."
            raise CaptureError(msg)
        self.counters = Counters(received=int(found[1]), dropped=int(found[2]))

    async def close(self) -> None:
        """End dumpcap, however far it got, and save what is left in its pipe."""
        self._signal(signal.SIGTERM)
        await asyncio.wait({self._pump}, timeout=_STOP_TIMEOUT)
        if not self._pump.done():
            self._signal(signal.SIGKILL)
        await asyncio.gather(self._pump, self._stderr, self._feeding)
        await self._process.wait()


def write_all(file: FileIO, data: bytes) -> None:
    """Write all of `data` to an unbuffered file: nothing is kept back that could fail again when it is closed."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


@contextlib.asynccontextmanager
async def capture_live(path: Path, ports: Sequence[int], *, tee: int | None = None) -> AsyncIterator[LiveCapture]:
    """Capture the TCP traffic of `ports` on the loopback interface into the pcapng file `path`.

    Inside the block everything that passes is captured; after the block the file is complete and `counters` is set.

    Args:
        path: the file to write; it must not exist.
        ports: TCP ports; nothing else is captured but the capture's own probes.
        tee: the writing end of a pipe that gets the same bytes as they arrive, for a reader that reads along; it is
            closed at the end of the capture, whatever the end.

    Raises:
        ToolMissingError: there is no dumpcap.
        CaptureError: no rights, dumpcap killed, the disk full; what was captured stays in `path`.
    """
    with contextlib.ExitStack() as stack:
        pipe = None
        if tee is not None:
            pipe = stack.enter_context(os.fdopen(tee, "wb", buffering=0))
        dumpcap = require("dumpcap")
        probe = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        probe.bind(("127.0.0.1", 0))
        admitted = [f"tcp port {port}" for port in ports] + [f"udp port {probe.getsockname()[1]}"]
        try:
            file = stack.enter_context(path.open("xb", buffering=0))
        except OSError as error:
            msg = f"The capture file {path} cannot be written: {error.strerror}."
            raise CaptureError(msg) from error
        process = await asyncio.create_subprocess_exec(
            *(dumpcap, "-q", "-i", LOOPBACK, "-f", " or ".join(admitted), "-w", "-"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the lab, which then ends dumpcap when nothing more can come
        )
        live = LiveCapture(path, file, process, pipe)
        try:
            await live.probe(probe, "ready")
            try:
                yield live
            except BaseException:
                # an error or Ctrl-C: what passed before it is in dumpcap's buffer, and is kept as well
                with contextlib.suppress(CaptureError):
                    await live.probe(probe, "end")
                raise
            await live.finish(probe)
        finally:
            await live.close()
