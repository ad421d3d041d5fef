"""Sends the messages that are timed, from a process of its own: `python -m lab.bench.sender RATE COUNT [FILE]`.

It prints the port that it listens on and sends to. An empty line on stdin leads from each kind of message to the next.
With a FILE it sends as fast as it can, and counts there for others to see; see `counters`.
"""

import contextlib
import mmap
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lab.bench.messages import END, LENGTH, SETTLE, TIMED, WARM, message

# Seconds between the messages that wait for something. A capture that starts gets as few as make its first one certain
# to 2 ms: those that read slowly have to work them off.
_PAUSE = {WARM: 0.002, SETTLE: 0.02, END: 0.005}


# What the counters count: messages whose sending has ended, and messages that have come out at the other end. What is
# sent may still wait in the socket; only what was received has certainly been on the wire.
SENT, RECEIVED = 0, 1


@contextlib.contextmanager
def counters(path: Path) -> Iterator[memoryview]:
    """Map the two numbers, `SENT` and `RECEIVED`, that processes share in a file. It is made where there is none."""
    with path.open("a+b") as file:
        file.truncate(16)
        with mmap.mmap(file.fileno(), 16) as shared, memoryview(shared) as raw, raw.cast("Q") as numbers:
            yield numbers


def _drain(connection: socket.socket, numbers: memoryview | None) -> None:
    received = 0
    while size := len(connection.recv(1 << 16)):
        received += size
        if numbers is not None:
            numbers[RECEIVED] = received // LENGTH


def _asked() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _repeat(kind: bytes, send: Callable[[bytes], None]) -> None:
    """Send messages of a kind until there is a line on stdin, or its end."""
    number = 0
    while not select.select([sys.stdin], [], [], _PAUSE[kind])[0]:
        send(message(kind, number))
        number += 1
    os.read(sys.stdin.fileno(), 1)  # no more: what select waits for must not be in a buffer


def _at_rate(rate: float, count: int, send: Callable[[bytes], None]) -> None:
    started = time.perf_counter()
    for number in range(count):
        send(message(TIMED, number))
        ahead = started + (number + 1) / rate - time.perf_counter()
        if ahead > 0.0005:  # a shorter sleep takes longer than it should
            time.sleep(ahead)
    print(time.perf_counter() - started, flush=True)  # noqa: T201


def _at_full_speed(numbers: memoryview, send: Callable[[bytes], None]) -> None:
    """Send until there is a line on stdin, or its end."""
    number = 0
    while number % 100 or not _asked():
        send(message(TIMED, number))
        number += 1
        numbers[SENT] = number


def main(arguments: Sequence[str]) -> None:
    """Run the sender until stdin says that all is done."""
    rate, count, *path = arguments
    with contextlib.ExitStack() as stack:
        numbers = stack.enter_context(counters(Path(path[0]))) if path else None
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = server.getsockname()[1]
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        drain = threading.Thread(target=_drain, args=(stack.enter_context(server.accept()[0]), numbers))
        drain.start()
        stack.callback(drain.join)
        stack.callback(connection.shutdown, socket.SHUT_WR)
        print(port, flush=True)  # noqa: T201
        if numbers is not None:
            _at_full_speed(numbers, connection.sendall)
        else:
            _repeat(WARM, connection.sendall)
            _repeat(SETTLE, connection.sendall)
            _at_rate(float(rate), int(count), connection.sendall)
            _repeat(END, connection.sendall)


if __name__ == "__main__":
    main(sys.argv[1:])
