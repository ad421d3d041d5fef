r"""Bytes to lines: UTF-8 text ended by LF, CRLF accepted.

Knows line ends and one limit. Must not know: sockets, what a line means. Contract: what is not finished yet is kept and
yields nothing; what is too long is a `ProtocolError`, once; never holds more than one line's worth of bytes.
"""

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
    """Cuts a stream of bytes into lines, holding at most one line's worth of them.

    A line over the limit is reported once, as soon as it is known to be too long, and skipped up to its LF: the
    mistake costs its sender one line, not the connection.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._pending = bytearray()
        self._skipping = False

    @property
    def pending(self) -> bytes:
        """The bytes of a line whose end has not come. At the end of the stream they are not a line: it was cut."""
        return bytes(self._pending)

    def feed(self, data: bytes) -> list[bytes | ProtocolError]:
        """Take the next bytes; return the lines they end, without their LF or CRLF, and an error for one too long."""
        found: list[bytes | ProtocolError] = []
        *ended, rest = data.split(b"\n")
        for piece in ended:
            if not self._pending and not self._skipping and len(piece) <= self._limit:
                found.append(piece.removesuffix(b"\r"))  # as nearly always
                continue
            self._grow(piece, found)
            if not self._skipping:
                found.append(bytes(self._pending.removesuffix(b"\r")))
            self._pending.clear()
            self._skipping = False
        if rest:
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
