r"""The language of the chat: what a line means, and how lines are worded.

Knows: commands, and the wording of what people say to each other; `notices` has what the server says, `names` who may
be called what, `lines` how bytes become lines. Must not know: sockets, TLS, who is connected. Contract: what is wrong
is a `ProtocolError` or `NicknameError`; anything else that escapes from here is a bug.

From the client: its name on the first line, then a message or a command on each line. From the server: `alice > hello`
for what somebody said to all, `alice to bob > hello` for what was said to one, and `* ...` for its own notices. No name
may begin with `*` or hold a space, so none of them can pass for another.
"""

import re
from dataclasses import dataclass

from chat import notices
from chat.errors import NicknameError, ProtocolError
from chat.escape import visible
from chat.lines import MAX_LINE, too_long
from chat.names import nickname

USERS_COMMANDS = ("!users", "!usuarios")
ROOMS_COMMANDS = ("!rooms", "!salas")
JOIN_COMMANDS = ("!join", "!entrar")
MSG_COMMANDS = ("!msg", "!privado")
HELP_COMMANDS = ("!help", "!ayuda")
QUIT_COMMANDS = ("!quit", "!salir")

_SEPARATOR = " > "
_TO = " to "
# Unicode's category Cc, which is closed for good, less TAB.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Say:
    """Words for everybody else in the room."""

    text: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Words for one person, who may be in another room."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Join:
    """The wish to go to a room."""

    room: str


@dataclass(frozen=True, slots=True)
class Users:
    """The question who is here."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """The question which rooms there are."""


@dataclass(frozen=True, slots=True)
class Help:
    """The question what can be said."""


@dataclass(frozen=True, slots=True)
class Quit:
    """The wish to leave."""


Meant = Say | Tell | Join | Users | Rooms | Help | Quit


def decode(line: bytes) -> str:
    """Return the text of a line.

    Raises:
        ProtocolError: it is not UTF-8, or holds a control character other than TAB.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError(notices.sentence(notices.NOT_UTF8, at=error.start + 1)) from error
    control = _CONTROL.search(text)
    if control is not None:
        shown = visible(control.group())
        raise ProtocolError(notices.sentence(notices.CONTROL, at=control.start() + 1, shown=shown))
    return text


def is_quit(text: str) -> bool:
    """Tell whether a line is the command to leave."""
    return text.strip().casefold() in QUIT_COMMANDS


def parse(line: bytes) -> Meant:
    """Return what a line from a named client means.

    Only `!` before a letter makes a command, so that `!!!` can be said. Commands may be in any case.

    Raises:
        ProtocolError: as `decode`, or there is no such command, or it lacks something.
        NicknameError: the name of a room, or of a person, is none.
    """
    text = decode(line)
    bare = text.strip()
    if bare[:1] != "!" or not bare[1:2].isalpha():
        return Say(text)
    return _command(bare)


def _command(bare: str) -> Meant:
    command, rest = _first_word(bare)
    command = command.casefold()
    if command in JOIN_COMMANDS:
        if not rest:
            raise ProtocolError(notices.NEEDS_ROOM)
        return Join(nickname(rest))
    if command in MSG_COMMANDS:
        name, words = _first_word(rest)
        if not words:
            raise ProtocolError(notices.NEEDS_WORDS)
        return Tell(nickname(name), words)
    if not rest:
        for commands, meant in _ALONE:
            if command in commands:
                return meant()
    raise ProtocolError(notices.NO_SUCH_COMMAND)


def _first_word(text: str) -> tuple[str, str]:
    """Return the first word and what follows it, by any white space: keyboards for Japanese type U+3000."""
    word, *rest = text.split(maxsplit=1) or [""]
    return word, "".join(rest)


_ALONE = ((USERS_COMMANDS, Users), (ROOMS_COMMANDS, Rooms), (HELP_COMMANDS, Help), (QUIT_COMMANDS, Quit))


def encode(line: str) -> bytes:
    """Return the bytes of a line, its LF included.

    Raises:
        ProtocolError: it holds an LF, so it would be two lines, or a lone surrogate, which UTF-8 cannot hold.
    """
    if "\n" in line:
        raise ProtocolError(notices.LINE_BREAK)
    try:
        return line.encode("utf-8") + b"\n"
    except UnicodeEncodeError as error:
        raise ProtocolError(notices.sentence(notices.HALF_CHARACTER, at=error.start + 1)) from error


def encode_typed(text: str) -> bytes:
    """Return the bytes of what a client sends, checked by the server's own rules, so that nothing is refused late.

    Raises:
        ProtocolError, NicknameError: as `encode` and `parse`, or it is blank, or longer than `MAX_LINE` bytes.
    """
    data = encode(text)
    if len(data) - 1 > MAX_LINE:
        raise too_long(MAX_LINE)
    if not text.strip():
        raise ProtocolError(notices.LINE_BLANK)
    parse(data[:-1])
    return data


def said(name: str, text: str) -> str:
    """Return how the others read what `name` said."""
    return f"{name}{_SEPARATOR}{text}"


def parse_said(line: str) -> tuple[str, str] | None:
    """Return the name and the words in a line from the server; None for a notice or anything else."""
    name, separator, text = line.partition(_SEPARATOR)
    return (name, text) if separator and _is_name(name) else None


def told(name: str, to: str, text: str) -> str:
    """Return how `to` reads what `name` said to nobody else."""
    return f"{name}{_TO}{to}{_SEPARATOR}{text}"


def parse_told(line: str) -> tuple[str, str, str] | None:
    """Return who said it, to whom, and the words, in a line from the server that is for one person; else None."""
    names, separator, text = line.partition(_SEPARATOR)
    name, to, other = names.partition(_TO)
    return (name, other, text) if separator and to and _is_name(name) and _is_name(other) else None


def _is_name(text: str) -> bool:
    try:
        return nickname(text) == text
    except NicknameError:
        return False


def parse_here(line: str) -> tuple[str, ...] | None:
    """Return the names in the answer to who is here, None if the line is not that."""
    notice = notices.recognise_line(line)
    return names_in(notice) if notice is not None and notice.template == notices.HERE else None


def names_in(notice: notices.Notice) -> tuple[str, ...]:
    """Return the names that a notice lists, in the order in which they came."""
    return tuple(notice.fields["names"].split(", "))
