"""Grades a class: every hand-in once, wherever there is room, in any order; what is done is kept, so it can go on."""

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from capture.output import whole_file
from lab.classroom.examine import Task, examine
from lab.classroom.handins import HandIn
from lab.classroom.result import Graded, Result, from_json, to_json
from lab.errors import LabError
from lab.exercises.catalogue import EXERCISES
from lab.exercises.judge import nothing

_EXERCISES = Path(__file__).parent.parent / "exercises"
_MOST_FILES = 2_000  # of a hand-in, that are looked at to see whether it has changed


@dataclass(frozen=True, slots=True)
class Kept:
    """Where results are kept between two runs.

    Attributes:
        folder: a file for each student.
        key: names everything that results depend on beside the hand-in: exercises and secret.
    """

    folder: Path
    key: str

    def read(self, hand_in: HandIn) -> Result | None:
        """Return the result of an earlier run, None where there is none or the hand-in has changed."""
        try:
            told = json.loads(self._path(hand_in).read_text("utf-8"))
            return from_json(told["result"]) if told["of"] == self._of(hand_in) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, hand_in: HandIn, result: Result) -> None:
        """Keep a result.

        Raises:
            OSError: it cannot be written.
        """
        with whole_file(self._path(hand_in)) as file:
            file.write(json.dumps({"of": self._of(hand_in), "result": to_json(result)}, indent=1).encode())

    def _path(self, hand_in: HandIn) -> Path:
        return self.folder / f"{hand_in.student.id}.json"

    def _of(self, hand_in: HandIn) -> str:
        assert hand_in.path is not None
        parts = [self.key, hand_in.student.id, os.fspath(hand_in.path), *_state(hand_in.path)]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def exercises_key(secret: bytes) -> str:
    """Return what changes whenever the exercises or the secret do."""
    digest = hashlib.sha256(hashlib.sha256(secret).digest())
    for path in sorted(_EXERCISES.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _state(path: Path) -> Iterator[str]:
    """Yield what changes when a hand-in does, as make(1) sees it: names, sizes, times."""
    inside = (Path(folder) / name for folder, _, names in os.walk(path) for name in sorted(names))
    for number, file in enumerate((path, *itertools.islice(inside, _MOST_FILES))):
        state = file.lstat()
        yield f"{number} {file.relative_to(path)} {state.st_size} {state.st_mtime_ns}"


def grade(
    hand_ins: Sequence[HandIn],
    secret: bytes,
    executors: Callable[[], AbstractContextManager[Executor]],
    kept: Kept,
    *,
    isolated: bool = True,
) -> Generator[Result]:
    """Yield the result of each hand-in as soon as there is one; those of an earlier run first.

    Args:
        hand_ins: of everybody in the roster.
        secret: of the course.
        executors: makes an executor; one more is made for what ends a worker's process.
        kept: where results are kept.
        isolated: whether students' code runs apart.

    Raises:
        LabError: nothing can be examined here; the text says why.
        OSError: a result cannot be kept.
    """
    everybody = tuple(hand_in.student.id for hand_in in hand_ins)
    left = []
    for hand_in in hand_ins:
        if hand_in.path is None:
            yield _none(hand_in, "no_handin", "Nothing was handed in.")
        elif (result := kept.read(hand_in)) is not None:
            yield result
        else:
            left.append((hand_in, Task(hand_in.student.id, hand_in.path, secret, everybody, isolated)))
    broken = []
    for (hand_in, task), told in _examined(left, executors):
        if isinstance(told, Result):
            kept.write(hand_in, told)
            yield told
        else:
            broken.append((hand_in, task))
    for (
        one
    ) in broken:  # one of them has ended a process that the others were waiting in; alone, each shows if it was it
        for (hand_in, _), told in _examined([one], executors):
            if isinstance(told, Result):
                kept.write(hand_in, told)
                yield told
            else:
                yield _none(hand_in, "unreadable", f"Examining it ended the grader's process ({type(told).__name__}).")


def _examined(
    tasks: Sequence[tuple[HandIn, Task]], executors: Callable[[], AbstractContextManager[Executor]]
) -> Iterator[tuple[tuple[HandIn, Task], Result | Exception]]:
    """Yield what came of each task: a result, or how the process ended in which it was."""
    if not tasks:
        return
    with executors() as executor:
        futures = {executor.submit(examine, task): (hand_in, task) for hand_in, task in tasks}
        try:
            for future in as_completed(futures):
                try:
                    told: Result | Exception = future.result()
                except LabError:
                    raise
                except Exception as error:
                    told = error
                yield futures[future], told
        finally:
            for future in futures:
                future.cancel()


def _none(hand_in: HandIn, mistake: str, problem: str) -> Result:
    """Return that there is nothing to grade."""
    graded = [(exercise.name, nothing(exercise, mistake, problem)) for exercise in EXERCISES]
    exercises = tuple(Graded(name, judged.points, judged.outcomes, problem) for name, judged in graded)
    return Result(hand_in.student.id, exercises, (problem,))
