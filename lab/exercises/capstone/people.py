"""Somebody who chats in a trial: lines sent and read over a socket, every wait bounded.

Knows sockets and lines. Must not know what is tried, nor how a chat is written. Contract: whatever the other side does,
what is called here returns or raises `GoneError` or TimeoutError in time, and keeps about `_LONGEST` bytes at most.
"""

import contextlib
import re
import socket
import struct
import time
from collections.abc import Callable

PATIENCE = 3.0  # seconds; the task allows one, and a busy machine gets the others
_LONGEST = 1 << 20  # bytes of a line
_CHUNK = 1 << 16
_RECORD = 1 << 14  # bytes; a longer text is sent in several records of TLS (RFC 8446, section 5.1)
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER, socket(7): closing is a reset


class GoneError(Exception):
    """The other side has ended the connection, or never made it."""


class Person:
    """One end of a connection; ours to close. Lines end in LF; a CR before it is left out."""

    def __init__(self, connected: socket.socket, end: float, name: str = "", patience: float = PATIENCE) -> None:
        """Begin; `patience` is for every wait that is given no other, `end` is when all are over (`time.monotonic`)."""
        self.name = name
        self.patience = patience
        self.heard: list[str] = []  # every line that was read
        self._socket = connected
        self._end = end
        self._rest = b""

    def send(self, data: bytes, patience: float | None = None) -> None:
        """Send bytes as they are: one record, where this is TLS and they fit one.

        Raises:
            TimeoutError: the other side does not take them.
            GoneError: the connection has ended.
        """
        end = self._end_of(patience)
        for at in range(0, len(data), _RECORD):
            self._wait_until(end)
            try:
                self._socket.sendall(data[at : at + _RECORD])
            except TimeoutError:
                raise
            except OSError as error:  # SSLError is one
                raise GoneError from error

    def say(self, text: str) -> None:
        """Send a line; raises what `send` does."""
        self.send(f"{text}\n".encode())

    def try_to_say(self, *texts: str) -> None:
        """Send lines, unless the connection has ended or takes none."""
        with contextlib.suppress(GoneError, TimeoutError):
            for text in texts:
                self.say(text)

    def until(self, wanted: Callable[[str], bool], patience: float | None = None) -> str:
        """Read up to a line that is wanted, and return it.

        Raises:
            TimeoutError: it has not come in so many seconds.
            GoneError: the connection has ended before it came.
        """
        end = self._end_of(patience)
        while not wanted(line := self._line(end)):
            pass
        return line

    def next(self) -> str:
        """Read the next line; raises what `until` does."""
        return self.until(lambda _: True)

    def until_gone(self, patience: float | None = None) -> bool:
        """Read to the end of the connection; return whether it has come in so many seconds."""
        try:
            self.until(lambda _: False, patience)
        except GoneError:
            return True
        except TimeoutError:
            pass
        return False

    def vanish(self) -> None:
        """Be gone at once, with a reset and without a word."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.close()

    def close(self) -> None:
        """Close the connection without a word: neither a goodbye nor the end of TLS (close_notify) is sent."""
        self._socket.close()

    def _end_of(self, patience: float | None) -> float:
        return time.monotonic() + (self.patience if patience is None else patience)

    def _line(self, end: float) -> str:
        while b"\n" not in self._rest:
            if len(self._rest) > _LONGEST:
                raise GoneError
            self._wait_until(end)
            try:
                data = self._socket.recv(_CHUNK)
            except TimeoutError:
                raise
            except OSError as error:
                raise GoneError from error
            if not data:
                raise GoneError
            self._rest += data
        self._wait_until(end)  # lines without end are no answer
        line, _, self._rest = self._rest.partition(b"\n")
        text = line.removesuffix(b"\r").decode(errors="replace")
        self.heard.append(text)
        return text

    def _wait_until(self, end: float) -> None:
        left = min(end, self._end) - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            self._socket.settimeout(left)
        except OSError as error:  # it is closed
            raise GoneError from error


def holding(text: str) -> Callable[[str], bool]:
    """Return what tells whether a line has this text in it."""
    return lambda line: text in line


def notice(*names: str) -> Callable[[str], bool]:
    """Return what tells whether the chat itself says a line, and names all of these in it."""
    return lambda line: line.startswith("* ") and set(names) <= set(re.findall(r"\w+", line))


def said(name: str, text: str) -> Callable[[str], bool]:
    """Return what tells whether a line is just this text, after the name or alone: who said it is tried elsewhere."""
    return lambda line: line in (text, f"{name} > {text}")
