"""Exercise 5: TCP cuts bytes where it likes: one record spans segments, and one segment holds several records."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from capture.rights import Choice
from capture.streams import Span
from capture.tls import HEADER, Record, RecordLayer
from lab.errors import LabError
from lab.exercises import cast, live
from lab.exercises.draw import Draw
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.work import Work, sealed
from lab.scenario import Join, Paste, Say
from lab.scenario import Step as Deed

_PEOPLE = 3
_BEFORE = 2  # encrypted records of a client before its first message: its Finished, and the name
_LONG = (3000, 3800)  # characters: above two segments of 1,448 bytes, below the 4,096 bytes of the chat's longest line
_FILLING = 1  # long lines at the head: they fill the window of a live server, so that TCP joins what follows
# Short lines before each of the long ones after those. More lines in all than TCP sends without an answer (its first
# window has ten segments, RFC 6928) would come to the tap in two parts, the second of which begins with a record.
_SHORT = (2, 5)
_AFTER = 2  # runs of short lines, each with a long one behind it


@dataclass(frozen=True, slots=True)
class Truth:
    """What the capture says.

    Attributes:
        record: the one that is asked for.
        spans: where it stands, one for each frame.
        own: frames with other data of the same client.
        replies: frames with data of its server.
        elsewhere: frames with data of the other connections.
        begin: how many records begin in the frame in which it begins.
        touch: how many stand in that frame, wholly or in part.
        whole: how many stand in it wholly.
        payload: bytes of data in that frame.
    """

    record: Record
    spans: tuple[Span, ...]
    own: frozenset[int]
    replies: frozenset[int]
    elsewhere: frozenset[int]
    begin: int
    touch: int
    whole: int
    payload: int


def _person(draw: Draw) -> int:
    return draw.number("person", 0, _PEOPLE - 1)


def _pasted(draw: Draw) -> tuple[str, ...]:
    """Return the lines that are sent at once: a long one, then some short ones and a long one, and that again."""
    lines = [_long(draw, f"filling {at}") for at in range(_FILLING)]
    for run in range(_AFTER):
        lines += [cast.sentence(draw, f"short {run} {at}") for at in range(draw.number(f"shorts {run}", *_SHORT))]
        lines.append(_long(draw, f"long {run}"))
    return tuple(lines)


def _long(draw: Draw, label: str) -> str:
    size = draw.number(f"{label} size", *_LONG)
    words = ""
    while len(words) < size:
        words += cast.sentence(draw, f"{label} {len(words)}") + " "
    return words[:size].rstrip()


def _number(draw: Draw) -> int:
    """Return which of the client's encrypted records is asked for, from 1: one of the long ones after short ones."""
    at = _FILLING
    for run in range(draw.number("run", 1, _AFTER)):
        at += draw.number(f"shorts {run}", *_SHORT) + 1
    return _BEFORE + draw.number("words before", 0, 3) + at


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    return {"host": cast.host(draw), "stream": str(_person(draw)), "record": str(_number(draw))}


def _steps(draw: Draw) -> tuple[Deed, ...]:
    names = cast.nicknames(draw, _PEOPLE)
    mine, other = names[_person(draw)], names[_person(draw) - 1]
    said = [Say(mine, cast.sentence(draw, f"before {at}")) for at in range(draw.number("words before", 0, 3))]
    after = [Say(other, cast.sentence(draw, "after")), Say(mine, cast.sentence(draw, "last"))]
    return (*map(Join, names), *said, Paste(mine, _pasted(draw)), *after)


def run(draw: Draw, folder: Path, choice: Choice) -> None:
    """Record a chat over TLS 1.3 in which somebody pastes a text; nobody keeps its keys."""
    live.record_over_tls(draw, folder, choice, _steps(draw))


def truth(work: Work) -> Truth:
    """Find the record, and what else stands in its first frame.

    Raises:
        LabError: the capture does not hold it.
        CaptureError: the capture cannot be read.
    """
    sessions = work.traffic.sessions
    work.traffic.expect(_PEOPLE)
    session = sessions[_person(work.draw)]
    at = _number(work.draw) - 1
    records = sealed(session.client)
    if len(records) <= at:
        raise LabError("The capture has fewer records than the run has made.")
    record = records[at]
    spans = record.stream.locate(record.start, record.end)
    if len(spans) < 2:
        raise LabError("The record in the capture is not the long one of the run.")
    first = spans[0].frame
    # where the data of that frame stands in the stream
    pieces = [piece for piece in record.stream.pieces if piece.frame == first]
    low, high = pieces[0].start, pieces[-1].start + pieces[-1].length
    there = [(other.start, other.end) for other in session.client.records]
    return Truth(
        record=record,
        spans=spans,
        own=_frames(session.client) - {span.frame for span in spans},
        replies=_frames(session.server),
        elsewhere=frozenset().union(
            *(_frames(layer) for one in sessions if one is not session for layer in (one.client, one.server))
        ),
        begin=sum(low <= start < high for start, _ in there),
        touch=sum(start < high and end > low for start, end in there),
        whole=sum(low <= start and end <= high for start, end in there),
        payload=high - low,
    )


def _frames(layer: RecordLayer) -> frozenset[int]:
    return frozenset(piece.frame for piece in layer.stream.pieces)


def _size(span: Span) -> int:
    return span.last - span.first + 1


def _first(truth: Truth, answer: int) -> str:
    return _end(truth, answer, {truth.spans[0].frame: "", truth.spans[-1].frame: "last"})


def _last(truth: Truth, answer: int) -> str:
    return _end(truth, answer, {truth.spans[-1].frame: "", truth.spans[0].frame: "first"})


def _end(truth: Truth, answer: int, ends: Mapping[int, str]) -> str:
    if answer in ends:
        return ends[answer]
    if answer in [span.frame for span in truth.spans]:
        return "middle"
    if answer in truth.replies:
        return "wrong_direction"
    if answer in truth.own:
        return "other_record"
    return "wrong_stream" if answer in truth.elsewhere else "wrong"


def _in_first(truth: Truth, answer: int) -> str:
    if answer == _size(truth.spans[0]):
        return ""
    if answer == _size(truth.spans[0]) - HEADER:
        return "header_missed"
    if answer == truth.payload:
        return "whole_segment"
    if answer == _size(truth.spans[-1]):
        return "in_last"
    if answer in (len(truth.record.fragment), len(truth.record.fragment) + HEADER):
        return "whole_record"
    return "before_it" if answer == truth.payload - _size(truth.spans[0]) else "wrong"


def _begin(truth: Truth, answer: int) -> str:
    if answer == truth.begin:
        return ""
    if answer == truth.touch:
        return "touching"
    return "only_whole" if answer == truth.whole else "wrong"


EXERCISE = Exercise(
    number=5,
    name="e05_segments_and_records",
    steps=(
        Step("first", 1, Kind.NUMBER, _first, lambda t: str(t.spans[0])),
        Step("last", 1, Kind.NUMBER, _last, lambda t: str(t.spans[-1])),
        Step("in_first", 1, Kind.NUMBER, _in_first, lambda t: f"{_size(t.spans[0])} ({t.spans[0]})"),
        Step("begin", 2, Kind.NUMBER, _begin, lambda t: f"{t.begin} (frame {t.spans[0].frame})"),
    ),
    values=values,
    run=run,
    marks=cast.marks_of_host,
    truth=truth,
)
