"""Exercise 4: the five bytes at the head of a TLS record, read by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from capture.rights import Choice
from capture.streams import Span
from capture.tls import HEADER, Record
from lab.errors import LabError
from lab.exercises import cast, live
from lab.exercises.draw import Draw
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.typed import without_separators
from lab.exercises.work import Work, sealed

_PEOPLE = 3


@dataclass(frozen=True, slots=True)
class Truth:
    """What the capture says.

    Attributes:
        record: the one that is asked for.
        span: where its header stands.
        reply: the record with the same number from the server.
        others: those with the same number from the clients of the other connections.
        beside: those of the same client right before and after it.
    """

    record: Record
    span: Span
    reply: Record
    others: tuple[Record, ...]
    beside: tuple[Record, ...]


def _connection(draw: Draw) -> int:
    return draw.number("connection", 0, _PEOPLE - 1)


def _which(draw: Draw) -> int:
    """Return the number of the record among the client's application data; the first is its encrypted Finished."""
    return draw.number("record", 2, 4)


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    return {"host": cast.host(draw), "stream": str(_connection(draw)), "record": str(_which(draw))}


def run(draw: Draw, folder: Path, choice: Choice) -> None:
    """Record a chat over TLS 1.3; nobody keeps its keys."""
    live.record_over_tls(draw, folder, choice, cast.conversation(draw, _PEOPLE))


def truth(work: Work) -> Truth:
    """Find the record.

    Raises:
        LabError: the capture does not hold it.
        CaptureError: the capture cannot be read.
    """
    number = _which(work.draw)
    work.traffic.expect(_PEOPLE)
    sides = [(sealed(session.client), sealed(session.server)) for session in work.traffic.sessions]
    if any(len(records) < number for both in sides for records in both):
        raise LabError("The capture has fewer records than the run has made.")
    found = [(ours[number - 1], theirs[number - 1]) for ours, theirs in sides]
    mine, reply = found.pop(_connection(work.draw))
    ours, _ = sides[_connection(work.draw)]
    span = mine.stream.locate(mine.start, mine.start + HEADER)[0]
    return Truth(mine, span, reply, tuple(both[0] for both in found), (ours[number - 2], *ours[number : number + 1]))


def _frame(truth: Truth, answer: int) -> str:
    if answer == truth.span.frame:
        return ""
    return _elsewhere(truth, answer, lambda record: record.stream.locate(record.start, record.end)[0].frame)


def _header(truth: Truth, answer: str) -> str:
    digits = answer.strip().lower()
    header = truth.record.header.hex()
    if digits == header:
        return ""
    if without_separators(digits) == header:
        return "separators_left"
    whole = (truth.record.header + truth.record.fragment).hex()
    if len(digits) > len(header) and whole.startswith(digits):
        return "body_counted"
    if len(digits) < len(header) and header.startswith(digits):
        return "too_short"
    return _elsewhere(truth, digits, lambda record: record.header.hex())


def _content_type(truth: Truth, answer: int) -> str:
    if answer == truth.record.content_type:
        return ""
    if answer == _hex_as_decimal(truth.record.content_type):
        return "hex_as_decimal"
    return "inner_type" if answer in (20, 21, 22) else "wrong"


def _length(truth: Truth, answer: int) -> str:
    length = len(truth.record.fragment)
    if answer == length:
        return ""
    if answer == length + HEADER:
        return "header_counted"
    if answer == _hex_as_decimal(length):
        return "hex_as_decimal"
    if answer == int.from_bytes(length.to_bytes(2, "big"), "little"):
        return "byte_order"
    return _elsewhere(truth, answer, lambda record: len(record.fragment))


def _hex_as_decimal(number: int) -> int | None:
    """Return what the hex digits of a number say when they are taken for decimal ones; None where one is a letter."""
    digits = f"{number:x}"
    return int(digits) if digits.isdecimal() else None


def _elsewhere(truth: Truth, answer: object, of: Callable[[Record], object]) -> str:
    if answer in [of(record) for record in truth.beside]:
        return "other_record"
    if answer == of(truth.reply):
        return "wrong_direction"
    return "wrong_stream" if answer in [of(record) for record in truth.others] else "wrong"


def _at(truth: Truth, what: object) -> str:
    return f"{what} ({truth.span})"


EXERCISE = Exercise(
    number=4,
    name="e04_record_header",
    steps=(
        Step("frame", 1, Kind.NUMBER, _frame, lambda t: _at(t, t.span.frame)),
        Step("header", 1, Kind.TEXT, _header, lambda t: _at(t, t.record.header.hex())),
        Step("content_type", 1, Kind.NUMBER, _content_type, lambda t: _at(t, t.record.content_type)),
        Step("length", 2, Kind.NUMBER, _length, lambda t: _at(t, len(t.record.fragment))),
    ),
    values=values,
    run=run,
    marks=cast.marks_of_host,
    truth=truth,
)
