"""Fills a chat room and times what is said in it, from a process of its own: `python -m lab.bench.chat_load PORT …`.

Knows sockets, TLS and the few words of each protocol that let a client in. Must not know who serves. Contract: what it
reports was delivered in full. A message that somebody did not get, got twice, not in its sender's order, changed or as
another's, or that came back to its sender, is an error and no figure.

The load is the same for every server. All clients are in one room and speak in turn, `TURN` messages of `LENGTH` bytes
in one write, each for all others. The loop is closed: the next turn comes as soon as no more than `WINDOW` messages are
on their way with it, counted in deliveries (those that are still to come of what was sent). So a faster server is asked
for more, and none for more than it can do. One thread does it all. While time runs it takes what the sockets have,
decrypts it, notes when it came and counts its lines; who got what is judged afterwards.

A delivery takes from just before its message is given to the socket until the chunk with the end of its line is there.
"""

import argparse
import contextlib
import gc
import json
import re
import selectors
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from certs.contexts import client_context
from lab.bench.messages import percentile
from lab.errors import LabError

# With one message a turn the load's own system calls are the limit of a fast server, over TLS most of all.
TURN = 4
# With fewer, ngIRCd mostly waits: it leaves Nagle's algorithm on, and the clients' acknowledgements take 40 ms.
WINDOW = 128
LENGTH = 40
_CHUNK = 1 << 16
_RECORD = 1 << 14  # a record has no more plaintext (RFC 8446, section 5.1)
_PATIENCE = 20.0  # seconds without anything after which the rest is lost
_MARK = "everybody is in"
_WORDS = rb"(u\d{3} (\d{7}) \.+)"

Chunk = tuple[float, bytes]  # when it came, and what it is


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to talk to a server.

    Attributes:
        enter: what a client says first; `{name}` is who it is.
        entered: what the answer has in it once the client is in the room.
        say: what goes before the words of a message.
        end: what ends a line, both ways.
        line: what others get: who says it (empty where the server does not tell), the words, their number.
    """

    enter: str
    entered: bytes
    say: bytes
    end: bytes
    line: re.Pattern[bytes]


DIALECTS: Mapping[str, Dialect] = {
    "chat": Dialect("{name}\n", b"* welcome", b"", b"\n", re.compile(rb"(\S+) > " + _WORDS)),
    # lines are passed on as they are: who speaks is in the words alone
    "raw": Dialect("{name}\n", b"* welcome", b"", b"\n", re.compile(rb"()" + _WORDS)),
    "irc": Dialect(
        "NICK {name}\r\nUSER {name} 0 * :{name}\r\nJOIN #room\r\n",
        b" 366 ",  # RPL_ENDOFNAMES (RFC 2812, section 5.1)
        b"PRIVMSG #room :",
        b"\r\n",
        re.compile(rb":([^!]+)!\S+ PRIVMSG #room :" + _WORDS),
    ),
}


@dataclass(frozen=True, slots=True)
class Run:
    """What a server reached.

    Attributes:
        deliveries: of a message to a client.
        seconds: from the first message to the last delivery.
        p50_ms: that a delivery took, the median.
        p99_ms: the same, the 99th percentile.
        busy: the share of those seconds in which this process ran. Close to 1, it was the load that was slow.
    """

    deliveries: int
    seconds: float
    p50_ms: float
    p99_ms: float
    busy: float

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return self.deliveries / self.seconds


class _Tls:
    """TLS beside the socket: one system call takes many records, where `SSLSocket` makes two for each."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")

    def shake_hands(self, connection: socket.socket) -> None:
        done = False
        while not done:
            with contextlib.suppress(ssl.SSLWantReadError):
                self._tls.do_handshake()
                done = True
            connection.sendall(self._outgoing.read())
            if not done:
                data = connection.recv(_CHUNK)
                self._incoming.write(data) if data else self._incoming.write_eof()

    def opened(self, data: bytes) -> bytes:
        self._incoming.write(data)
        words = []
        with contextlib.suppress(ssl.SSLWantReadError):  # the rest of a record is still to come
            while self._incoming.pending and (part := self._tls.read(_RECORD)):
                words.append(part)
        return b"".join(words)

    def sealed(self, words: bytes) -> bytes:
        self._tls.write(words)
        return self._outgoing.read()


class Client:
    """Somebody in the room; `chunks` is what came since the conversation began."""

    def __init__(self, port: int, name: str, dialect: Dialect, context: ssl.SSLContext | None, patience: float) -> None:
        self.name = name
        self.chunks: list[Chunk] = []
        self.socket = socket.create_connection(("127.0.0.1", port), patience)
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._tls = None if context is None else _Tls(context)
            if self._tls is not None:
                self._tls.shake_hands(self.socket)
            self.give(dialect.enter.format(name=name).encode())
            self.skip(dialect.entered)
        except BaseException:
            self.socket.close()
            raise

    def give(self, line: bytes) -> None:
        """Send a line. There is always room for it in the socket: few are on their way."""
        self.socket.send(line if self._tls is None else self._tls.sealed(line))

    def take(self) -> bytes:
        """Return what has come.

        Raises:
            LabError: the server has closed the connection.
        """
        data = self.socket.recv(_CHUNK)
        if not data:
            raise LabError(f"The server closed the connection of {self.name}.")
        return data if self._tls is None else self._tls.opened(data)

    def skip(self, wanted: bytes) -> None:
        """Read on to the end of the line with `wanted` in it, and forget it all."""
        data = b""
        while not data.endswith(b"\n") or wanted not in data:
            data += self.take()


def load(
    port: int,
    dialect: Dialect,
    count: int,
    deliveries: int,
    context: ssl.SSLContext | None = None,
    *,
    patience: float = _PATIENCE,
    turn: int = TURN,
) -> Run:
    """Let `count` clients talk until there were about so many deliveries.

    Raises:
        LabError: the server does not deliver as it should.
    """
    others = count - 1
    names = [f"u{client:03}" for client in range(count)]
    timed = max(deliveries // others // turn, 1)
    # Two more turns by different clients end it: as a connection keeps its order, all that came before them is there by
    # then, what should not have come too.
    words = [
        f"{names[number // turn % count]} {number:07} ".encode().ljust(LENGTH, b".")
        for number in range((timed + 2) * turn)
    ]
    lines = [dialect.say + text + dialect.end for text in words]
    turns = [b"".join(lines[at : at + turn]) for at in range(0, len(lines), turn)]
    try:
        with _room(port, dialect, names, context, patience) as clients, _gc_off():
            cpu = time.process_time()
            sent, ended = _converse(clients, turns, range(timed), turn, patience)
            cpu = time.process_time() - cpu
            _converse(clients, turns, range(timed, timed + 2), turn, patience)
    except OSError as error:
        raise LabError(f"The load cannot be made: {error.strerror or error}.") from error
    seconds = ended - sent[0]
    arrived = judge(dialect, names, words, [client.chunks for client in clients], turn)
    took = sorted((at - sent[number // turn]) * 1000 for number, at in arrived if number < timed * turn)
    return Run(len(took), seconds, percentile(took, 0.5), percentile(took, 0.99), cpu / seconds)


@contextlib.contextmanager
def _room(
    port: int, dialect: Dialect, names: Sequence[str], context: ssl.SSLContext | None, patience: float
) -> Iterator[list[Client]]:
    """Let everybody in, and wait until all that the server has to say about it has been read."""
    with contextlib.ExitStack() as stack:
        clients = []
        for name in names:
            clients.append(Client(port, name, dialect, context, patience))
            stack.callback(clients[-1].socket.close)
        for speaker in clients[:2]:  # each is heard by all others, so everybody is in
            speaker.give(dialect.say + _MARK.encode() + dialect.end)
            for client in clients:
                if client is not speaker:
                    client.skip(_MARK.encode())
        for client in clients:
            client.socket.setblocking(False)
        yield clients


@contextlib.contextmanager
def _gc_off() -> Iterator[None]:
    """Keep Python from looking through all that was noted, again and again."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _converse(
    clients: Sequence[Client], turns: Sequence[bytes], numbers: range, turn: int, patience: float
) -> tuple[list[float], float]:
    """Take the turns of these numbers; return when each was sent, and when the last had come."""
    clock, count, others = time.perf_counter, len(clients), (len(clients) - 1) * turn  # deliveries of a turn
    window = max(WINDOW // turn, 1)
    sent: list[float] = []
    came = 0
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        while came < len(numbers) * others:
            while len(sent) < len(numbers) and (len(sent) - window + 1) * others <= came:
                number = numbers[len(sent)]
                sent.append(clock())
                clients[number % count].give(turns[number])
            ready = selector.select(patience)
            if not ready:
                missing = len(sent) * others - came
                raise LabError(f"Nothing came for {patience:g} seconds; deliveries missing: {missing:,}.")
            for key, _ in ready:
                chunk = key.data.take()
                key.data.chunks.append((clock(), chunk))
                came += chunk.count(b"\n")
        return sent, clock()


def judge(
    dialect: Dialect, names: Sequence[str], words: Sequence[bytes], got: Sequence[Sequence[Chunk]], turn: int = TURN
) -> Iterator[tuple[int, float]]:
    """Yield each delivery: the number of its message, and when it had come.

    Args:
        dialect: what a line looks like.
        names: of the clients, who speak in this order.
        words: of the messages.
        got: what each client got.
        turn: how many messages each says in a row.

    Raises:
        LabError: not everybody got every message of all others once, whole, by its name, in its sender's order.
    """
    count = len(names)
    for client, chunks in enumerate(got):
        following = [speaker * turn for speaker in range(count)]  # of each speaker, the next message
        for at, line in _lines(chunks, dialect.end):
            found = dialect.line.fullmatch(line)
            number = int(found[3]) if found else len(words)
            if not found or number >= len(words) or found[2] != words[number]:
                raise LabError(f"{names[client]} got a line that nobody said: {line!r}.")
            speaker = number // turn % count
            if found[1] not in (b"", names[speaker].encode()):
                raise LabError(f"{names[client]} got message {number} of {names[speaker]} as {found[1].decode()}'s.")
            if speaker == client:
                raise LabError(f"{names[client]} got its own message {number}.")
            if number != following[speaker]:
                expected = following[speaker]
                raise LabError(
                    f"{names[client]} got message {number} of {names[speaker]} where {expected} should have come."
                )
            following[speaker] = number + 1 if (number + 1) % turn else number + 1 + (count - 1) * turn
            yield number, at
        for speaker, number in enumerate(following):
            if speaker != client and number < len(words):
                raise LabError(f"{names[client]} never got message {number} of {names[speaker]}.")


def _lines(chunks: Sequence[Chunk], end: bytes) -> Iterator[tuple[float, bytes]]:
    rest = b""
    for at, chunk in chunks:
        *lines, rest = (rest + chunk).split(end)
        for line in lines:
            yield at, line


def main(argv: Sequence[str] | None = None) -> None:
    """Print what a server reached, as JSON on a line."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.chat_load")
    parser.add_argument("port", type=int)
    parser.add_argument("dialect", choices=DIALECTS)
    parser.add_argument("clients", type=int)
    parser.add_argument("deliveries", type=int)
    parser.add_argument("ca", type=Path, nargs="?", help="of a server that speaks TLS")
    asked = parser.parse_args(argv)
    context = None if asked.ca is None else client_context(asked.ca, version=ssl.TLSVersion.TLSv1_3)
    try:
        run = load(asked.port, DIALECTS[asked.dialect], asked.clients, asked.deliveries, context)
    except LabError as error:
        raise SystemExit(str(error)) from error
    print(json.dumps(asdict(run)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
