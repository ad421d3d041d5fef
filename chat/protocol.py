r"""The language of the chat: bytes to lines, lines to what was meant, and back.

Knows: UTF-8 lines ended by LF (CRLF is accepted), names, commands, and the wording of what the server says.
Must not know: sockets, TLS, who is connected. Contract: what is not finished yet is kept and yields nothing; what is
wrong is a `ProtocolError` or `NicknameError`; anything else that escapes from here is a bug.

From the client: its name on the first line, then a message or a command on each line. From the server: `alice > hello`
for what somebody said, and `* ...` for its own notices. No name may begin with `*`, so neither can pass for the other.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from chat.errors import NicknameError, ProtocolError
from chat.escape import visible

# Bytes in a line from a client, its end not counted: the longest line a Linux terminal hands over in one piece
# (termios(3), canonical mode), so that nothing a person can type into nc is refused.
MAX_LINE = 4096
# Bytes in a line from the server: room for the list of a full room, each name at its longest.
MAX_SERVER_LINE = 65536
MAX_NICKNAME = 20

USERS_COMMANDS = ("!users", "!usuarios")
QUIT_COMMANDS = ("!quit", "!salir")

SERVER_CLOSING = "* the server is closing"
ROOM_FULL = "* the room is full: try again when somebody has left"
NAME_TIMEOUT = "* no name came in time: connect again and send your name first"
TOO_MANY_NAMES = "* too many names were refused: connect again with another one"
PLAIN_PORT = "* this port speaks plaintext, not TLS: connect without TLS, or to the TLS port"

_NAME_REFUSED = "* name refused: "
_SEPARATOR = " > "
# Unicode's category Cc, which is closed for good, less TAB.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Say:
    """Words for everybody else."""

    text: str


@dataclass(frozen=True, slots=True)
class Users:
    """The question who is here."""


@dataclass(frozen=True, slots=True)
class Quit:
    """The wish to leave."""


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
            self._grow(piece, found)
            if not self._skipping:
                found.append(bytes(self._pending.removesuffix(b"\r")))
            self._pending.clear()
            self._skipping = False
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
            found.append(ProtocolError(_too_long(self._limit)))


def nickname(text: str) -> str:
    """Return the name in `text`, spaces around it removed, in Unicode's NFC.

    Raises:
        NicknameError: it is not 1 to 20 letters, digits, `_`, `-` or `.` with one letter or digit among them, or it
            mixes Latin, Greek and Cyrillic, whose letters look alike (a first measure of Unicode TR 39).
    """
    name = unicodedata.normalize("NFC", text.strip(" \t"))
    if not 1 <= len(name) <= MAX_NICKNAME:
        raise NicknameError(f"A name has 1 to {MAX_NICKNAME} characters: choose another one.")
    # Marks are the vowels of Hindi or Thai; those drawn as nothing do not survive visible().
    allowed = all(char in "_-." or unicodedata.category(char)[0] in "LM" or char.isdecimal() for char in name)
    if not allowed or visible(name) != name or unicodedata.category(name[0])[0] == "M":
        raise NicknameError("A name is made of letters, digits, '_', '-' and '.' only: choose another one.")
    if not any(char.isalnum() for char in name):
        raise NicknameError("A name has at least one letter or digit: choose another one.")
    if len({"LATIN", "GREEK", "CYRILLIC"} & {unicodedata.name(char, "").partition(" ")[0] for char in name}) > 1:
        raise NicknameError("A name does not mix alphabets whose letters look alike: choose another one.")
    return name


def name_key(name: str) -> str:
    """Return what two names share when people would take them for the same: NFKC with case folded away."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def decode(line: bytes) -> str:
    """Return the text of a line.

    Raises:
        ProtocolError: it is not UTF-8, or holds a control character other than TAB.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError(f"That line is not UTF-8 at byte {error.start + 1}: send it as UTF-8 text.") from error
    control = _CONTROL.search(text)
    if control is not None:
        at, shown = control.start() + 1, visible(control.group())
        raise ProtocolError(f"Character {at} is the control character {shown}: send the line without it.")
    return text


def is_quit(text: str) -> bool:
    """Tell whether a line is the command to leave."""
    return text.strip().casefold() in QUIT_COMMANDS


def parse(line: bytes) -> Say | Users | Quit:
    """Return what a line from a named client means.

    Only `!` before a letter makes a command, so that `!!!` can be said. Commands may be in any case.

    Raises:
        ProtocolError: as `decode`, or there is no such command.
    """
    text = decode(line)
    if is_quit(text):
        return Quit()
    command = text.strip().casefold()
    if command in USERS_COMMANDS:
        return Users()
    if command[:1] == "!" and command[1:2].isalpha():
        raise ProtocolError(f"There is no such command: use {' or '.join(USERS_COMMANDS + QUIT_COMMANDS)}.")
    return Say(text)


def encode(line: str) -> bytes:
    """Return the bytes of a line, its LF included.

    Raises:
        ProtocolError: it holds an LF, so it would be two lines, or a lone surrogate, which UTF-8 cannot hold.
    """
    if "\n" in line:
        raise ProtocolError("A line cannot hold a line break: send one line at a time.")
    try:
        return line.encode("utf-8") + b"\n"
    except UnicodeEncodeError as error:
        raise ProtocolError(f"Character {error.start + 1} is half a character: send the line without it.") from error


def encode_typed(text: str) -> bytes:
    """Return the bytes of what a client sends, checked by the server's own rules, so that nothing is refused late.

    Raises:
        ProtocolError: as `encode` and `parse`, or it is blank, or longer than `MAX_LINE` bytes.
    """
    data = encode(text)
    if len(data) - 1 > MAX_LINE:
        raise ProtocolError(_too_long(MAX_LINE))
    if not text.strip():
        raise ProtocolError("A blank line says nothing: write some words.")
    parse(data[:-1])
    return data


def said(name: str, text: str) -> str:
    """Return how the others read what `name` said."""
    return f"{name}{_SEPARATOR}{text}"


def parse_said(line: str) -> tuple[str, str] | None:
    """Return the name and the words in a line from the server; `None` for a notice or anything else."""
    name, separator, text = line.partition(_SEPARATOR)
    if not separator:
        return None
    try:
        return (name, text) if nickname(name) == name else None
    except NicknameError:
        return None


def notice(text: str) -> str:
    """Return how a client reads something that the server itself says."""
    return f"* {text}"


def parse_notice(line: str) -> str | None:
    """Return what the server itself says in a line, `None` if it does not."""
    return line[2:] if line.startswith("* ") else None


def here(names: Sequence[str]) -> str:
    """Return the answer to who is here, in the order they came."""
    return notice(f"{len(names)} here: {', '.join(names)}")


def parse_here(line: str) -> tuple[str, ...] | None:
    """Return the names in the answer to who is here, `None` if the line is not that."""
    count, separator, names = (parse_notice(line) or "").partition(" here: ")
    return tuple(names.split(", ")) if separator and count.isdecimal() else None


def welcome(name: str, names: Sequence[str]) -> str:
    """Return what a newcomer reads, who is named among `names`."""
    return notice(f"welcome, {name}. {len(names)} here: {', '.join(names)}")


def is_welcome(line: str, name: str) -> bool:
    """Tell whether the server has let `name` in."""
    return line.startswith(notice(f"welcome, {name}. "))


def came(name: str) -> str:
    """Return what the others read when somebody comes."""
    return notice(f"{name} has come in")


def left(name: str) -> str:
    """Return what the others read when somebody leaves, however that happens."""
    return notice(f"{name} has left")


def name_refused(why: str) -> str:
    """Return what a client reads whose name is refused."""
    return _NAME_REFUSED + why


def parse_name_refused(line: str) -> str | None:
    """Return why the name was refused, `None` if the line does not say so."""
    return line.removeprefix(_NAME_REFUSED) if line.startswith(_NAME_REFUSED) else None


def _too_long(limit: int) -> str:
    return f"A line has at most {limit} bytes: send it in several."
