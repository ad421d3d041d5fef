"""What the server says by itself: every sentence as a template, written by the server and recognised by clients.

Knows the wording, in English. Must not know: who says it when, or other languages (clients translate the templates).
Contract: what `sentence` writes, `recognise` reads back, as the same template with the same fields.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

# What everybody reads in the course of things; on the wire each has "* " in front, with which no name begins.
WELCOME: Final = "welcome, {name}. {count} here: {names}"
MOVED: Final = "you are in the room {room} now. {count} here: {names}"
CAME: Final = "{name} has come in"
LEFT: Final = "{name} has left"
HERE: Final = "{count} here: {names}"
ROOMS: Final = "the rooms are: {rooms}"
EARLIER: Final = "earlier: {name} > {text}"
HELP: Final = (
    "every line you send is read by all others in your room",
    "!users says who is here, !rooms which rooms there are",
    "!join ROOM goes to another room, or makes it",
    "!msg NAME WORDS says something to one person only",
    "!quit leaves, !help says this again",
)

# Why a connection ends.
SERVER_CLOSING: Final = "the server is closing"
ROOM_FULL: Final = "the room is full: try again when somebody has left"
TOO_MANY_FROM_HERE: Final = "too many connections come from your address: close one, or ask the teacher for more"
MADE_ROOM: Final = "others were waiting and you had not said your name yet: connect again and send your name first"
NAME_TIMEOUT: Final = "no name came in time: connect again and send your name first"
TOO_MANY_NAMES: Final = "too many names were refused: connect again with another one"
IDLE: Final = "nothing came from you for {minutes} minutes, so the connection is closed: connect again to go on"
SPEAKS_PLAINTEXT: Final = "this port speaks plaintext, not TLS: connect without TLS, or to the TLS port"
CERTIFICATE_WANTED: Final = "this port wants a certificate that has your name in it: connect with one"
SPEAKS_TLS: Final = "this port speaks TLS, not plaintext: connect with TLS, or to the plaintext port"

# Why a name or a line was not taken.
NAME_REFUSED: Final = "name refused: {why}"
NAME_LENGTH: Final = "A name has 1 to {limit} characters: choose another one."
NAME_CHARACTERS: Final = "A name is made of letters, digits, '_', '-' and '.' only: choose another one."
NAME_WITHOUT_LETTER: Final = "A name has at least one letter or digit: choose another one."
NAME_MIXES: Final = "A name does not mix alphabets whose letters look alike: choose another one."
NAME_RESERVED: Final = "The name {name} is nobody's: choose another one."
NAME_TAKEN: Final = "The name {name} is taken, or looks like one that is: choose another one."
OTHER_NAME: Final = "Your certificate is for the name {name}: come in under that one."
LINE_TOO_LONG: Final = "A line has at most {limit} bytes: send it in several."
LINE_BREAK: Final = "A line cannot hold a line break: send one line at a time."
LINE_BLANK: Final = "A blank line says nothing: write some words."
NOT_UTF8: Final = "That line is not UTF-8 at byte {at}: send it as UTF-8 text."
CONTROL: Final = "Character {at} is the control character {shown}: send the line without it."
HALF_CHARACTER: Final = "Character {at} is half a character: send the line without it."
NO_SUCH_COMMAND: Final = "There is no such command: !help lists them."
NEEDS_ROOM: Final = "A room has a name: !join ROOM."
NEEDS_WORDS: Final = "It takes a name and some words: !msg NAME WORDS."
NOBODY: Final = "There is nobody called {name}: !users says who is here."
TO_YOURSELF: Final = "That is your own name: say it to somebody else."
TOO_MANY_ROOMS: Final = "There are {limit} rooms already: join one of them."

TEMPLATES: Final[tuple[str, ...]] = (
    *(WELCOME, MOVED, CAME, LEFT, HERE, ROOMS, EARLIER, *HELP),
    *(SERVER_CLOSING, ROOM_FULL, TOO_MANY_FROM_HERE, MADE_ROOM, NAME_TIMEOUT, TOO_MANY_NAMES, IDLE),
    *(CERTIFICATE_WANTED, SPEAKS_PLAINTEXT, SPEAKS_TLS),
    *(NAME_REFUSED, NAME_LENGTH, NAME_CHARACTERS, NAME_WITHOUT_LETTER, NAME_MIXES, NAME_RESERVED, NAME_TAKEN),
    OTHER_NAME,
    *(LINE_TOO_LONG, LINE_BREAK, LINE_BLANK, NOT_UTF8, CONTROL, HALF_CHARACTER, NO_SUCH_COMMAND),
    *(NEEDS_ROOM, NEEDS_WORDS, NOBODY, TO_YOURSELF, TOO_MANY_ROOMS),
)

_PREFIX = "* "
_WORD, _NUMBER, _LIST, _ANYTHING = r"\S+", r"\d+", r"\S+(?:, \S+)*", ".*"
_FIELDS = {
    **dict.fromkeys(("name", "room", "shown"), _WORD),
    **dict.fromkeys(("count", "limit", "at", "minutes"), _NUMBER),
    **dict.fromkeys(("names", "rooms"), _LIST),
    **dict.fromkeys(("why", "text"), _ANYTHING),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence of the server's, recognised: its template, and what stood in its fields."""

    template: str
    fields: dict[str, str]


def sentence(template: str, **fields: object) -> str:
    """Return a template with its fields filled in."""
    return template.format_map(fields)


def line(template: str, **fields: object) -> str:
    """Return the line that the server sends for a template."""
    return _PREFIX + sentence(template, **fields)


def text_of(received: str) -> str | None:
    """Return what the server itself says in a line, None if it does not."""
    return received[len(_PREFIX) :] if received.startswith(_PREFIX) else None


def recogniser(templates: Iterable[str], fields: Mapping[str, str]) -> Callable[[str], Notice | None]:
    """Return what tells which of some templates a sentence is, None for one that is none of them.

    Args:
        templates: the sentences.
        fields: the pattern of what may stand in each field.
    """

    def compiled(template: str) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", template)  # text, field, text, field, ...
        regex = (f"(?P<{part}>{fields[part]})" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        return re.compile("".join(regex), re.DOTALL)

    @cache
    def patterns() -> dict[str, re.Pattern[str]]:
        return {template: compiled(template) for template in templates}

    def recognise(said: str) -> Notice | None:
        for template, pattern in patterns().items():
            if match := pattern.fullmatch(said):
                return Notice(template, match.groupdict())
        return None

    return recognise


recognise: Final = recogniser(TEMPLATES, _FIELDS)


def recognise_line(received: str) -> Notice | None:
    """Return the notice in a line from the server, None for anything else."""
    said = text_of(received)
    return None if said is None else recognise(said)
