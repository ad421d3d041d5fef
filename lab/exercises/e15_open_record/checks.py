"""Exercise 15: a function that opens records of TLS 1.3."""

from collections.abc import Mapping, Sequence

from lab.exercises import cast
from lab.exercises.draw import Draw
from lab.exercises.e15_open_record.run import SOLUTION, run, sequence, stream
from lab.exercises.e15_open_record.truth import Result, Truth, truth
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.work import CAPTURE, KEYLOG


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    number = sequence(draw)
    # in the capture, the encrypted Finished comes before number 0
    return {"host": cast.host(draw), "stream": str(stream(draw)), "record": str(number + 2), "sequence": str(number)}


def _record(truth: Truth, _: object) -> str:
    if truth.problem:
        return truth.problem
    (result,) = truth.captured
    if result.is_right:
        return ""
    # the fewer mistakes, the likelier
    likely = min(truth.mistaken, key=lambda m: sum(map(bool, (m.keys, m.nonce, m.data))), default=None)
    if likely is not None:
        return likely.first
    if result.ended == "not_bytes":
        return "not_bytes"
    if result.value:
        return _inside(result)
    if result.ended != "raised":
        return "printed" if truth.printed else "returns_nothing"
    return {"NotImplementedError": "not_written", "InvalidTag": "refused"}.get(result.name, "raised")


def _inside(result: Result) -> str:
    """Return what is wrong with the bytes of a record that was opened."""
    content = result.content or b""
    with_type = result.inner[: len(content) + 1]
    if result.value == with_type:
        return "type_left"
    if result.value.rstrip(b"\0") == with_type:
        return "padding_left"
    return "content_cut" if content.startswith(result.value) else "wrong"


def _numbers(truth: Truth, _: object) -> str:
    if not _first(truth, truth.numbered):
        return ""
    if not _opens(truth):
        return "record_first"
    return "large_number" if truth.numbered[0].is_right else "other_keys"


def _padding(truth: Truth, _: object) -> str:
    wrong = _first(truth, truth.padded)
    if not wrong:
        return ""
    if not _opens(truth):
        return "record_first"
    return _inside(wrong[0]) if wrong[0].ended == "bytes" else "padding_refused"


def _suites(truth: Truth, _: object) -> str:
    if not _first(truth, truth.suites):
        return ""
    return "one_suite" if _opens(truth) else "record_first"


def _changed(truth: Truth, _: object) -> str:
    if not any(result.is_right for result in (*truth.captured, *truth.numbered)):
        return "record_first"  # whoever opens nothing refuses everything
    wrong = _first(truth, truth.changed)
    if not wrong:
        return ""
    return "not_noticed" if wrong[0].value else "swallowed"


def _first(truth: Truth, results: Sequence[Result]) -> list[Result]:
    """Return the results that are not right, one at least where there is no result at all."""
    if truth.problem:
        return [Result("raised", b"", truth.problem, b"", b"")]
    return [result for result in results if not result.is_right]


def _opens(truth: Truth) -> bool:
    return not truth.problem and all(result.is_right for result in truth.captured)


def _right(_: Truth) -> str:
    return ""


EXERCISE = Exercise(
    number=15,
    name="e15_open_record",
    steps=(
        Step("record", 3, Kind.WORK, _record, _right),
        Step("numbers", 2, Kind.WORK, _numbers, _right),
        Step("padding", 2, Kind.WORK, _padding, _right),
        Step("suites", 1, Kind.WORK, _suites, _right),
        Step("changed", 2, Kind.WORK, _changed, _right),
    ),
    values=values,
    run=run,
    marks=cast.marks_of_host,
    evidence=(CAPTURE, KEYLOG),
    truth=truth,
    files=(CAPTURE, KEYLOG, SOLUTION),
)
