"""An exercise in a notebook: run, answer, check, as `lab exercise` and `lab check` do it in a terminal."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.errors import LabError
from lab.exercises import feedback
from lab.exercises.desk import Desk, find_desk, find_exercise
from lab.exercises.exercise import Exercise

_PATIENCE = 120  # seconds; a run takes about one


@dataclass(frozen=True, slots=True)
class Opened:
    """An exercise on a student's desk.

    Attributes:
        desk: the student's folder.
        exercise: the exercise.
    """

    desk: Desk
    exercise: Exercise[Any]

    @property
    def values(self) -> Mapping[str, str]:
        """What differs in the task's text, by name."""
        return self.exercise.values(self.desk.draw(self.exercise))

    def run(self, *, again: bool = False) -> None:
        """Make the live run of this exercise, once: answers in the cells below speak of it; `again` makes another.

        Raises:
            LabError: it could not be made; the text says why.
        """
        if not again and self.desk.has_run(self.exercise):
            sys.stdout.write("The run that is there is kept: exercise.run(again=True) makes another.\n")
            return
        # a process of its own: a kernel has an event loop already, and a private loopback is a new process
        command = [sys.executable, "-m", "lab", "exercise", str(self.exercise.number), "--again"]
        try:
            done = subprocess.run(
                command, cwd=self.desk.path, capture_output=True, text=True, check=False, timeout=_PATIENCE
            )
        except subprocess.TimeoutExpired as error:
            msg = f"The run did not end within {_PATIENCE} seconds: run it again when the machine has less to do."
            raise LabError(msg) from error
        if done.returncode:
            raise LabError(done.stderr.strip() or "The run did not end well.")
        sys.stdout.write(done.stdout)

    def answer(self, **answers: str | int) -> None:
        """Write answers.toml.

        Raises:
            LabError: an answer is given that nobody asks for, or the file cannot be written.
        """
        self.desk.answer(self.exercise, answers)

    def check(self) -> None:
        """Print how your work came out."""
        feedback.show(Console(highlight=False), self.desk, self.exercise, self.desk.check(self.exercise))


def open_exercise(number: int) -> Opened:
    """Return an exercise of the student in whose folder this notebook is.

    Raises:
        LabError: there is no such exercise, or the notebook is in no student's folder.
    """
    return Opened(find_desk(Path.cwd()), find_exercise(number))
