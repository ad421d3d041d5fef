"""The engine that dissects as Wireshark does: one tshark that reads the capture through a pipe while it is made.

Knows tshark's options and output. `-r -` hands on each packet as it comes, `-i -` only four times a second. With a key
log tshark opens TLS as it goes; it looks for a connection's keys only once, when it sees the ServerHello, so packets
are held back (capture/engines/keys.py) until they are there.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from capture.engines.engine import Dissection, Emit
from capture.engines.feed import Feed
from capture.engines.keys import KeyGate
from capture.errors import CaptureError, KeyLogError
from capture.readers.tshark import FIELDS, PREFERENCES, last_words, segment_of
from capture.sources.source import Captured
from capture.tools import require

_PATIENCE = 10.0  # seconds without a line at the end of a capture; tshark writes thousands a second

# data.data comes once for each TLS record in a frame, and once where the payload is plaintext
_SEEN = ("_ws.col.Protocol", "_ws.col.Info", "data.data")


class TsharkEngine:
    """An engine, see `capture.engines.engine.Engine`."""

    def __init__(self, ports: Sequence[int], tls_ports: Sequence[int] = (), keylog: Path | None = None) -> None:
        """Dissect `ports` as plaintext and `tls_ports` as TLS, whatever the bytes look like.

        Args:
            ports: TCP ports of plaintext servers. tshark would take port 6000 for X11 and a chat for a game.
            tls_ports: TCP ports of TLS servers.
            keylog: the key log, which may be empty yet, and grow.
        """
        self._ports, self._tls_ports, self._keylog = ports, tls_ports, keylog
        self._process: asyncio.subprocess.Process | None = None
        self._feed: Feed | None = None
        self._gate: KeyGate | None = None
        self._closing = False
        self._lines = 0

    def _command(self) -> list[str]:
        command = [require("tshark"), "-n", "-l", "-r", "-", "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,"]
        for name, value in PREFERENCES.items():
            command += ["-o", f"{name}:{value}"]
        if self._keylog is not None:
            command += ["-o", f"tls.keylog_file:{self._keylog}"]
        for port in self._ports:
            command += ["-d", f"tcp.port=={port},data"]
        for port in self._tls_ports:
            command += ["-d", f"tcp.port=={port},tls", "-d", f"tls.port=={port},data"]
        for field in (*FIELDS, *_SEEN):
            command += ["-e", field]
        return command

    async def start(self, header: bytes, emit: Emit, fail: Callable[[CaptureError], None]) -> None:
        """See `Engine`."""
        command = self._command()
        if self._keylog is not None:
            _check_readable(self._keylog)
        self._emit, self._fail = emit, fail
        reading, writing = os.pipe()
        try:
            self._feed = Feed(writing)
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=reading,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the lab, which then lets tshark read to the end
            )
        finally:
            os.close(reading)
        self._stderr = asyncio.create_task(self._read_stderr())
        self._pump = asyncio.create_task(self._read_stdout())
        self._feed.write(header)
        if self._keylog is not None:
            self._gate = KeyGate(self._keylog, self._tls_ports, self._feed.write)

    def take(self, frame: int, packets: Sequence[Captured], blocks: bytes) -> None:
        """See `Engine`."""
        assert self._feed is not None
        if self._gate is not None:
            self._gate.take(frame, packets, blocks)
        else:
            self._feed.write(blocks)

    async def _read_stderr(self) -> str:
        assert self._process is not None
        assert self._process.stderr is not None
        return (await self._process.stderr.read()).decode(errors="replace")

    async def _read_stdout(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        assert self._feed is not None
        rest = b""
        while chunk := await self._process.stdout.read(1 << 18):
            *lines, rest = (rest + chunk).split(b"\n")
            self._lines += len(lines)
            seen = [found for line in lines if (found := dissection(line.decode(errors="replace"))) is not None]
            if seen:
                self._emit(seen)
        status = await self._process.wait()
        self._feed.close()
        if self._feed.behind:
            self._fail(CaptureError("tshark no longer shows the capture: it fell too far behind."))
        elif status and not self._closing:
            said = last_words(await self._stderr, status)
            if status < 0:
                said = f"it was stopped by {signal.Signals(-status).name}"
            self._fail(CaptureError(f"tshark no longer shows the capture: {said}."))

    async def finish(self) -> None:
        """See `Engine`."""
        assert self._feed is not None
        if self._gate is not None:
            await self._gate.finish()
        self._feed.end()
        before = -1
        while not self._pump.done() and before != self._lines:
            before = self._lines
            await asyncio.wait({self._pump}, timeout=_PATIENCE)
        if not self._pump.done():
            self._fail(CaptureError(f"tshark no longer shows the capture: it stood still for {_PATIENCE:g} seconds."))
            self._kill()
        await asyncio.shield(self._pump)

    def _kill(self) -> None:
        assert self._process is not None
        self._closing = True
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    async def close(self) -> None:
        """See `Engine`."""
        if self._gate is not None:
            self._gate.close()
        if self._feed is not None:
            self._feed.close()
        if self._process is not None:
            self._kill()
            await asyncio.gather(self._pump, self._stderr)
            await self._process.wait()


def _check_readable(keylog: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # it may come later
        try:
            keylog.open("rb").close()
        except (PermissionError, IsADirectoryError) as error:
            msg = f"The key log {keylog} cannot be read: {error.strerror}."
            raise KeyLogError(msg) from error


def dissection(line: str) -> Dissection | None:
    """Return what a line of tshark's says, None where it is about no TCP segment.

    Args:
        line: the values of FIELDS, `_ws.col.Protocol`, `_ws.col.Info` and `data.data`, with tabs between; all values
            of a field, with commas between.
    """
    values = line.split("\t")
    if len(values) != len(FIELDS) + len(_SEEN):
        return None
    *fields, protocol, info, data = values
    segment = segment_of([value.partition(",")[0] for value in fields])
    if segment is None:
        return None
    return Dissection(segment, bytes.fromhex(data.replace(",", "")), protocol, info)
