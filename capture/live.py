"""Live capture: ready when it has seen a probe of its own, complete when it has seen the last one.

Joins a source (who takes packets off the wire), a recorder (the file) and an engine (what one sees of it meanwhile).
A probe is a UDP datagram that the capture sends to a socket of its own; no other program receives it, and the capture
filter admits its port. Probes show in the file as UDP packets that say what they are.
"""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from capture import engines, sources
from capture.engines import EngineName
from capture.errors import CaptureError
from capture.recorder import Limit, Recorded, Recorder
from capture.sources import SourceName
from capture.sources.source import Captured, Counters, Source
from capture.tools import LOOPBACK

# dumpcap, the slowest source, hands packets on after at most 250 ms; this many times that means that it never will
_PROBE_TIMEOUT = 10.0
_COMMENT = "Captured by the traffic lab on the loopback interface. UDP packets that say so are its own probes."


class Capture(Recorded):
    """A running capture. Made by `open_capture`.

    Attributes:
        counters: set when the capture has ended well, None before.
    """

    def __init__(self, recorder: Recorder, source: Source, probe: socket.socket) -> None:
        super().__init__(recorder)
        self.counters: Counters | None = None
        self._source = source
        self._probe = probe
        self._awaited = b""
        self._seen = asyncio.Event()
        self._ended = asyncio.Event()
        self._ready = False
        self._stopping: asyncio.Task[None] | None = None
        recorder.on_end = self._on_end

    def _on_end(self) -> None:
        self._ended.set()
        self._seen.set()
        if self._ready:
            self._begin_to_stop()

    def _begin_to_stop(self) -> asyncio.Task[None]:
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._finish())
        return self._stopping

    def _deliver(self, packets: Sequence[Captured]) -> None:
        self._recorder.deliver(packets)
        if self._awaited and any(self._awaited in data for _, _, data in packets):
            self._awaited = b""
            self._seen.set()

    async def _start(self, ports: Sequence[int]) -> None:
        await self._recorder.start()
        await self._source.start(ports, self._probe.getsockname()[1], self._deliver, self._recorder.fail)
        await self._see_probe("ready")
        self._ready = True
        if self._ended.is_set():
            self._begin_to_stop()

    async def _see_probe(self, purpose: str) -> None:
        """Send a datagram and wait until the capture has seen it; it is sent again, less and less often, until then.

        Raises:
            CaptureError: the source has ended, or ten seconds have passed.
        """
        self._awaited = f"traffic lab probe: {purpose} {secrets.token_hex(8)}".encode()
        mark = self._awaited
        self._seen.clear()
        pause = 0.01
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT):
                while True:
                    if self._ended.is_set():
                        break
                    with contextlib.suppress(OSError):  # it is sent again
                        self._probe.sendto(mark, self._probe.getsockname())
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await self._seen.wait()
                            break
                    pause *= 2
        except TimeoutError:
            msg = (
                f"{self._source.name} runs but saw none of its own probes within {_PROBE_TIMEOUT:.0f} seconds: "
                f"see that the interface {LOOPBACK} is up, and try again."
            )
            raise CaptureError(msg) from None
        if self._recorder.failure is not None:
            raise self._recorder.failure

    async def stop(self) -> None:
        """End the capture once it has seen everything sent until now; leaving the block does the same.

        Raises:
            CaptureError: something sent before is missing, or nobody says that nothing is; what there is, is kept.
        """
        await self._begin_to_stop()

    async def _finish(self) -> None:
        try:
            await self._see_probe("end")
            counters = await self._source.stop()
            if self._recorder.failure is not None:
                raise self._recorder.failure
            self.counters = counters
        finally:
            await self._recorder.finish(self.counters)

    async def _save_rest(self) -> None:
        """After an error or Ctrl-C: what passed before it may still be on its way to the file."""
        if self._stopping is None:
            with contextlib.suppress(CaptureError):
                await self._see_probe("end")

    async def _close(self) -> None:
        if self._stopping is not None:
            self._stopping.cancel()
            # whoever left the block has an exception of his own, or has been given this one
            await asyncio.gather(self._stopping, return_exceptions=True)
        await self._source.close()
        await self._recorder.close()


@contextlib.asynccontextmanager
async def open_capture(
    path: Path,
    ports: Sequence[int],
    *,
    tls_ports: Sequence[int] = (),
    engine: EngineName | None = "native",
    source: SourceName | None = None,
    keylog: Path | None = None,
    limit: Limit | None = None,
) -> AsyncIterator[Capture]:
    """Capture the TCP traffic of some ports on the loopback interface into the pcapng file `path`.

    Inside the block everything that passes is captured; after the block the file is complete and `counters` is set.

    Args:
        path: the file to write; it must not exist.
        ports: TCP ports of plaintext servers.
        tls_ports: TCP ports of TLS servers. Nothing but these and `ports` is captured, and the capture's own probes.
        engine: what one sees while it is captured; None for nothing but the file.
        source: who captures; None for the best that may.
        keylog: for the engine "tshark": the key log that opens TLS as it passes. It may be empty, or come later.
        limit: how large the capture may grow; None for no limit.

    Raises:
        ToolMissingError: the source or the engine needs a program that is not installed.
        CaptureError: no rights, the source killed, the interface down, the disk full; `path` keeps what was captured.
    """
    chosen = sources.make(source)
    looking = None if engine is None else engines.make(engine, ports, tls_ports, keylog)
    async with contextlib.AsyncExitStack() as stack:
        probe = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        probe.bind(("127.0.0.1", 0))
        recorder = Recorder(path, looking, limit, _COMMENT, LOOPBACK)
        capture = Capture(recorder, chosen, probe)
        stack.push_async_callback(capture._close)
        try:
            await capture._start((*ports, *tls_ports))
        except BaseException:
            recorder.forget()
            raise
        try:
            yield capture
        except BaseException:
            await capture._save_rest()
            raise
        await capture.stop()
