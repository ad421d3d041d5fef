"""Takes packets off the loopback interface through tcpdump or dumpcap, for who may run one of them but not capture.

Both may have rights that Python has not: a system can give a program file capabilities (capabilities(7)), or let a
group run it. What they write to a pipe is taken apart as it comes.
"""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from capture import bpf
from capture.errors import CaptureError
from capture.sources.growing import PcapngStream, PcapStream
from capture.sources.source import Counters, Deliver, Fail
from capture.tools import LOOPBACK, find, require

_ASK_TIMEOUT = 20.0  # seconds that a program may take to answer; none takes one
_STOP_TIMEOUT = 10.0  # seconds; both end within some milliseconds, unless something is very wrong


@dataclass(frozen=True, slots=True)
class Program:
    """How a program is asked to capture.

    Attributes:
        name: the program.
        options: its options; the filter follows them.
        stream: takes apart what it writes.
        counters: finds how many packets were dropped in what it says at its end.
    """

    name: str
    options: tuple[str, ...]
    stream: type[PcapStream | PcapngStream]
    counters: re.Pattern[str]


# --immediate-mode: a packet is handed on as it comes, else up to a second later. That takes a buffer slot as large as
# the largest packet for each packet, however small it is (packet(7), TPACKET_V2), and on loopback one has up to 65,549
# bytes; -B is in KiB and holds a thousand. A quarter of it lost packets in a burst; more takes longer to set up.
TCPDUMP = Program(
    name="tcpdump",
    options=(
        *("-n", "-q", "-U", "--immediate-mode", "--time-stamp-precision=nano"),
        *("-s", "65600", "-B", "65536", "-i", LOOPBACK, "-w", "-"),
    ),
    stream=PcapStream,
    counters=re.compile(r"(\d+) packets? dropped by kernel"),
)
# "Packets received/dropped on interface 'Loopback: lo': 24/0 (pcap:0/dumpcap:0/flushed:0/ps_ifdrop:0) (100.0%)"
DUMPCAP = Program(
    name="dumpcap",
    options=("-q", "-i", LOOPBACK, "-w", "-"),  # pcapng: its pcap (-P) has microseconds only
    stream=PcapngStream,
    counters=re.compile(r"received/dropped on interface .*: \d+/(\d+) \("),
)

# what both say in any case: where they capture, and their counters
_NO_REASON = re.compile(r"listening on|verbose output|^Capturing on|^File: |^Packets|^\d+ packets? ")


class ProgramSource:
    """A source, see `capture.sources.source.Source`."""

    def __init__(self, program: Program) -> None:
        self.name = program.name
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self._received = 0
        self._stopping = False

    async def start(self, ports: Sequence[int], probe_port: int, deliver: Deliver, fail: Fail) -> None:
        """See `Source`."""
        self._deliver, self._fail = deliver, fail
        command = [require(self.name), *self._program.options]
        if self.name == "dumpcap":
            command.append("-f")
        self._process = await asyncio.create_subprocess_exec(
            *command,
            bpf.expression(ports, probe_port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the lab, which then ends the program when nothing more can come
        )
        self._stderr = asyncio.create_task(self._read_stderr())
        self._pump = asyncio.create_task(self._read_stdout())

    async def _read_stdout(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        stream = self._program.stream()
        while chunk := await self._process.stdout.read(1 << 18):
            try:
                packets = stream.feed(chunk)
            except CaptureError as error:
                self._signal(signal.SIGKILL)
                self._fail(error)
                await self._process.stdout.read()  # asyncio closes a pipe once it has seen its end
                return
            if packets:
                self._received += len(packets)
                self._deliver(packets)
        if not self._stopping:
            self._fail(await self._ended_early())

    async def _read_stderr(self) -> str:
        assert self._process is not None
        assert self._process.stderr is not None
        return (await self._process.stderr.read()).decode(errors="replace")

    async def _ended_early(self) -> CaptureError:
        assert self._process is not None
        self._signal(signal.SIGTERM)  # it may have closed its pipe and live on
        status = await self._process.wait()
        said = await self._stderr
        if status < 0 and status != -signal.SIGTERM:
            return CaptureError(
                f"The capture ended too early: {self.name} was stopped by {signal.Signals(-status).name}."
            )
        lines = [line.strip() for line in said.splitlines() if line.strip() and not _NO_REASON.search(line)]
        own = [line for line in lines if line.startswith((f"{self.name}: ", "The capture session"))]
        reason = (own or lines or [f"it ended with status {status}."])[0]
        return CaptureError(f"{self.name} cannot capture: {reason.removeprefix(f'{self.name}: ')}")

    def _signal(self, number: signal.Signals) -> None:
        # not Process.send_signal: that may reap a process that has just ended before asyncio does, which complains
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)  # where it is a script, what it has started as well

    async def stop(self) -> Counters:
        """See `Source`."""
        self._stopping = True
        self._signal(signal.SIGINT)
        # waited for, not awaited: when this is cancelled or takes too long, what is in the pipe must still be delivered
        await asyncio.wait({self._pump}, timeout=_STOP_TIMEOUT)
        if not self._pump.done():
            msg = f"{self.name} did not stop within {_STOP_TIMEOUT:.0f} seconds."
            raise CaptureError(msg)
        found = self._program.counters.search(await self._stderr)
        if found is None:
            msg = f"{self.name} ended without saying whether it dropped packets."
            raise CaptureError(msg)
        return Counters(self._received, int(found[1]))

    async def close(self) -> None:
        """See `Source`."""
        if self._process is None:
            return
        self._stopping = True
        self._signal(signal.SIGTERM)
        await asyncio.wait({self._pump}, timeout=_STOP_TIMEOUT)
        if not self._pump.done():
            self._signal(signal.SIGKILL)
        await asyncio.gather(self._pump, self._stderr)
        await self._process.wait()


def program_refusal(name: str) -> str | None:
    """Return why the program `name` may not capture on the loopback interface, None where it may.

    With -L it opens the interface to ask for its link types, and captures nothing.
    """
    path = find(name)
    if path is None:
        there = find(name, mode=os.F_OK)  # as Debian's dumpcap is where it lets a group capture
        return f"{there} is there, but your user may not run it." if there else f"{name} is not installed."
    return ask([path, "-i", LOOPBACK, "-L"])


def ask(command: list[str]) -> str | None:
    """Return why a command does not succeed, in its own words; None where it does."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_ASK_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[0] if lines else f"it ended with status {done.returncode}."
