"""What is said in a demo: who comes, speaks, asks and leaves, in which order. Knows no socket and no capture."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chat import protocol
from chat.errors import ChatError
from chat.names import name_key
from lab.errors import LabError


@dataclass(frozen=True, slots=True)
class Join:
    """`who` connects and enters the room."""

    who: str


@dataclass(frozen=True, slots=True)
class Say:
    """`who` says `text` to everybody else."""

    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Paste:
    """`who` says several texts to everybody else at once, and waits for nobody between them."""

    who: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListUsers:
    """`who` asks who is here."""

    who: str


@dataclass(frozen=True, slots=True)
class Leave:
    """`who` leaves the room."""

    who: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Nobody does anything for so many seconds: somebody thinks."""

    seconds: float


Step = Join | Say | Paste | ListUsers | Leave | Pause


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was sent.

    Attributes:
        number: from 1, in the order of sending.
        who: the sender.
        text: the words.
        heard_by: who has received it.
        time_ns: when it was sent, nanoseconds since 1970.
    """

    number: int
    who: str
    text: str
    heard_by: tuple[str, ...]
    time_ns: int


# Longer than the 1,448 bytes that an Ethernet segment carries, and within the chat's limit for a line.
_LONG = "Then the guest list, so that nobody is forgotten: " + ", ".join(
    f"{name} {table}"
    for table in range(1, 29)
    for name in ("Nuria", "Tomás", "Zoë", "Björn", "Jean-Luc", "Señora Peña", "the neighbours at table")
)

CONVERSATION: tuple[Step, ...] = (
    Join("alice"),
    Join("bob"),
    Say("alice", "Hello Bob, are we alone here?"),
    Say("alice", "Good. The safe opens with 36-24-36, tell nobody."),
    ListUsers("alice"),
    Say("bob", "¿Y si alguien nos está escuchando?"),
    Say("alice", "Nobody listens on loopback 🙂"),
    Join("carol"),
    Say("carol", "Hi, sorry I am late. What did I miss?"),
    Say("alice", "Nothing, we were talking about the weather."),
    Say("bob", "Mañana hará sol en Coruña, creo."),
    Say("carol", _LONG),
    Say("alice", "My password is still correct-horse-battery-staple."),
    Leave("bob"),
    Say("carol", "Bob has gone. Shall we call the bank?"),
    Say("alice", "Yes: IBAN ES91 2100 0418 4502 0005 1332."),
    Say("carol", "Got it. Bye!"),
)

_SPEAKERS = ("alice", "bob", "carol")
# The limit is on the file, not on the chat: a demo shows its messages one by one.
_MAX_FILE = 1 << 20


def messages(steps: Sequence[Step]) -> tuple[Say, ...]:
    """Return what is said, without the comings and goings."""
    return tuple(step for step in steps if isinstance(step, Say))


def read_messages(path: Path) -> tuple[Step, ...]:
    """Return the conversation in a file: UTF-8, a message a line, "name > text" or only the text.

    Where no name is given, alice, bob and carol take turns. Everybody comes before the first message and stays.

    Raises:
        LabError: the file cannot be read, is not UTF-8, holds no message, or one that the chat would refuse.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE + 1)
    except OSError as error:
        msg = f"The messages cannot be read: {path}: {error.strerror}."
        raise LabError(msg) from error
    if len(data) > _MAX_FILE:
        msg = f"{path} is larger than 1 MiB: a demo shows every message, give it fewer."
        raise LabError(msg)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = data.count(b"\n", 0, error.start) + 1
        msg = f"{path} is not UTF-8: line {at} has a byte {data[error.start]:02x} that fits nowhere. Save it as UTF-8."
        raise LabError(msg) from error
    said: list[Say] = []
    # not splitlines(): the chat ends a line at LF, and at nothing else
    for number, line in enumerate(re.split(r"\r?\n", text), start=1):
        if not line.strip():
            continue
        who, words = protocol.parse_said(line) or (_SPEAKERS[len(said) % len(_SPEAKERS)], line)
        try:
            protocol.encode_typed(words)
            if not isinstance(protocol.parse(words.encode()), protocol.Say):
                msg = f"{path}, line {number} is a command of the chat, not a message: take it out."
                raise LabError(msg)
        except ChatError as error:
            msg = f"{path}, line {number} cannot be said in the chat: {error}"
            raise LabError(msg) from error
        said.append(Say(who, words))
    if not said:
        msg = f"{path} holds no message: write one a line."
        raise LabError(msg)
    speakers = dict.fromkeys(step.who for step in said)
    keys = {name_key(name) for name in speakers}
    if len(keys) < len(speakers):
        msg = f"{path} names two speakers that look the same: the chat takes them for one."
        raise LabError(msg)
    # somebody must be there to hear it, or nothing would be sent to anybody
    listeners = [name for name in _SPEAKERS if name_key(name) not in keys][: max(0, 2 - len(speakers))]
    return (*(Join(name) for name in (*speakers, *listeners)), *said)
