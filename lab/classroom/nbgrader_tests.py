"""What the hidden tests of nbgrader's notebooks call, on the teacher's machine: one step of one hand-in, judged.

Whose hand-in it is stands in nbgrader's path, `autograded/<student>/<assignment>/`, which is the folder that a test
runs in; what is right comes from the capture in it. The course is named by the environment (LAB_SECRET, LAB_ROSTER,
LAB_LANGUAGE), which the settings of `lab.classroom.nbgrader` fill in.
"""

import functools
import os
import tempfile
from pathlib import Path
from typing import Any

from capture.explanations import LANGUAGES, Language
from lab.classroom.examine import judged
from lab.classroom.roster import Student, read_roster
from lab.classroom.secret import read_secret
from lab.errors import LabError
from lab.exercises import texts
from lab.exercises.desk import find_exercise
from lab.exercises.draw import draw_of
from lab.exercises.exercise import Exercise
from lab.exercises.judge import Judged
from lab.exercises.work import Work
from lab.sandbox import isolation
from lab.unpacking import unpack


class WrongError(AssertionError):
    """A step is not right; the text is the hint, in the student's language."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: the hint, and no path of the teacher's machine (IPython, `showtraceback`)."""
        return [str(self)]


def judge_step(number: int, step: str) -> None:
    """Judge a step of the hand-in in the folder that this runs in.

    Raises:
        WrongError: it is not right.
        LabError: it cannot be judged here.
    """
    student, exercise = found(Path.cwd()), find_exercise(number)
    came_out = _judged(number, student.id, Path.cwd())
    (outcome,) = (outcome for outcome in came_out.outcomes if outcome.step == step)
    if outcome.mistake:
        raise WrongError(texts.hint(exercise.name, step, outcome.mistake, student.language))


def found(folder: Path) -> Student:
    """Return whose hand-in a folder of nbgrader's is, when everything is there that it takes to judge it.

    Raises:
        LabError: something is missing; the text says what.
    """
    _secret()
    if not isolation():
        raise LabError("Students' code cannot be run apart here: install bubblewrap.")
    student = next((student for student in _students() if student.id == folder.parent.name), None)
    if student is None:
        msg = f"{folder.parent.name} is not in the roster {_told('LAB_ROSTER')}."
        raise LabError(msg)
    return student


@functools.cache  # each step of a notebook asks, and code that was handed in takes seconds to run
def _judged(number: int, student: str, folder: Path) -> Judged:
    exercise: Exercise[Any] = find_exercise(number)
    with tempfile.TemporaryDirectory(prefix="lab-nbgrader-") as private:
        apart = Path(private) / "handin"
        unpack(folder, apart)
        return judged(exercise, Work(apart, draw_of(_secret(), student, exercise.name), isolated=True))


def _secret() -> bytes:
    return read_secret(Path(_told("LAB_SECRET")))


def _students() -> tuple[Student, ...]:
    spoken: list[Language] = [known for known in LANGUAGES if known == os.environ.get("LAB_LANGUAGE")]
    return read_roster(Path(_told("LAB_ROSTER")), spoken[0] if spoken else "en")


def _told(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        msg = f"{name} is not set: run nbgrader in the folder that `lab class export nbgrader` has made."
        raise LabError(msg) from None
