"""A class: everybody graded once, in any order; what is done is kept; one who ends a process ends nobody else's."""

import contextlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.classroom import grading
from lab.classroom.examine import Task, examine
from lab.classroom.grading import Kept, grade
from lab.classroom.handins import HandIn, find
from lab.classroom.result import Result
from lab.errors import LabError
from lab.problems import Problem
from tests.lab.classroom.conftest import SECRET, STUDENTS, handed_in


@pytest.fixture
def hand_ins(tmp_path: Path) -> tuple[HandIn, ...]:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "ana.zip").write_bytes(handed_in(0))
    (folder / "bob.zip").write_bytes(b"no zip")
    return find(folder, STUDENTS)[0]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    (tmp_path / "results").mkdir()
    return Kept(tmp_path / "results")


def threads() -> Executor:
    return ThreadPoolExecutor(2)


class Backwards(Executor):
    """Does the last task first, as a cluster may."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, fn, args))
        if len(self.waiting) == 2:
            for waiting, work, given in reversed(self.waiting):
                waiting.set_result(work(*given))
        return future


def points(results: Iterable[Result]) -> dict[str, int]:
    return {result.student: result.points for result in results}


def test_everybody_once_whatever_the_order(hand_ins: tuple[HandIn, ...], kept: Kept, tmp_path: Path) -> None:
    forwards = {result.student: result for result in grade(hand_ins, SECRET, threads, kept)}
    (tmp_path / "again").mkdir()
    other = Kept(tmp_path / "again")
    assert {result.student: result for result in grade(hand_ins, SECRET, Backwards, other)} == forwards
    assert {student: result.points for student, result in forwards.items()} == {"ana": 5, "bob": 0, "eve": 0}
    assert forwards["eve"].problems == (Problem("nothing"),)


def test_what_is_done_is_not_done_again(
    hand_ins: tuple[HandIn, ...], kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = list(grade(hand_ins, SECRET, threads, kept))
    examined: list[str] = []

    def watched(task: Task) -> Result:
        examined.append(task.student)
        return examine(task)

    monkeypatch.setattr(grading, "examine", watched)
    assert sorted(map(repr, grade(hand_ins, SECRET, threads, kept))) == sorted(map(repr, first))
    assert examined == []
    path = hand_ins[1].path
    assert path is not None
    path.write_bytes(handed_in(1))  # bob hands in again
    assert points(grade(hand_ins, SECRET, threads, kept)) == {"ana": 5, "bob": 5, "eve": 0}
    assert examined == ["bob"]
    assert points(grade(hand_ins, SECRET[::-1], threads, kept)) == {"ana": 0, "bob": 0, "eve": 0}
    assert sorted(examined) == ["ana", "bob", "bob"]
    list(grade(hand_ins[:2], SECRET, threads, kept))  # whose a capture is depends on who is in the roster
    assert len(examined) == 5
    assert {path.stat().st_mode & 0o777 for path in kept.folder.iterdir()} == {0o600}


def test_what_changes_while_it_is_examined_is_examined_again(
    hand_ins: tuple[HandIn, ...], kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changes(task: Task) -> Result:
        result = examine(task)
        task.path.write_bytes(handed_in(0) + b"a new one")
        return result

    monkeypatch.setattr(grading, "examine", changes)
    assert points(grade(hand_ins[1:2], SECRET, threads, kept)) == {"bob": 0}
    monkeypatch.setattr(grading, "examine", lambda task: Result(task.student, ()))
    assert list(grade(hand_ins[1:2], SECRET, threads, kept)) == [Result("bob", ())]


def test_stopped_in_the_middle_it_goes_on(hand_ins: tuple[HandIn, ...], kept: Kept) -> None:
    results = grade(hand_ins, SECRET, lambda: ThreadPoolExecutor(1), kept)
    done = [next(results), next(results)]  # eve, who handed in nothing, and ana
    results.close()
    assert [result.student for result in done] == ["eve", "ana"]
    assert [path.name for path in kept.folder.iterdir()] == ["ana.json"]


def test_a_kept_result_that_was_changed_is_not_believed(hand_ins: tuple[HandIn, ...], kept: Kept) -> None:
    list(grade(hand_ins, SECRET, threads, kept))
    (kept.folder / "ana.json").write_text("{")
    assert points(grade(hand_ins, SECRET, threads, kept))["ana"] == 5


def deadly(task: Task) -> Result:
    """End the process that this runs in, for bob's."""
    if task.student == "bob":
        os._exit(9)
    return examine(task)


def test_one_that_ends_a_process_harms_no_other(
    hand_ins: tuple[HandIn, ...], kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grading, "examine", deadly)
    # forked, so that the children know `deadly`
    results = {r.student: r for r in grade(hand_ins, SECRET, lambda: ProcessPoolExecutor(1), kept)}
    assert {student: result.points for student, result in results.items()} == {"ana": 5, "bob": 0, "eve": 0}
    assert results["bob"].problems == (Problem("ended", "BrokenProcessPool"),)
    assert not (kept.folder / "bob.json").exists()


def test_what_concerns_the_machine_stops_it(
    hand_ins: tuple[HandIn, ...], kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Task) -> Result:
        raise LabError("No room.")

    monkeypatch.setattr(grading, "examine", fails)
    with (
        contextlib.closing(grade(hand_ins, SECRET, threads, kept)) as results,
        pytest.raises(LabError, match="No room"),
    ):
        list(results)
