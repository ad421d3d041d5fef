"""Exercise 1: a message, who said it and the frame it is in, read from the bytes of a chat in plaintext."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from capture.rights import Choice
from capture.streams import ByteStream
from chat.errors import ProtocolError
from chat.protocol import decode, said
from lab.errors import LabError
from lab.exercises import cast, live
from lab.exercises.draw import Draw
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.typed import without_separators
from lab.exercises.work import Work
from lab.scenario import Join, Say
from lab.scenario import Step as Deed

_PEOPLE, _SECRETS, _TRIFLES = 3, 3, 2  # the last two for each person
_LINES = 1000  # of one side of a connection; the run has about twenty
_SECRET = re.compile(r"[a-z]+-[a-z]+-[0-9]{4}")
# Each has a character outside ASCII, so that everybody meets UTF-8; {} is the secret.
_GIVE_AWAY = (
    "Mi contraseña ahora es {}.",
    "La llave está debajo de {}, como siempre.",
    "Si preguntan, di {} y nada más.",
    "Mañana quedamos en el café {}.",
    "Tell Zoë that the word is {}.",
    "The café where we meet is called {}.",
    "It costs 40 € and the code is {}.",
    "Say {} to Señora Peña at the door.",
)
_IDLE = (
    "Hello, is anybody here?",
    "¿Hay alguien ahí?",
    "I am late, sorry.",
    "Perdón, llego tarde.",
    "What a day!",
    "¡Menudo día!",
)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as its sender's client sends it: the words, the line that carries them, the frame where it begins."""

    words: str
    line: bytes
    frame: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What the capture says.

    Attributes:
        who: the person that is asked for.
        address: host and port of that person's client.
        message: the one that is asked for.
        copies: the same as the server passes it on, the name in front.
        own: the other messages of that person.
        others: the messages of the other people.
        names: of the other people.
    """

    who: str
    address: str
    message: Message
    copies: tuple[Message, ...]
    own: tuple[Message, ...]
    others: tuple[Message, ...]
    names: tuple[str, ...]


def _asked(draw: Draw) -> tuple[int, int]:
    """Return which person, in the order of coming, and which of their secrets, both from 1."""
    return draw.number("person", 1, _PEOPLE), draw.number("secret", 1, _SECRETS)


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    person, number = _asked(draw)
    return {"person": str(person), "secret": str(number)}


def _secret(draw: Draw, person: int, at: int) -> str:
    return cast.secret(draw, f"secret {person} {at}")


def marks(draw: Draw) -> tuple[bytes, ...]:
    """Return what names this student in the capture: every secret."""
    return tuple(_secret(draw, person, at).encode() for person in range(_PEOPLE) for at in range(_SECRETS))


def _steps(draw: Draw) -> tuple[Deed, ...]:
    names = cast.nicknames(draw, _PEOPLE)
    turns = [(person, at) for person in range(_PEOPLE) for at in range(_SECRETS + _TRIFLES)]
    idle = iter(draw.sample("idle", _IDLE, _PEOPLE * _TRIFLES))
    steps: list[Deed] = [Join(name) for name in names]
    for person, at in draw.shuffled("turns", turns):
        gives_away = draw.choice(f"sentence {person} {at}", _GIVE_AWAY).format(_secret(draw, person, at))
        steps.append(Say(names[person], gives_away if at < _SECRETS else next(idle)))
    return tuple(steps)


def run(draw: Draw, folder: Path, choice: Choice) -> None:
    """Record a chat in plaintext."""
    live.record(folder, choice, [live.Chat(_steps(draw), live.port(draw))])


def truth(work: Work) -> Truth:
    """Find the message.

    Raises:
        LabError: the capture does not hold it.
        CaptureError: the capture cannot be read.
    """
    sessions = work.traffic.sessions
    work.traffic.expect(_PEOPLE)
    person, number = _asked(work.draw)
    spoken = [_lines(session.client.stream) for session in sessions]
    if not all(spoken):
        raise LabError("A client in the capture has said nothing, not even its name.")
    names = [lines[0].words for lines in spoken]
    _, *own = spoken[person - 1]
    secrets = [message for message in own if _SECRET.search(message.words)]
    if len(secrets) < number:
        raise LabError("The capture has fewer secrets than the run has told.")
    message, who = secrets[number - 1], names[person - 1]
    passed_on = said(who, message.words)
    return Truth(
        who=who,
        address=str(sessions[person - 1].client.stream.source),
        message=message,
        copies=tuple(line for session in sessions for line in _lines(session.server.stream) if line.words == passed_on),
        own=tuple(one for one in own if one is not message),
        others=tuple(one for at, lines in enumerate(spoken) if at != person - 1 for one in lines[1:]),
        names=tuple(name for name in names if name != who),
    )


def _lines(stream: ByteStream) -> tuple[Message, ...]:
    """Return the lines of one side.

    Raises:
        LabError: there are too many, or one is no text of the chat.
    """
    if stream.data.count(b"\n") > _LINES:
        raise LabError("The capture has far more lines than the run has sent.")
    found = []
    at = 0
    while end := stream.data.find(b"\n", at) + 1:
        line = stream.data[at:end]
        try:
            found.append(Message(decode(line.removesuffix(b"\n")), line, stream.locate(at, end)[0].frame))
        except ProtocolError as error:
            raise LabError("The capture is not that of a chat in plaintext.") from error
        at = end
    return tuple(found)


def _who(truth: Truth, answer: str) -> str:
    name = answer.strip()
    if name == truth.who:
        return ""
    if name in truth.names:
        return "other_person"
    if name.rstrip(" >") == truth.who:
        return "separator_left"
    port = truth.address.rpartition(":")[2]
    return "address" if name.rpartition(":")[2] == port else "wrong"


def _frame(truth: Truth, answer: int) -> str:
    if answer == truth.message.frame:
        return ""
    if answer in [copy.frame for copy in truth.copies]:
        return "server_copy"
    return _another(truth, lambda message: message.frame == answer)


def _payload(truth: Truth, answer: str) -> str:
    digits, line = answer.strip().lower(), truth.message.line.hex()
    if digits == line:
        return ""
    if without_separators(digits) == line:
        return "separators_left"
    if digits == line.removesuffix("0a"):
        return "newline_lost"
    if digits in [copy.line.hex() for copy in truth.copies]:
        return "server_copy"
    if answer.strip() == truth.message.words:
        return "decoded"
    return _another(truth, lambda message: message.line.hex() == digits)


def _words(truth: Truth, answer: str) -> str:
    words = truth.message.words
    if answer.strip(" ") == words:
        return ""
    if answer.rstrip("\r\n") == words:
        return "newline_left"
    if answer == said(truth.who, words):
        return "name_left"
    if answer in (words.encode().decode("latin-1"), words.encode().decode("cp1252", "replace")):
        return "wrong_encoding"
    # é as e, or as nothing, or a mark for each of its bytes
    bare = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    if answer in (bare, words.encode("ascii", "ignore").decode(), words.encode().decode("ascii", "replace")):
        return "letters_lost"
    if answer == _found(words):
        return "only_secret"
    return _another(truth, lambda message: answer in (message.words, _found(message.words)))


def _found(words: str) -> str | None:
    found = _SECRET.search(words)
    return found[0] if found else None


def _another(truth: Truth, is_meant: Callable[[Message], bool]) -> str:
    if any(map(is_meant, truth.own)):
        return "other_message"
    return "other_person" if any(map(is_meant, truth.others)) else "wrong"


def _at(truth: Truth, what: object) -> str:
    return f"{what} (frame {truth.message.frame})"


EXERCISE = Exercise(
    number=1,
    name="e01_plaintext_message",
    steps=(
        Step("who", 1, Kind.TEXT, _who, lambda t: t.who),
        Step("frame", 1, Kind.NUMBER, _frame, lambda t: str(t.message.frame)),
        Step("payload", 1, Kind.TEXT, _payload, lambda t: _at(t, t.message.line.hex())),
        Step("words", 2, Kind.TEXT, _words, lambda t: _at(t, t.message.words)),
    ),
    values=values,
    run=run,
    marks=marks,
    truth=truth,
)
