r"""Bytes to lines: UTF-8 text ended by LF, CRLF accepted.

Knows line ends and one limit. Must not know: sockets, what a line means. Contract: what is not finished yet is kept and
yields nothing; what is too long is a `ProtocolError`, once; no more is held than one line and what waits to be read.
"""

import sys

from chat import notices
from chat.errors import ProtocolError

# Bytes in a line from a client, its end not counted: the longest line a Linux terminal hands over in one piece
# (termios(3), canonical mode), so that nothing a person can type into nc is refused.
MAX_LINE = 4096
# Bytes in a line from the server: room for the list of a full room, each name at its longest.
MAX_SERVER_LINE = 65536


def too_long(limit: int) -> ProtocolError:
    """Return the error for a line over the limit."""
    return ProtocolError(notices.sentence(notices.LINE_TOO_LONG, limit=limit))


class LineReader:
    """Cuts a stream of bytes into lines, holding one line's worth of them, and what was not asked for yet.

    A line over the limit is reported once, as soon as it is known to be too long, and skipped up to its LF: the
    mistake costs its sender one line, not the connection.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._pending = bytearray()
        self._later = b""
        self._skipping = False

    @property
    def pending(self) -> bytes:
        """The bytes of a line whose end has not come. At the end of the stream they are not a line: it was cut."""
        return bytes(self._pending)

    @property
    def waiting(self) -> bool:
        """Whether there are lines that were not asked for yet. They are kept as bytes: objects are far larger."""
        return bool(self._later)

    def feed(self, data: bytes, most: int = sys.maxsize) -> list[bytes | ProtocolError]:
        """Take the next bytes; return the lines they end, without their LF or CRLF, and an error for one too long.

        Args:
            data: the bytes, or none to go on with lines that are waiting.
            most: how many lines to return at most; the others wait.
        """
        found: list[bytes | ProtocolError] = []
        *ended, rest = (self._later + data).split(b"\n", most)
        for piece in ended:
            if not self._pending and not self._skipping and len(piece) <= self._limit:
                found.append(piece.removesuffix(b"\r"))  # as nearly always
                continue
            self._grow(piece, found)
            if not self._skipping:
                found.append(bytes(self._pending.removesuffix(b"\r")))
            self._pending.clear()
            self._skipping = False
        self._later = rest if b"\n" in rest else b""
        if rest and not self._later:
            self._grow(rest, found)
        return found

    def _grow(self, piece: bytes, found: list[bytes | ProtocolError]) -> None:
        if self._skipping:
            return
        # One byte more than the limit may be the CR of a CRLF; a second one settles it.
        self._pending += piece[: self._limit + 2 - len(self._pending)]
        if bytes(self._pending[self._limit :]) not in (b"", b"\r"):
            self._pending.clear()
            self._skipping = True
            found.append(too_long(self._limit))
