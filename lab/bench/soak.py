"""Leaves the chat server running while people come and go: `python -m lab.bench.soak --minutes 30`.

Knows the server as a process that says how many descriptors, tasks and bytes it has. Nothing here is compared with
anybody. What is asked: does any of these grow while the number of people stays the same, and is all of it given back
when the last one has gone? It ends by itself, and with status 1 where the answer is not the one wanted.

All people are in one other process, over TLS, on the loopback interface. They go into one of a few rooms, say something
now and then, and leave in every way there is: with `!quit`, with TLS's goodbye, with none in the middle of a line, or
before the handshake is done. It is no load: both processes together take a part of one core.
"""

import argparse
import asyncio
import ctypes
import json
import os
import random
import signal
import socket
import ssl
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, cast

from certs.contexts import client_context, server_context
from certs.store import open_store
from chat import loop
from chat.limits import Limits
from chat.server import Server
from chat.wire import Tls
from lab.bench.programs import Program, python, running
from lab.errors import LabError

_ROOM = 50  # people in each
_STAY = (10.0, 60.0)  # seconds that one stays
_AWAY = (0.0, 2.0)  # seconds until the next comes in the same place
_THINK = 10.0  # seconds between two lines of one, on average
_SETTLE = 0.5  # seconds until the server has nothing of a connection that has ended
_PATIENCE = 30.0  # seconds for everything that takes milliseconds
_INTERRUPTED = 130  # what a shell says of a program that Ctrl-C has ended
_WARM_UP = 0.25  # of the time: memory that is used once is kept for the next
_MEGABYTE = 1 << 20

End = Literal["quit", "goodbye", "cut"]
_ENDS: tuple[End, ...] = ("quit", "goodbye", "cut")


@dataclass(frozen=True, slots=True)
class Sample:
    """What the server process has at one moment.

    Attributes:
        at: seconds of the clock that all samples share.
        cpu: seconds that it has run.
        people: with a name.
        resident: bytes that are really in memory (VmRSS of proc(5)).
        used: bytes of malloc's that are in use (mallinfo(3)); `resident` where there is no such figure.
        blocks: of Python's own allocator that are in use (sys.getallocatedblocks).
        descriptors: that are open.
        tasks: of asyncio's.
    """

    at: float
    cpu: float
    people: int
    resident: int
    used: int
    blocks: int
    descriptors: int
    tasks: int


@dataclass(slots=True)
class Tally:
    """What the people did and what became of it."""

    came: int = 0
    said: int = 0
    heard: int = 0
    broken_handshakes: int = 0
    lost: int = 0  # against their will
    kept_out: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """How one figure went after the warm-up.

    Attributes:
        name: of what.
        start: the first value.
        end: the last.
        peak: the most.
        growth: by how much the straight line that fits best rises from the first to the last.
        allowed: what of that may be chance.
    """

    name: str
    start: float
    end: float
    peak: float
    growth: float
    allowed: float

    @property
    def grows(self) -> bool:
        """Whether it is more than chance."""
        return self.growth > self.allowed

    def __str__(self) -> str:
        """Say it in a line."""
        verdict = "GROWS" if self.grows else "no growth"
        return (
            f"{self.name}: start {self.start:.1f}, end {self.end:.1f}, peak {self.peak:.1f}, "
            f"fitted growth {self.growth:+.2f} (allowed {self.allowed:.1f}): {verdict}"
        )


def rise(points: Sequence[tuple[float, float]]) -> float:
    """Return by how much the line of least squares through `points` rises from the first to the last."""
    count = len(points)
    middle_x, middle_y = (sum(point[axis] for point in points) / count for axis in (0, 1))
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    if not spread:
        return 0.0
    slope = sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
    return slope * (points[-1][0] - points[0][0])


def courses(samples: Sequence[Sample]) -> tuple[Course, ...]:
    """Judge what was sampled. Descriptors are those beyond one for each person, whose number goes up and down."""
    begin = samples[0].at + _WARM_UP * (samples[-1].at - samples[0].at)
    late = [sample for sample in samples if sample.at >= begin]

    def course(name: str, value: Callable[[Sample], float], allowed: float) -> Course:
        values = [value(sample) for sample in late]
        growth = rise([(sample.at, number) for sample, number in zip(late, values, strict=True)])
        return Course(name, values[0], values[-1], max(values), growth, allowed)

    def mean(value: Callable[[Sample], float]) -> float:
        return sum(map(value, late)) / len(late)

    def resident(sample: Sample) -> float:
        return sample.resident / _MEGABYTE

    def used(sample: Sample) -> float:
        return sample.used / _MEGABYTE

    def blocks(sample: Sample) -> float:
        return sample.blocks / 1000

    return (
        course("malloc's memory in use, MB", used, max(1.0, 0.03 * mean(used))),
        course("Python's blocks in use, thousands", blocks, max(2.0, 0.03 * mean(blocks))),
        # of what is free again malloc keeps pieces that fit nothing yet: it grows for long, and without a leak
        course("resident memory, MB", resident, 0.25 * mean(resident)),
        course("descriptors beyond people's", lambda sample: sample.descriptors - sample.people, 5.0),
        course("tasks", lambda sample: sample.tasks, 1.0),
    )


def left_over(before: Sample, after: Sample) -> list[str]:
    """Return what the server had not given back when the last one had gone."""
    return [
        f"{name} were {getattr(before, name)} before anybody came and are {getattr(after, name)} afterwards"
        for name in ("people", "descriptors", "tasks")
        if getattr(before, name) != getattr(after, name)
    ]


# The server's process


class _Mallinfo2(ctypes.Structure):
    """What mallinfo2 returns (mallinfo(3), since glibc 2.33)."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def _malloced() -> int | None:
    try:
        mallinfo2 = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        return None
    mallinfo2.restype = _Mallinfo2
    info = mallinfo2()
    return int(info.uordblks) + int(info.hblkhd)


def _now(server: Server) -> Sample:
    resident = next(
        int(line.split()[1]) * 1024
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmRSS:")
    )
    used = _malloced()
    descriptors = len(os.listdir("/proc/self/fd")) - 1  # noqa: PTH208 - the one that lists them is not one of ours
    people, tasks = len(server.rooms.names), len(asyncio.all_tasks())
    return Sample(
        at=time.monotonic(),
        cpu=time.process_time(),
        people=people,
        resident=resident,
        used=resident if used is None else used,
        blocks=sys.getallocatedblocks(),
        descriptors=descriptors,
        tasks=tasks,
    )


async def serve(certificate: Path, key: Path, most: int) -> None:
    """Serve until stdin ends; answer each line there with what the process has now, as JSON on a line."""
    limits = Limits(max_clients=most, per_address=most, max_pending=most)
    stopped = asyncio.Event()
    running_loop = asyncio.get_running_loop()
    async with Server(hosts=("127.0.0.1",), port=0, context=server_context(certificate, key), limits=limits) as server:

        def asked() -> None:
            data = os.read(sys.stdin.fileno(), 1024)
            if not data:
                running_loop.remove_reader(sys.stdin.fileno())
                stopped.set()
            for _ in range(data.count(b"\n")):
                print(json.dumps(asdict(_now(server))), flush=True)  # noqa: T201

        running_loop.add_reader(sys.stdin.fileno(), asked)
        print(server.address[1], flush=True)  # noqa: T201
        await stopped.wait()


# The people's process


class _Person(asyncio.Protocol):
    """Somebody over TLS who counts lines and keeps none."""

    def __init__(self, context: ssl.SSLContext, name: str, tally: Tally) -> None:
        self._wire = Tls(context, server_hostname="localhost")
        self._name, self._tally = name, tally
        self._transport: asyncio.Transport
        self.inside = asyncio.Event()
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._wire.start())

    def data_received(self, data: bytes) -> None:
        words = self._wire.receive(data)
        if self._wire.ready and self._name:
            words_out, self._name = self._name, ""
            self.say(words_out)
        if out := self._wire.outgoing():
            self._transport.write(out)
        if not self.inside.is_set():
            if words.startswith(b"* welcome"):
                self.inside.set()
            elif words:
                self._transport.abort()
        self._tally.heard += words.count(b"\n")
        if self._wire.ended:
            self.leave("goodbye")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self.lost.set()

    def say(self, line: str) -> None:
        """Say a line."""
        if not self._transport.is_closing():
            self._transport.write(self._wire.send(line.encode() + b"\n"))

    def leave(self, how: End) -> None:
        """End the connection; `lost` is set when it has ended."""
        if self._transport.is_closing():
            return
        if how == "quit":
            self.say("!quit")  # the server's goodbye ends it
        elif how == "goodbye":
            self._transport.write(self._wire.end())
            self._transport.close()
        else:
            self._transport.write(self._wire.send(b"half a li"))
            _reset(self._transport)


def _reset(transport: asyncio.Transport) -> None:
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _break_a_handshake(port: int, context: ssl.SSLContext) -> None:
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", port)
    transport.write(Tls(context, server_hostname="localhost").start()[:100])
    _reset(transport)


async def _come_and_go(place: int, rooms: int, port: int, context: ssl.SSLContext, until: float, tally: Tally) -> None:
    """Be one person after the other."""
    clock = asyncio.get_running_loop().time
    chance = random.Random(place)  # noqa: S311 - the same people in every run
    visit = 0
    await asyncio.sleep(chance.uniform(0, min(_STAY[0], (until - clock()) / 4)))
    while clock() < until:
        visit += 1
        if chance.random() < 0.1:
            await _break_a_handshake(port, context)
            tally.broken_handshakes += 1
        name, room = f"p{place}.{visit}", f"r{chance.randrange(rooms)}"
        await _visit(name, room, min(until, clock() + chance.uniform(*_STAY)), port, context, chance, tally)
        if (left := until - clock()) > 0:
            await asyncio.sleep(min(left, chance.uniform(*_AWAY)))


async def _visit(
    name: str, room: str, until: float, port: int, context: ssl.SSLContext, chance: random.Random, tally: Tally
) -> None:
    clock = asyncio.get_running_loop().time
    _, person = await asyncio.get_running_loop().create_connection(
        lambda: _Person(context, name, tally), "127.0.0.1", port
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            await person.inside.wait()
    except TimeoutError:
        tally.kept_out += 1
        person.leave("cut")
        return
    tally.came += 1
    person.say(f"!join {room}")
    while (left := until - clock()) > 0 and not person.lost.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(min(left, chance.expovariate(1 / _THINK))):
                await person.lost.wait()
                break
        person.say(f"{name} has something to say: " + "x" * chance.randrange(200))
        tally.said += 1
    tally.lost += person.lost.is_set()
    person.leave(chance.choice(_ENDS))
    async with asyncio.timeout(_PATIENCE):
        await person.lost.wait()


async def _ask(server: Program) -> Sample:
    server.say()
    return Sample(**json.loads(await asyncio.to_thread(server.line)))


async def soak(
    server: Program, port: int, context: ssl.SSLContext, clients: int, seconds: float, every: float
) -> tuple[list[Sample], Sample, Sample, Tally]:
    """Return the samples, those before and after everybody, and what the people did."""
    clock, tally = asyncio.get_running_loop().time, Tally()
    # uvloop opens a descriptor of its own with the first connection, once
    await _visit("first", "r0", clock(), port, context, random.Random(0), Tally())  # noqa: S311
    await asyncio.sleep(_SETTLE)
    before, samples = await _ask(server), []
    until = clock() + seconds
    rooms = max(clients // _ROOM, 1)
    async with asyncio.TaskGroup() as group:
        for place in range(clients):
            group.create_task(_come_and_go(place, rooms, port, context, until, tally))
        while until - clock() > every:  # not while all leave
            await asyncio.sleep(every)
            samples.append(await _ask(server))
            print(_shown(samples[-1], before), flush=True)  # noqa: T201
    after, patience = await _ask(server), clock() + _PATIENCE
    while left_over(before, after) and clock() < patience:
        await asyncio.sleep(0.1)
        after = await _ask(server)
    return samples, before, after, tally


def _shown(sample: Sample, before: Sample) -> str:
    return (
        f"{sample.at - before.at:6.0f} s: {sample.people} people, {sample.resident / _MEGABYTE:.1f} MB resident, "
        f"{sample.used / _MEGABYTE:.2f} MB malloc's in use, {sample.blocks} blocks, "
        f"{sample.descriptors} descriptors, {sample.tasks} tasks, server's CPU {sample.cpu:.1f} s"
    )


def report(samples: Sequence[Sample], before: Sample, after: Sample, tally: Tally) -> tuple[list[str], int]:
    """Return the lines to print at the end, and the exit status."""
    lines = [", ".join(f"{field.name.replace('_', ' ')} {getattr(tally, field.name):,}" for field in fields(tally))]
    judged = courses(samples)
    lines += map(str, judged)
    wrong = [f"{course.name} grows" for course in judged if course.grows] + left_over(before, after)
    if tally.lost or tally.kept_out:
        wrong.append(f"{tally.lost} were dropped and {tally.kept_out} kept out")
    lines.append(f"NOT AS IT SHOULD BE: {'; '.join(wrong)}." if wrong else "Nothing grows, and all was given back.")
    return lines, int(bool(wrong))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.bench.soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--every", type=float, default=5, help="seconds between two samples")
    parser.add_argument("--serve", nargs=3, metavar=("CERTIFICATE", "KEY", "MOST"), help="be the server")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; 0 where nothing grows, 1 where something does or it cannot be run, 130 after Ctrl-C."""
    arguments = _arguments(argv)
    if arguments.serve:
        certificate, key, most = arguments.serve
        loop.run(serve(Path(certificate), Path(key), int(most)))
        return 0
    if not Path("/proc/self/fd").is_dir():
        sys.stderr.write("This system has no /proc, where the server looks for what it has: run it on Linux.\n")
        return 1
    seconds, clients = 60 * arguments.minutes, arguments.clients
    try:
        with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
            store = open_store(Path(folder))
            files = (str(store.server_certificate), str(store.server_key), str(clients + 100))
            command = python("-m", "lab.bench.soak", "--serve", *files)
            with running("the server", command, limit=seconds + 120) as server:
                port, context = int(server.line()), client_context(store.ca_certificate)
                started = time.process_time(), time.monotonic()
                found = loop.run(soak(server, port, context, clients, seconds, arguments.every))
                took, passed = time.process_time() - started[0], time.monotonic() - started[1]
    except KeyboardInterrupt:
        sys.stderr.write("Stopped; nothing is left running.\n")
        return _INTERRUPTED
    except (LabError, OSError, ExceptionGroup) as error:
        sys.stderr.write(f"The soak cannot go on: {error!r}.\n")
        return 1
    lines, status = report(*found)
    served = found[2].cpu - found[1].cpu
    print(*lines, sep="\n")  # noqa: T201
    print(f"Of one core, the server took {served / passed:.0%} and the people {took / passed:.0%}.")  # noqa: T201
    return status


if __name__ == "__main__":
    # what is started ends in the same way as after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    raise SystemExit(main())
