"""The server's end, whatever it was, is no hindrance to its next start."""

import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chat import notices
from tests.chat.conftest import Wire
from tests.chat.hostile.conftest import reset

ROOT = Path(__file__).resolve().parents[3]
TIME_WAIT = "06"  # as proc(5)'s /proc/net/tcp has it (include/net/tcp_states.h)


class Serving:
    """A server's process."""

    def __init__(self, stack: ExitStack, port: int, certificate: Path | None) -> None:
        pem = [] if certificate is None else [str(certificate)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.chat.hostile.serving", str(port), *pem],
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "error::ResourceWarning"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        stack.callback(self.close)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        self.port = int(line)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


Start = Callable[[int], Serving]


class Person:
    """A connection with a name."""

    def __init__(self, stack: ExitStack, port: int, name: str, context: ssl.SSLContext | None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        stack.callback(self.close)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.socket.sendall(f"{name}\n".encode())
        self.welcome = self.lines.readline()
        assert self.welcome.startswith(f"* welcome, {name}"), self.welcome

    def close(self) -> None:
        self.lines.close()
        self.socket.close()

    def wait_for_fin(self) -> None:
        """Wait until TCP itself has said that no more comes."""
        with socket.socket(fileno=os.dup(self.socket.fileno())) as below:
            below.settimeout(30)
            assert below.recv(1) == b""

    def vanish(self) -> None:
        """Be cut off."""
        self.lines.close()
        reset(self.socket)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start(stack: ExitStack, wire: Wire, certificate: Path) -> Start:
    """Start a server on a port, over the transport of the test."""
    return lambda port: Serving(stack, port, None if wire[0] is None else certificate)


def works(stack: ExitStack, serving: Serving, context: ssl.SSLContext | None) -> None:
    ann, bob = (Person(stack, serving.port, name, context) for name in ("ann", "bob"))
    assert bob.welcome == "* welcome, bob. 2 here: ann, bob\n"
    assert ann.lines.readline() == "* bob has come in\n"
    bob.socket.sendall(b"here we are again\n")
    assert ann.lines.readline() == "bob > here we are again\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_graceful_stop_tells_everybody_and_the_port_is_free(
    stack: ExitStack, start: Start, wire: Wire, number: signal.Signals
) -> None:
    first = start(0)
    people = [Person(stack, first.port, f"p{place}", wire[1]) for place in range(6)]
    people[-1].socket.sendall(b"last words\n!users\n")
    assert people[-1].lines.readline().startswith("* 6 here: ")  # the server has read them
    first.process.send_signal(number)
    for place, person in enumerate(people):
        came = [f"* p{later} has come in\n" for later in range(place + 1, 6)]
        said = ["p5 > last words\n"] if place < 5 else []
        assert person.lines.readlines() == [*came, *said, notices.line(notices.SERVER_CLOSING) + "\n"]
        person.close()
    assert first.end(number) == (0, "stopped\n", "")
    works(stack, start(first.port), wire[1])


def test_after_kill_9_the_same_port_works_at_once(stack: ExitStack, start: Start, wire: Wire) -> None:
    first = start(0)
    people = [Person(stack, first.port, f"p{place}", wire[1]) for place in range(6)]
    assert first.end(signal.SIGKILL)[0] == -signal.SIGKILL
    # these are still there, and some have not noticed
    second = start(first.port)
    works(stack, second, wire[1])
    for person in people[1:]:
        with pytest.raises((OSError, ssl.SSLError)):  # noqa: PT012 - over TLS no end without a goodbye
            while person.lines.readline():
                pass
            raise ConnectionResetError
    # they come back by their old names
    again = [Person(stack, second.port, f"p{place}", wire[1]) for place in range(6)]
    again[0].socket.sendall(b"hello\n")
    while again[-1].lines.readline() != "p0 > hello\n":
        pass


def waiting(port: int) -> int:
    """How many of a port's own connections are in TIME_WAIT."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == TIME_WAIT for row in rows)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux's /proc says what the kernel keeps")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_port_that_has_connections_in_time_wait(
    stack: ExitStack, start: Start, wire: Wire, number: signal.Signals
) -> None:
    first = start(0)
    people = [Person(stack, first.port, f"p{place}", wire[1]) for place in range(4)]
    for person in people:
        person.socket.sendall(b"!users\n")
        while " here: " not in person.lines.readline():
            pass
    first.process.send_signal(number)
    if number == signal.SIGTERM:
        for person in people:
            person.lines.readlines()
            person.wait_for_fin()  # over TLS the goodbye may have come without
            person.close()
    # else its kernel says goodbye, and people read nothing: over TLS they would complain, and there were a reset
    first.process.communicate(timeout=30)
    for person in people:
        person.close()
    assert waiting(first.port) > 0
    second = start(first.port)
    assert second.port == first.port
    works(stack, second, wire[1])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_half_of_the_clients_have_gone(stack: ExitStack, start: Start, wire: Wire, number: signal.Signals) -> None:
    first = start(0)
    people = [Person(stack, first.port, f"p{place}", wire[1]) for place in range(10)]
    for person in people[:5]:
        person.vanish()
    first.process.send_signal(number)
    if number == signal.SIGTERM:
        for person in people[5:]:
            assert person.lines.readlines()[-1] == notices.line(notices.SERVER_CLOSING) + "\n"
            person.close()
    out, err = first.process.communicate(timeout=30)
    status = first.process.returncode
    assert (status, err) == (0 if number == signal.SIGTERM else -number, "")
    assert out == ("stopped\n" if number == signal.SIGTERM else "")
    works(stack, start(first.port), wire[1])


def test_a_port_that_is_really_taken_is_said_to_be(stack: ExitStack, start: Start, wire: Wire) -> None:
    first = start(0)
    done = subprocess.run(
        [sys.executable, "-m", "tests.chat.hostile.serving", str(first.port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Port {first.port} on 127.0.0.1 is in use: ")
    works(stack, first, wire[1])


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process (prlimit(2))")
def test_a_server_without_descriptors_makes_room(stack: ExitStack, start: Start, wire: Wire) -> None:
    """The silent ones give theirs, the oldest first; who is inside stays, and who comes gets in."""
    serving = start(0)
    ann = Person(stack, serving.port, "ann", wire[1])
    resource.prlimit(serving.process.pid, resource.RLIMIT_NOFILE, (40, 40))
    with ExitStack() as silent:
        for _ in range(100):
            silent.enter_context(socket.create_connection(("127.0.0.1", serving.port), timeout=30))
        bob = Person(stack, serving.port, "bob", wire[1])
        assert bob.welcome == "* welcome, bob. 2 here: ann, bob\n"
        assert ann.lines.readline() == "* bob has come in\n"
        ann.socket.sendall(b"welcome\n")
        assert bob.lines.readline() == "ann > welcome\n"
    for person in (ann, bob):
        person.close()
    assert serving.end(signal.SIGTERM) == (0, "stopped\n", "")
