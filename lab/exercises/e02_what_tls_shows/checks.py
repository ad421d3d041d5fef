"""Exercise 2: the body of a record over TLS: its bytes, what can be found in them, and what that proves."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from capture.explanations import LANGUAGES
from capture.rights import Choice
from capture.tls import Record
from lab.errors import LabError
from lab.exercises import cast, live
from lab.exercises.draw import Draw
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.typed import letters_in, without_separators
from lab.exercises.work import Work, sealed
from lab.scenario import Join, Say
from lab.scenario import Step as Deed

_PEOPLE, _MESSAGES = 3, 3  # the messages of each person
_PARTS = 6  # sentences in the message that is asked for
_BEFORE = 2  # encrypted records of a client before its first message: its Finished, and the name
_PRINTABLE = range(0x20, 0x7F)
_LETTERS = "ABCD"
_STATEMENTS = ("as_they_are", "random", "never_said", "safe", "nothing")  # the first is right


@dataclass(frozen=True, slots=True)
class Truth:
    """What the capture says.

    Attributes:
        record: the one that carries the message.
        same_side: the other encrypted records of the same client.
        reply: the record with the same number from the server, None where there is none.
        others: those with the same number from the other clients.
        message: the words that were said.
        found: the letters of what stands somewhere in the capture.
        letters: the letter of each thing that is searched for.
        statements: the statements in the order of the task, by name.
    """

    record: Record
    same_side: tuple[Record, ...]
    reply: Record | None
    others: tuple[Record, ...]
    message: str
    found: frozenset[str]
    letters: Mapping[str, str]
    statements: tuple[str, ...]


def _person(draw: Draw) -> int:
    return draw.number("person", 0, _PEOPLE - 1)


def _number(draw: Draw) -> int:
    """Return which of that person's messages is asked for, from 0."""
    return draw.number("message", 0, _MESSAGES - 1)


def _message(draw: Draw) -> str:
    return " ".join(cast.sentence(draw, f"part {at}") for at in range(_PARTS))


def _searched(draw: Draw) -> dict[str, tuple[str, str]]:
    """Return what is searched for: by name, its letter in the task and its words."""
    things = {
        "host": cast.host(draw),
        "said": cast.secret(draw, "part 0"),
        "name": cast.nicknames(draw, _PEOPLE)[_person(draw)],
        "never_said": cast.secret(draw, "never said"),
    }
    letters = draw.shuffled("letters", _LETTERS)
    return {thing: (letter, words) for letter, (thing, words) in zip(letters, things.items(), strict=True)}


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    found = {
        "host": cast.host(draw),
        "stream": str(_person(draw)),
        "record": str(_BEFORE + _number(draw) + 1),
        "message": _message(draw),
    }
    found |= {letter.lower(): words for letter, words in _searched(draw).values()}
    for language in LANGUAGES:
        texts = tomllib.loads(Path(__file__).with_name(f"statements.{language}.toml").read_text("utf-8"))
        for at, name in enumerate(_shuffled(draw), start=1):
            found[f"statement_{at}_{language}"] = texts[name]
    return found


def _shuffled(draw: Draw) -> tuple[str, ...]:
    return draw.shuffled("statements", _STATEMENTS)


def _steps(draw: Draw) -> tuple[Deed, ...]:
    names = cast.nicknames(draw, _PEOPLE)
    spoken = [0] * _PEOPLE
    steps: list[Deed] = [Join(name) for name in names]
    for person in draw.shuffled("turns", list(range(_PEOPLE)) * _MESSAGES):
        asked = (person, spoken[person]) == (_person(draw), _number(draw))
        words = _message(draw) if asked else cast.sentence(draw, f"message {person} {spoken[person]}")
        steps.append(Say(names[person], words))
        spoken[person] += 1
    return tuple(steps)


def run(draw: Draw, folder: Path, choice: Choice) -> None:
    """Record a chat over TLS 1.3; nobody keeps its keys."""
    live.record_over_tls(draw, folder, choice, _steps(draw))


def truth(work: Work) -> Truth:
    """Find the record, and search the capture.

    Raises:
        LabError: the capture does not hold it.
        CaptureError: the capture cannot be read.
    """
    draw, sessions = work.draw, work.traffic.sessions
    work.traffic.expect(_PEOPLE)
    at = _BEFORE + _number(draw)
    sides = [(sealed(session.client), sealed(session.server)) for session in sessions]
    mine, theirs = sides.pop(_person(draw))
    message = _message(draw)
    # no record is shorter than what it carries (RFC 8446, section 5.4)
    if len(mine) <= at or len(mine[at].fragment) < len(message.encode()):
        raise LabError("The capture does not have the record with the message.")
    searched = _searched(draw)
    sent = [layer.stream.data for session in sessions for layer in (session.client, session.server)]
    return Truth(
        record=mine[at],
        same_side=tuple(record for record in mine if record is not mine[at]),
        reply=theirs[at] if len(theirs) > at else None,
        others=tuple(ours[at] for ours, _ in sides if len(ours) > at),
        message=message,
        found=frozenset(letter for letter, words in searched.values() if any(words.encode() in data for data in sent)),
        letters={thing: letter for thing, (letter, _) in searched.items()},
        statements=_shuffled(draw),
    )


def _body(truth: Truth, answer: str) -> str:
    digits, record = answer.strip().lower(), truth.record
    if digits == record.fragment.hex():
        return ""
    if without_separators(digits) == record.fragment.hex():
        return "separators_left"
    if digits == (record.header + record.fragment).hex():
        return "header_counted"
    if digits.startswith(truth.message.encode().hex()):
        return "message"
    if truth.reply is not None and digits == truth.reply.fragment.hex():
        return "wrong_direction"
    if digits in [other.fragment.hex() for other in truth.same_side]:
        return "other_record"
    return "wrong_stream" if digits in [other.fragment.hex() for other in truth.others] else "wrong"


def _count(data: bytes, counts: Callable[[int], bool]) -> int:
    return sum(map(counts, data))


def _printable(data: bytes) -> int:
    return _count(data, lambda byte: byte in _PRINTABLE)


def _readable(truth: Truth, answer: int) -> str:
    body = truth.record.fragment
    if answer == _printable(body):
        return ""
    if answer == 2 * len(body):
        return "digits_counted"
    if answer == len(body):
        return "all_counted"
    if answer == _count(body, lambda byte: byte < 0x80):
        return "control_counted"
    if answer == _count(body, lambda byte: chr(byte).isascii() and chr(byte).isalnum()):
        return "marks_missed"
    return "message" if answer in (len(truth.message), _printable(truth.message.encode())) else "wrong"


def _stands(truth: Truth, answer: str) -> str:
    named = letters_in(answer, _LETTERS)
    if named == truth.found:
        return ""
    if truth.letters["never_said"] in named:
        return "never_said"
    if named - truth.found:
        return "said"
    return "host_missed"


def _proves(truth: Truth, answer: int) -> str:
    if not 1 <= answer <= len(truth.statements):
        return "wrong"
    chosen = truth.statements[answer - 1]
    return "" if chosen == _STATEMENTS[0] else chosen


def _at(truth: Truth) -> str:
    return str(truth.record.stream.locate(truth.record.start, truth.record.end)[0])


EXERCISE = Exercise(
    number=2,
    name="e02_what_tls_shows",
    steps=(
        Step("body", 1, Kind.TEXT, _body, lambda t: f"{t.record.fragment.hex()} ({_at(t)})"),
        Step("printable", 1, Kind.NUMBER, _readable, lambda t: f"{_printable(t.record.fragment)} ({_at(t)})"),
        Step("stands", 1, Kind.TEXT, _stands, lambda t: "".join(sorted(t.found)) or "-"),
        Step("proves", 2, Kind.NUMBER, _proves, lambda t: str(t.statements.index(_STATEMENTS[0]) + 1)),
    ),
    values=values,
    run=run,
    marks=cast.marks_of_host,
    truth=truth,
)
