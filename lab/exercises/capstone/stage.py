"""What a try of the trial is made with: the student's two programs as children, people who chat, a server of the lab's.

Knows processes, sockets and TLS. Must not know what is tried. Contract: what a `Stage` has begun is over
when it is left: no child, no socket.

The programs are run as a person runs them, but without the lab to import: its chat is not theirs.
"""

import contextlib
import math
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from lab.exercises import cast
from lab.exercises.capstone.people import PATIENCE, GoneError, Person, notice
from lab.exercises.capstone.props import LOOPBACK, Props
from lab.exercises.draw import SEED, Draw

START = 5.0  # seconds that a program has to listen; it takes a tenth of one
TRY = 10.0  # seconds for all of one try; one that has no fault takes two or three on a busy machine
_PAUSE = 0.02  # seconds between two tries to reach a program that starts
_LOOK = 0.1  # seconds between two looks whether it has ended instead
_MOST_ERRORS = 1 << 16  # bytes that are read of what a client says on standard error


@dataclass(frozen=True, slots=True)
class Child:
    """The student's client, running.

    Attributes:
        process: it.
        terminal: its standard input and output.
        errors: our end of its standard error.
    """

    process: "subprocess.Popen[bytes]"
    terminal: Person
    errors: socket.socket

    def ended(self) -> int | None:
        """Return its status, or None when it has not ended in time."""
        try:
            return self.process.wait(self.terminal.patience)
        except subprocess.TimeoutExpired:
            return None

    def complaint(self) -> str:
        """Return what it has said on standard error by now."""
        said = b""
        self.errors.settimeout(0)
        with contextlib.suppress(OSError):
            while len(said) < _MOST_ERRORS and (data := self.errors.recv(_MOST_ERRORS)):
                said += data
        return said.decode(errors="replace").strip()


class Stage:
    """One try: begins what it is asked for, and ends all of it when it is left."""

    def __init__(self, shared: Props, draw: Draw, name: str, end: float = math.inf, slowness: float = 1.0) -> None:
        """Begin the try of that name, which draws its own.

        Every wait in it is over at `end` (`time.monotonic`), and is `slowness` times as long as on an idle machine.
        """
        self.props = shared
        self.draw = Draw(draw.bytes(f"try {name}", SEED))
        self.port = 0
        self._patience, self._start_patience = PATIENCE * slowness, START * slowness
        self._end = min(end, time.monotonic() + TRY * slowness)
        self._plain = False
        self._children: list[subprocess.Popen[bytes]] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Stage":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def names(self, count: int) -> tuple[str, ...]:
        """Return so many nicknames of this try."""
        return cast.nicknames(self.draw, count)

    def word(self, label: str) -> str:
        """Return a word that nobody says but in this try."""
        return cast.secret(self.draw, label)

    def has_ended(self) -> bool:
        """Return whether one of the student's programs has ended by itself."""
        return any(child.poll() is not None for child in self._children)

    def serve(self, *, plain: bool = False) -> None:
        """Start the student's server; it is reached when the first person comes."""
        self.port, self._plain = self.props.ports.give(), plain
        mode = ["--plain"] if plain else []
        certificate = ["--cert", str(self.props.folder / "server.pem"), "--key", str(self.props.folder / "server.key")]
        self._start("server.py", "--port", str(self.port), *certificate, *mode)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Stop the student's server while people send, so that all of it comes to it at the same moment."""
        server = self._children[0]
        server.send_signal(signal.SIGSTOP)  # nothing happens where it has ended
        try:
            yield
        finally:
            server.send_signal(signal.SIGCONT)

    def connect(self, receive_buffer: int = 0) -> socket.socket:
        """Connect to the student's server, and say nothing.

        Raises:
            GoneError: nobody listens there.
        """
        end = min(self._end, time.monotonic() + self._start_patience)
        while True:
            connected = socket.socket()
            self._stack.callback(connected.close)
            connected.settimeout(self._at_most(self._patience))
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a piece does not wait for the next
            if receive_buffer:
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            try:
                connected.connect((LOOPBACK, self.port))
            except OSError as error:
                connected.close()
                if self.has_ended() or time.monotonic() > end:
                    raise GoneError from error
                time.sleep(_PAUSE)  # no event tells when another program listens
            else:
                return connected

    def arrive(self, name: str = "", receive_buffer: int = 0) -> Person:
        """Connect to the student's server over TLS, unless it serves plaintext; the name is not said yet.

        Raises:
            TimeoutError, GoneError: TLS did not come about.
        """
        connected = self.connect(receive_buffer)
        if not self._plain:
            try:
                connected = self.props.trusting.wrap_socket(connected, server_hostname="localhost")
            except TimeoutError:
                raise
            except OSError as error:
                raise GoneError from error
            self._stack.callback(connected.close)
        return Person(connected, self._end, name, self._patience)

    def come(self, name: str, receive_buffer: int = 0) -> Person:
        """Come into the student's chat, and be welcome.

        Raises:
            TimeoutError, GoneError: that did not come about.
        """
        person = self.arrive(name, receive_buffer)
        person.say(name)
        person.until(notice(name))
        return person

    def listen(self) -> socket.socket:
        """Listen for the student's client, on this try's port."""
        self.port = self.props.ports.give()
        return self._stack.enter_context(socket.create_server((LOOPBACK, self.port)))

    def client(self, name: str) -> Child:
        """Start the student's client, for this try's port."""
        terminal, their_terminal = socket.socketpair()
        errors, their_errors = socket.socketpair()
        with their_terminal, their_errors:
            for ours in (terminal, errors):
                self._stack.callback(ours.close)
            options = ("--port", str(self.port), "--name", name, "--ca", str(self.props.folder / "ca.pem"))
            process = self._start("client.py", *options, terminal=their_terminal.fileno(), errors=their_errors.fileno())
        return Child(process, Person(terminal, self._end, patience=self._patience), errors)

    def dismiss(self, client: Child) -> None:
        """End a client that has done its part; it does not count as ended by itself."""
        self._children.remove(client.process)
        client.process.kill()

    def accept(self, listening: socket.socket, context: ssl.SSLContext) -> Person:
        """Take in the student's client as its server does.

        Raises:
            TimeoutError: it has not come.
            GoneError: it has come and does not trust us.
        """
        end = time.monotonic() + self._at_most(self._start_patience)
        listening.settimeout(_LOOK)
        while True:
            try:
                connected, _ = listening.accept()
                break
            except TimeoutError:
                if self.has_ended() or time.monotonic() > end:
                    raise
        self._stack.callback(connected.close)
        connected.settimeout(self._at_most(self._patience))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connected = context.wrap_socket(connected, server_side=True)
        except TimeoutError:
            raise
        except OSError as error:
            raise GoneError from error
        self._stack.callback(connected.close)
        return Person(connected, self._end, patience=self._patience)

    def _start(
        self, program: str, *options: str, terminal: int = subprocess.DEVNULL, errors: int = subprocess.DEVNULL
    ) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            # the Python that ours is made from, with its standard library alone, as far as nobody has added to that;
            # -u: what is printed is there at once
            [str(Path(sys.executable).resolve()), "-E", "-s", "-u", program, *options],
            stdin=terminal,
            stdout=terminal,
            stderr=errors,
            cwd=self.props.folder,
        )
        self._children.append(process)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    def _at_most(self, seconds: float) -> float:
        """Return so many seconds, or what is left of them in this try."""
        return max(_PAUSE, min(seconds, self._end - time.monotonic()))
