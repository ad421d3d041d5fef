"""What attackers cost those who only want to talk: how late their messages are, with each attack and without.

Ten people in a room speak in turn, 200 messages a second in all, each as often as the server's limits allow. A delivery
takes from just before its message is given to the socket until it is there. The server is a process with the limits
that it always has, the people are another, and the attacker is a third one.

The attacker comes from the people's own address. What is asked is not how a kernel shares a core among processes, and
attackers have a computer of their own. So the server has a core for itself, with an attacker and without, and on those
of the people an attacker only runs while they have nothing to do.

A 99th percentile below a millisecond is mostly the scheduler's. So rounds without and with each attack take turns, and
what is compared are the medians of their percentiles.
"""

import argparse
import contextlib
import json
import os
import re
import selectors
import socket
import ssl
import struct
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path

from certs.contexts import client_context, server_context
from certs.store import Store, open_store
from chat import loop
from chat.limits import DEFAULT
from lab.bench.chat_load import DIALECTS, Client
from lab.bench.chat_server import serve
from lab.bench.figures import Results, Row, Size, Target, in_turn
from lab.bench.messages import percentile
from lab.bench.programs import python, running
from lab.errors import LabError

PEOPLE = 10
PACE = 200  # messages a second: 20 from each, which is what `Limits.rate` allows
SECONDS = 3.0
UNDISTURBED = "nobody disturbs"
_WORST = 2.0  # times as late as without
_PATIENCE = 10.0
_SAID = re.compile(rb"p(\d) > n(\d+)\n")


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late messages were.

    Attributes:
        deliveries: of a message to one of the others.
        p50_ms: that a delivery took, the median.
        p99_ms: the same, the 99th percentile.
    """

    deliveries: int
    p50_ms: float
    p99_ms: float


# The server's process


# The people's process


def converse(port: int, context: ssl.SSLContext | None, seconds: float) -> Lateness:
    """Let people talk for so long, and say how late it was.

    Raises:
        LabError: not all of them got every message of the others, once and in order.
    """
    with contextlib.ExitStack() as stack:
        people = []
        for number in range(PEOPLE):
            people.append(Client(port, f"p{number}", DIALECTS["chat"], context, _PATIENCE))
            stack.callback(people[-1].socket.close)
        selector = stack.enter_context(selectors.DefaultSelector())
        for person in people:
            person.socket.setblocking(False)
            selector.register(person.socket, selectors.EVENT_READ, person)
        sent = _speak(people, selector, round(seconds * PACE))
    return lateness(sent, [person.chunks for person in people])


def _speak(people: Sequence[Client], selector: selectors.BaseSelector, count: int) -> list[float]:
    clock = time.perf_counter
    sent: list[float] = []
    unfinished: defaultdict[int, bytes] = defaultdict(bytes)
    began, missing = clock(), count * (PEOPLE - 1)
    while missing:
        wait = began + len(sent) / PACE - clock() if len(sent) < count else _PATIENCE
        if wait <= 0:
            sent.append(clock())
            people[(len(sent) - 1) % PEOPLE].give(b"n%d\n" % (len(sent) - 1))
            continue
        ready = selector.select(wait)
        if not ready and len(sent) == count:
            raise LabError(f"Nothing came for {_PATIENCE:g} seconds, and {missing:,} deliveries are missing.")
        for key, _ in ready:
            lines, end, rest = (unfinished[key.fd] + key.data.take()).rpartition(b"\n")
            unfinished[key.fd] = rest
            key.data.chunks.append((clock(), lines + end))
            missing -= len(_SAID.findall(lines + end))
    return sent


def lateness(sent: Sequence[float], got: Sequence[Sequence[tuple[float, bytes]]]) -> Lateness:
    """Judge what each of the people got, who speak in turn.

    Args:
        sent: when each message was.
        got: for each of the people, when what came.

    Raises:
        LabError: a message is missing, or came twice, or not in order.
    """
    took: list[float] = []
    for person, chunks in enumerate(got):
        expected = [number for number in range(len(sent)) if number % PEOPLE != person]
        numbers = []
        for at, words in chunks:
            for found in _SAID.finditer(words):
                number = int(found[2])
                if int(found[1]) != number % PEOPLE or number >= len(sent):
                    raise LabError(f"Person {person} got a message that nobody said: {found[0]!r}.")
                numbers.append(number)
                took.append((at - sent[number]) * 1000)
        if sorted(numbers) != expected:
            raise LabError(f"Person {person} did not get every message once.")
        for speaker in range(PEOPLE):
            of_speaker = [number for number in numbers if number % PEOPLE == speaker]
            if of_speaker != sorted(of_speaker):
                raise LabError(f"Person {person} did not get the messages in order.")
    return Lateness(len(took), percentile(took, 0.5), percentile(took, 0.99))


# The attacker's process: each attack goes on until it is killed, and calls `ready` when it has begun


Ready = Callable[[], None]


class _Attacker:
    """Opens connections, with and without a handshake."""

    def __init__(self, port: int, context: ssl.SSLContext | None) -> None:
        self.port, self.context = port, context

    def connect(self) -> socket.socket:
        """Return a connection on which nothing was said."""
        return socket.create_connection(("127.0.0.1", self.port), _PATIENCE)

    def enter(self, name: str) -> socket.socket:
        """Return the connection of somebody with a name."""
        made = self.connect()
        if self.context is not None:
            made = self.context.wrap_socket(made, server_hostname="localhost")
        made.sendall(name.encode() + b"\n")
        made.recv(100)
        return made

    def hello(self) -> bytes:
        """Return what a client says first."""
        if self.context is None:
            return b"a name that takes its time"
        outgoing = ssl.MemoryBIO()
        with contextlib.suppress(ssl.SSLWantReadError):
            self.context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
        return outgoing.read()


def _held(count: int, attacker: _Attacker, selector: selectors.BaseSelector) -> None:
    """Open connections until there are so many."""
    while len(selector.get_map()) < count:
        with contextlib.suppress(OSError):
            selector.register(attacker.connect(), selectors.EVENT_READ)


def _forget_the_closed(selector: selectors.BaseSelector, wait: float) -> None:
    for key, _ in selector.select(wait):
        connection = key.fileobj
        assert isinstance(connection, socket.socket)
        with contextlib.suppress(OSError):
            if connection.recv(65536):
                continue
        selector.unregister(connection)
        connection.close()


def _silent(attacker: _Attacker, ready: Ready) -> None:
    with selectors.DefaultSelector() as selector:
        _held(500, attacker, selector)
        ready()
        while True:
            _forget_the_closed(selector, 0.1)
            _held(500, attacker, selector)
            time.sleep(0.1)


def _trickling(attacker: _Attacker, ready: Ready) -> None:
    hello = attacker.hello()[:-1]
    with selectors.DefaultSelector() as selector:
        ready()
        while True:
            _held(35, attacker, selector)
            for byte in hello:
                for key in list(selector.get_map().values()):
                    assert isinstance(key.fileobj, socket.socket)
                    with contextlib.suppress(OSError):
                        key.fileobj.send(bytes([byte]))
                _forget_the_closed(selector, 0)
                time.sleep(0.02)


def _long_lines(attacker: _Attacker, ready: Ready) -> None:
    mallory = attacker.enter("mallory")
    ready()
    words = b"x" * 1_000_000
    while True:
        for _ in range(10):
            mallory.sendall(words)
        mallory.sendall(b"\n")


def _storm(attacker: _Attacker, ready: Ready) -> None:
    ready()
    while True:
        with contextlib.suppress(OSError), attacker.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _deaf(attacker: _Attacker, ready: Ready) -> None:
    deaf = [attacker.enter(f"deaf{number}") for number in range(10)]
    ready()
    while True:
        for number, connection in enumerate(deaf):
            try:
                connection.sendall(b"!help\n!users\n")
            except OSError:  # dropped
                with contextlib.suppress(OSError):
                    deaf[number] = attacker.enter(f"deaf{number}")
        time.sleep(0.1)


def _flood(attacker: _Attacker, ready: Ready) -> None:
    mallory = attacker.enter("mallory")
    ready()
    while True:
        mallory.sendall(b"x\n" * 1000)


ATTACKS: Mapping[str, Callable[[_Attacker, Ready], None]] = {
    "500 connect and say nothing": _silent,
    "35 speak a byte at a time": _trickling,
    "one sends lines of 10 MB": _long_lines,
    "one connects and resets without a pause": _storm,
    "ten ask and never read": _deaf,
    "one floods the room": _flood,
}


def attack(name: str, port: int, context: ssl.SSLContext | None) -> None:
    """Attack until killed."""

    def ready() -> None:
        print("ready", flush=True)  # noqa: T201

    while True:
        with contextlib.suppress(OSError):  # thrown out: once more
            ATTACKS[name](_Attacker(port, context), ready)


# What is compared


def once(name: str, store: Store | None, seconds: float = SECONDS) -> Lateness:
    """Measure once, over TLS where there are certificates.

    Raises:
        LabError: the server does not deliver as it should.
    """
    files = () if store is None else (str(store.server_certificate), str(store.server_key))
    trusted = () if store is None else (str(store.ca_certificate),)
    this = ("-m", "lab.bench.disturbing")
    disturbed = ("--attack", name) if name in ATTACKS else ()
    with running("the server", python(*this, "serve", *files)) as server:
        command = python(*this, "people", *disturbed, server.line(), str(seconds), *trusted)
        with running("the people", command) as people:
            return Lateness(**json.loads(people.line()))


def disturbing(size: Size) -> list[Row]:
    """Return the rows of all attacks."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
        certificates = open_store(Path(folder))
        for store in (None, certificates):
            contenders = {name: partial(once, name, store) for name in (UNDISTURBED, *ATTACKS)}
            rows += list(disturbing_rows(in_turn(contenders, size.rounds), tls=store is not None))
    return rows


def disturbing_rows(results: Results[Lateness], *, tls: bool) -> Iterator[Row]:
    """Yield the rows of what was measured."""
    for name in ATTACKS:
        sides = (results.side(side, attrgetter("p99_ms")) for side in (name, UNDISTURBED))
        ours, calm = sides
        where = "over TLS" if tls else "in plaintext"
        yield Row(f"chat {where}, others said to read, p99, ms", ours, (calm,), Target("ratio", "≤", _WORST))


def share_cores(*, server: bool) -> None:
    """Keep this process to its cores, where the system has a way to say so and more than one core."""
    if hasattr(os, "sched_setaffinity"):
        first, *others = sorted(os.sched_getaffinity(0))
        if others:
            os.sched_setaffinity(0, {first} if server else others)


def run_last() -> None:
    """Let this process run only while nobody else wants to: where that can be said, else as late as can be said."""
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(19)


@contextlib.contextmanager
def attacked(name: str, port: int, trusted: Sequence[Path]) -> Iterator[None]:
    """Let an attack go on during the block.

    The attacker is a child of the people's: Linux compares priorities only within a session (sched(7)).

    Raises:
        LabError: it did not begin.
    """
    command = python("-m", "lab.bench.disturbing", "attack", str(port), name, *map(str, trusted))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as attacker:
        try:
            assert attacker.stdout is not None
            if not attacker.stdout.readline():
                raise LabError(f"The attack {name!r} did not begin.")
            yield
        finally:
            attacker.kill()


def main(argv: Sequence[str] | None = None) -> None:
    """Be the server, the people or the attacker."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.disturbing")
    roles = parser.add_subparsers(dest="role", required=True)
    server = roles.add_parser("serve")
    server.add_argument("files", type=Path, nargs="*", help="certificate and key, for TLS")
    people = roles.add_parser("people")
    people.add_argument("--attack", choices=ATTACKS)
    people.add_argument("port", type=int)
    people.add_argument("seconds", type=float)
    attacker = roles.add_parser("attack")
    attacker.add_argument("port", type=int)
    attacker.add_argument("name", choices=ATTACKS)
    for client in (people, attacker):
        client.add_argument("ca", type=Path, nargs="*", help="of a server that speaks TLS")
    asked = parser.parse_args(argv)
    share_cores(server=asked.role == "serve")
    if asked.role == "serve":
        loop.run(serve(server_context(*asked.files) if asked.files else None, DEFAULT))
        return
    context = client_context(*asked.ca) if asked.ca else None
    if asked.role == "attack":
        run_last()
        attack(asked.name, asked.port, context)
    try:
        with attacked(asked.attack, asked.port, asked.ca) if asked.attack else contextlib.nullcontext():
            print(json.dumps(asdict(converse(asked.port, context, asked.seconds))), flush=True)  # noqa: T201
    except (LabError, OSError) as error:
        raise SystemExit(f"{error}") from error


if __name__ == "__main__":
    main()
