"""Makes a class as teachers and students would: bundles, live runs by the tap, solved with tshark and openssl."""

import zipfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capture.rights import Choice, Way
from lab.classroom.packing import pack
from lab.exercises.catalogue import EXERCISES
from lab.exercises.desk import Desk, read_desk
from lab.exercises.exercise import Exercise
from tests.lab.exercises.solvers import (
    capstone,
    e01,
    e02,
    e03,
    e04,
    e05,
    e06,
    e07,
    e08,
    e09,
    e10,
    e11,
    e12,
    e13,
    e14,
    e15,
)

SOLVERS: Sequence[Any] = (e01, e02, e03, e04, e05, e06, e07, e08, e09, e10, e11, e12, e13, e14, e15, capstone)
_AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Solved:
    """A student's folder with work in it.

    Attributes:
        desk: the folder.
        numbers: of the exercises that are solved.
    """

    desk: Desk
    numbers: frozenset[int]

    @property
    def points(self) -> dict[int, int]:
        """What the work is worth as it is, by number of the exercise."""
        return {e.number: e.points if e.number in self.numbers else 0 for e in EXERCISES}

    def place(self, number: int) -> Path:
        """The folder of an exercise."""
        return self.desk.place(EXERCISES[number - 1])


def work(bundle: Path, target: Path, numbers: Iterable[int]) -> Solved:
    """Unpack a bundle, run these exercises by the tap, and solve them from what is in the student's folder."""
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(target)
    desk = read_desk(target / bundle.stem)
    wanted = frozenset(numbers)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(lambda exercise: _solve(desk, exercise), [e for e in EXERCISES if e.number in wanted]))
    return Solved(desk, wanted)


def _solve(desk: Desk, exercise: Exercise[Any]) -> None:
    solver = SOLVERS[exercise.number - 1]
    if hasattr(solver, "prepare"):  # where the live run takes code of the student's
        solver.prepare(desk.place(exercise))
    if exercise.run is not None:
        desk.run(exercise, Choice(Way.TAP, ""))
    solver.solve(desk.place(exercise))


def hand_in(solved: Solved, folder: Path) -> Path:
    """Pack the work as `lab handin` does, into the folder of hand-ins."""
    target = folder / f"{solved.desk.student}.zip"
    pack(solved.desk, target)
    return target
