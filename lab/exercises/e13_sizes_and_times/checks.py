"""Exercise 13: what lengths and moments of encrypted records give away."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

from capture.rights import Choice
from capture.tls import HEADER
from lab.errors import LabError
from lab.exercises import cast
from lab.exercises.draw import Draw
from lab.exercises.e13_sizes_and_times.record import ADDED, INNER_TYPE, NEWLINE, OLD_ADDED
from lab.exercises.e13_sizes_and_times.run import letters, record, sentences, stream, which
from lab.exercises.e13_sizes_and_times.truth import Truth, truth
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.work import Work

_TOLERANCE = 3.0  # milliseconds; between two ways of measuring there is less than one
_BEFORE = 100.0  # milliseconds
_LARGEST = 10**15
_RUNS = 4


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    given = sentences(draw)
    told = {letter: given[kind] for letter, kind in letters(draw).items()}
    return {"host": cast.host(draw), "stream": str(stream(draw)), "record": str(which(draw)), **told}


def run(draw: Draw, folder: Path, choice: Choice) -> None:
    """Record the chat; again, where this computer had so much to do that another silence is the longest."""
    for _ in range(_RUNS):
        record(draw, folder, choice)
        with contextlib.suppress(LabError):
            truth(Work(folder, draw))
            return


def _length(truth: Truth, answer: int) -> str:
    if answer == truth.length:
        return ""
    # how much is left, or was taken off too much
    mistakes = {
        NEWLINE: "one_left",  # or the inner type
        NEWLINE + INNER_TYPE: "both_left",
        ADDED: "tag_left",
        ADDED - INNER_TYPE: "tag_left",
        NEWLINE + ADDED: "nothing_taken_off",
        NEWLINE + ADDED + HEADER: "header_counted",
        HEADER: "header_counted",
        HEADER + NEWLINE: "header_counted",
        ADDED - OLD_ADDED: "old_version",
        ADDED - OLD_ADDED + NEWLINE: "old_version",
    }
    left = answer - truth.length
    if left in mistakes:
        return mistakes[left]
    if answer == truth.reply - ADDED - NEWLINE:
        return "wrong_direction"
    return "wrong_stream" if answer + ADDED + NEWLINE in truth.others else "wrong"


def _pause(truth: Truth, answer: int) -> str:
    if not 0 < answer < _LARGEST:  # a number may have more digits than can be compared with a measured one
        return "wrong"
    for measured, mistake in ((truth.pause, ""), (truth.second, "shorter")):
        if abs(answer - measured) <= _TOLERANCE:
            return mistake
    # a live capture begins a little earlier, with a packet that it sends to itself
    if 0 <= answer - truth.elapsed + _TOLERANCE <= _BEFORE:
        return "since_start"
    per = (1e3, 1e6)  # microseconds, nanoseconds
    return "unit" if any(abs(answer / unit - truth.pause) <= _TOLERANCE for unit in per) else "wrong"


def _speaker(truth: Truth, answer: int) -> str:
    if answer == truth.speaker:
        return ""
    if answer == truth.server:
        return "server"
    if answer == truth.before:
        return "before"
    if answer in truth.clients:
        return "listener"
    return "stream" if answer < len(truth.clients) else "wrong"


def _sentence(truth: Truth, answer: str) -> str:
    return truth.sentences.get(answer.strip().lower(), "wrong")


def _right_sentence(truth: Truth) -> str:
    return next(letter for letter, kind in truth.sentences.items() if not kind)


EXERCISE = Exercise(
    number=13,
    name="e13_sizes_and_times",
    steps=(
        Step("length", 1, Kind.NUMBER, _length, lambda t: f"{t.length} ({t.span})"),
        Step("pause", 1, Kind.NUMBER, _pause, lambda t: f"{t.pause:.1f} ms"),
        Step("speaker", 1, Kind.NUMBER, _speaker, lambda t: str(t.speaker)),
        Step("sentence", 2, Kind.TEXT, _sentence, _right_sentence),
    ),
    values=values,
    run=run,
    marks=cast.marks_of_host,
    truth=truth,
)
