"""From what tshark prints to bytes, and from bytes to text: colons, hex, hexdumps, lines.

Pure. Hex and text only; knows no protocol but "lines end in LF".
"""

from collections.abc import Iterator
from dataclasses import dataclass

from capture.errors import MalformedError
from capture.streams import ByteStream

_HEX = frozenset("0123456789abcdefABCDEF")


def strip_colons(text: str) -> str:
    """Return `text` without its colons, as `tr -d ':'` does."""
    return text.replace(":", "")


def colon_hex(data: bytes) -> str:
    """Return bytes as `tshark -T json` prints them: "68:6f:6c:61"."""
    return data.hex(":")


def from_hex(text: str) -> bytes:
    """Return the bytes of hex digits; colons and white space do not count, as for `tr -d ':' | xxd -ps -r`.

    Raises:
        MalformedError: a character is no hex digit, or the last byte has one digit only; `offset` counts characters.
    """
    for at, character in enumerate(text):
        if character not in _HEX and character != ":" and not character.isspace():
            msg = f"{character!a} is not a hex digit"
            raise MalformedError(msg, at, "character")
    digits = "".join(strip_colons(text).split())
    if len(digits) % 2:
        msg = f"{len(digits)} hex digits are not whole bytes: the last one stands alone"
        raise MalformedError(msg, max(at for at, character in enumerate(text) if character in _HEX), "character")
    return bytes.fromhex(digits)


def hexdump(data: bytes, *, first: int = 0) -> str:
    """Return lines of offset, 16 bytes in hex and as ASCII, a dot for what is not printable ASCII; like `xxd -g1`."""
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        lines.append(f"{first + at:08x}: {row.hex(' '):<47}  {text}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a stream.

    Attributes:
        start: offset of its first byte in the stream.
        data: its bytes, without LF or CR LF.
        complete: False for the rest of a stream that does not end in LF.
    """

    start: int
    data: bytes
    complete: bool

    @property
    def text(self) -> str | None:
        """The line as text, None where its bytes are not UTF-8."""
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            return None


def lines(stream: ByteStream) -> Iterator[Line]:
    """Yield the lines of a stream in order."""
    at = 0
    while at < len(stream.data):
        end = stream.data.find(b"\n", at)
        complete = end >= 0
        end = end if complete else len(stream.data)
        yield Line(at, stream.data[at:end].removesuffix(b"\r"), complete)
        at = end + 1


def valid_utf8(data: bytes) -> int:
    """Return how many bytes at the start of `data` are valid UTF-8; `len(data)` where all are."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(data)
