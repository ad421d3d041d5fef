"""Grades a class: every hand-in once, wherever there is room, in any order; what is done is kept, so it can go on."""

import contextlib
import functools
import hashlib
import itertools
import json
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
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
from lab.problems import Problem, sentence

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("capture", "certs", "chat", "lab")
_MOST_FILES = 2_000  # of a hand-in, that are looked at to see whether it has changed


@dataclass(frozen=True, slots=True)
class Kept:
    """Where results are kept between two runs, each with what it was made of: in `folder`, a file for each student."""

    folder: Path

    def read(self, student: str, made_of: str) -> Result | None:
        """Return the result of an earlier run, None where there is none or it was made of something else."""
        try:
            told = json.loads(self._path(student).read_text("utf-8"))
            return from_json(told["result"]) if told["of"] == made_of else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, result: Result, made_of: str) -> None:
        """Keep a result, readable by its owner only: it has the right answers.

        Raises:
            OSError: it cannot be written.
        """
        with whole_file(self._path(result.student), 0o600) as file:
            file.write(json.dumps({"of": made_of, "result": to_json(result)}, indent=1).encode())

    def _path(self, student: str) -> Path:
        return self.folder / f"{student}.json"


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


@functools.cache
def _lab() -> str:
    """Return what changes whenever the lab does."""
    files = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*"))
    return _digest(path.read_text("utf-8") for path in files if path.suffix in (".py", ".toml"))


def _state(path: Path) -> Iterator[str]:
    """Yield what changes when a hand-in does, as make(1) sees it: names, sizes, times."""
    inside = (Path(folder) / name for folder, _, names in os.walk(path) for name in sorted(names))
    for number, file in enumerate((path, *itertools.islice(inside, _MOST_FILES))):
        with contextlib.suppress(OSError):  # what cannot be looked at is not examined either
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
    same = _digest((_lab(), secret.hex(), str(isolated), *everybody))
    made_of: dict[str, str] = {}
    left = []
    for hand_in in hand_ins:
        student, path = hand_in.student.id, hand_in.path
        if path is None:
            yield _none(student, "no_handin", Problem("nothing"))
            continue
        # before it is examined: if it changes meanwhile, it is not taken for the new one
        made_of[student] = _digest((same, student, os.fspath(path), *_state(path)))
        if (result := kept.read(student, made_of[student])) is not None:
            yield result
        else:
            left.append(Task(student, path, secret, everybody, isolated))
    broken = []
    for task, told in _examined(left, executors):
        if isinstance(told, Result):
            kept.write(told, made_of[task.student])
            yield told
        else:
            broken.append(task)
    # one of them has ended a process that the others were waiting in; alone, each shows if it was it
    for task, told in itertools.chain.from_iterable(_examined([task], executors) for task in broken):
        if isinstance(told, Result):
            kept.write(told, made_of[task.student])
            yield told
        else:
            yield _none(task.student, "unreadable", Problem("ended", type(told).__name__))


def _examined(
    tasks: Sequence[Task], executors: Callable[[], AbstractContextManager[Executor]]
) -> Iterator[tuple[Task, Result | Exception]]:
    """Yield what came of each task: a result, or how the process ended in which it was."""
    if not tasks:
        return
    with executors() as executor:
        futures = {executor.submit(examine, task): task for task in tasks}
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


def _none(student: str, mistake: str, problem: Problem) -> Result:
    """Return that there is nothing to grade."""
    said = sentence(problem, "en")
    graded = [(exercise.name, nothing(exercise, mistake, said)) for exercise in EXERCISES]
    exercises = tuple(Graded(name, judged.points, judged.outcomes, said) for name, judged in graded)
    return Result(student, exercises, (problem,))
