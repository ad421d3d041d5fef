"""Fields taken one after the other off the front of a handshake message, each with where it stands.

Pure. Knows the presentation language of TLS (RFC 8446, section 3): numbers, opaque bytes, vectors with their length in
front. Knows no message. Running out of bytes is malformed, since a message is parsed when it is whole.
"""

from dataclasses import dataclass

from capture import registry
from capture.errors import MalformedError


@dataclass(frozen=True, slots=True)
class Field:
    """A value of a message and where it stands.

    Attributes:
        name: Wireshark's name of the field, as `tshark -G fields` lists it.
        value: a number, bytes, or a text that was sent as bytes (what is not ASCII is escaped).
        start: offset of its first byte, counted as the parser was told to.
        end: offset of the first byte after it.
    """

    name: str
    value: int | bytes | str
    start: int
    end: int

    def __str__(self) -> str:
        """The value as tshark would name it: a number's name where it has one, bytes as hexadecimal digits."""
        if isinstance(self.value, bytes):
            return self.value.hex()
        if isinstance(self.value, int) and self.name in registry.NAMES:
            return registry.name(registry.NAMES[self.name], self.value)
        return str(self.value)


class Cursor:
    """Takes fields off the front of bytes; those with a name go to `fields`, in order.

    Args:
        data: the bytes.
        base: what the offsets of `data` count from.
        fields: where named fields go; a cursor over a part of the same message is given the same list.
    """

    def __init__(self, data: bytes, base: int = 0, fields: list[Field] | None = None) -> None:
        self.data, self.base, self.at = data, base, 0
        self.fields: list[Field] = [] if fields is None else fields

    @property
    def left(self) -> int:
        """Bytes not yet taken."""
        return len(self.data) - self.at

    def opaque(self, length: int, name: str = "") -> bytes:
        """Take `length` bytes.

        Raises:
            MalformedError: there are fewer.
        """
        taken = self._take(length)
        self._note(name, taken, length)
        return taken

    def text(self, length: int, name: str = "") -> str:
        """Take `length` bytes as ASCII, any other byte as an escape.

        Raises:
            MalformedError: there are fewer.
        """
        value = self._take(length).decode("ascii", "backslashreplace")
        self._note(name, value, length)
        return value

    def number(self, length: int, name: str = "") -> int:
        """Take a number of `length` bytes.

        Raises:
            MalformedError: there are fewer.
        """
        value = int.from_bytes(self._take(length), "big")
        self._note(name, value, length)
        return value

    def numbers(self, length: int, name: str = "") -> tuple[int, ...]:
        """Take all that is left as numbers of `length` bytes.

        Raises:
            MalformedError: the last one is cut short.
        """
        found = []
        while self.left:
            found.append(self.number(length, name))
        return tuple(found)

    def vector(self, length_bytes: int, name: str = "") -> "Cursor":
        """Take a length of `length_bytes` bytes (the field `name`) and return a cursor over as many bytes after it.

        Raises:
            MalformedError: there are fewer.
        """
        length = self.number(length_bytes, name)
        start = self.base + self.at
        return Cursor(self._take(length), start, self.fields)

    def done(self) -> None:
        """Make sure that nothing is left.

        Raises:
            MalformedError: something is.
        """
        if self.left:
            msg = f"{self.left} bytes stand after the end of what they belong to"
            raise MalformedError(msg, self.base + self.at)

    def _take(self, length: int) -> bytes:
        if length > self.left:
            msg = f"{length} bytes were announced and {self.left} are left"
            raise MalformedError(msg, self.base + self.at)
        self.at += length
        return self.data[self.at - length : self.at]

    def _note(self, name: str, value: int | bytes | str, length: int) -> None:
        if name and length:  # nothing stands nowhere
            end = self.base + self.at
            self.fields.append(Field(name, value, end - length, end))
