"""A student's folder: whose it is, in which language, with which seeds; and what is done in it."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capture.explanations import LANGUAGES, Language
from capture.rights import Choice
from chat.escape import visible
from lab.errors import LabError
from lab.exercises import live, texts
from lab.exercises.answers import blank, dumps
from lab.exercises.catalogue import EXERCISES
from lab.exercises.draw import SEED, Draw
from lab.exercises.exercise import Exercise
from lab.exercises.judge import Judged, judge
from lab.exercises.work import ANSWERS, Work

STUDENT = "student.toml"
_LARGEST = 1 << 16  # bytes


@dataclass(frozen=True, slots=True)
class Desk:
    """A student's folder.

    Attributes:
        path: the folder.
        student: the student's name in the roster's column `id`.
        name: the student's name as people say it.
        language: of tasks and hints.
        seeds: 32 bytes for each exercise, by `Exercise.name`.
    """

    path: Path
    student: str
    name: str
    language: Language
    seeds: Mapping[str, bytes]

    def place(self, exercise: Exercise[Any]) -> Path:
        """Return the folder of an exercise."""
        return self.path / exercise.folder

    def draw(self, exercise: Exercise[Any]) -> Draw:
        """Return the student's draws for an exercise.

        Raises:
            LabError: the folder was made before there was this exercise.
        """
        try:
            return Draw(self.seeds[exercise.name])
        except KeyError:
            msg = f"{STUDENT} has no seed for exercise {exercise.number}: ask your teacher for a new folder."
            raise LabError(msg) from None

    def has_run(self, exercise: Exercise[Any]) -> bool:
        """Return whether all is there that a live run of this exercise leaves."""
        return exercise.run is not None and all(map(self._work(exercise).has, exercise.evidence))

    def is_answered(self, exercise: Exercise[Any]) -> bool:
        """Return whether answers.toml has any answer; one that cannot be read has what somebody wrote."""
        work, empty = self._work(exercise), blank(exercise)
        try:
            return work.has(ANSWERS) and any(work.answers.get(name, empty[name]) != empty[name] for name in empty)
        except LabError:
            return True

    def run(self, exercise: Exercise[Any], choice: Choice, *, again: bool = False) -> None:
        """Make the live run of an exercise; `again`: even where there are answers already, which speak of the last one.

        Raises:
            LabError: there is none, there are answers, or it could not be made.
            CaptureError, CertsError, ChatError: as their texts say.
        """
        if exercise.run is None:
            msg = f"Exercise {exercise.number} has no live run: everything you need is in {self.place(exercise)}."
            raise LabError(msg)
        if not again and self.has_run(exercise) and self.is_answered(exercise):
            msg = (
                f"Your answers to exercise {exercise.number} speak of the run that is there, which is kept: "
                f"`lab exercise {exercise.number} --again` makes another, and your answers will not fit that."
            )
            raise LabError(msg)
        place = self.place(exercise)
        try:
            place.mkdir(exist_ok=True)
        except OSError as error:
            msg = f"{place} cannot be made: {error.strerror}."
            raise LabError(msg) from error
        live.make(exercise.run, self.draw(exercise), place, choice)

    def answer(self, exercise: Exercise[Any], answers: Mapping[str, str | int]) -> None:
        """Write answers.toml.

        Raises:
            LabError: an answer is given that nobody asks for, or the file cannot be written.
        """
        if unknown := [key for key in answers if key not in blank(exercise)]:
            msg = f"Exercise {exercise.number} asks for no {unknown[0]}, but for: {', '.join(blank(exercise))}."
            raise LabError(msg)
        path = self.place(exercise) / ANSWERS
        try:
            path.write_text(dumps({**blank(exercise), **answers}), "utf-8")
        except OSError as error:
            msg = f"{path} cannot be written: {error.strerror}."
            raise LabError(msg) from error

    def check(self, exercise: Exercise[Any]) -> Judged:
        """Return how the exercise came out.

        Raises:
            LabError: the folder was made before there was this exercise.
        """
        return judge(exercise, self._work(exercise))

    def hint(self, exercise: Exercise[Any], step: str, mistake: str) -> str:
        """Return the hint for a mistake in a step, in the student's language."""
        return texts.hint(exercise.name, step, mistake, self.language)

    def _work(self, exercise: Exercise[Any]) -> Work:
        return Work(self.place(exercise), self.draw(exercise))


def find_exercise(number: int) -> Exercise[Any]:
    """Return an exercise by its number.

    Raises:
        LabError: there is none.
    """
    for exercise in EXERCISES:
        if exercise.number == number:
            return exercise
    msg = f"There is no exercise {number}: they are numbered from 1 to {len(EXERCISES)}."
    raise LabError(msg)


def find_desk(start: Path) -> Desk:
    """Return the student's folder that `start` is, or is in.

    Raises:
        LabError: it is in none, or its student.toml cannot be used.
    """
    for path in (start.absolute(), *start.absolute().parents):
        if (path / STUDENT).is_file():
            return read_desk(path)
    msg = (
        f"{os.fspath(start)} is in no student's folder (there is no {STUDENT}): go to the folder your teacher gave you."
    )
    raise LabError(msg)


def read_desk(path: Path) -> Desk:
    """Return the student's folder at `path`; what it says of itself is data, and is not believed by a grader.

    Raises:
        LabError: its student.toml cannot be used.
    """
    try:
        with (path / STUDENT).open("rb") as file:
            told = tomllib.loads(file.read(_LARGEST).decode("utf-8-sig"))
        language, seeds = told["language"], {name: bytes.fromhex(seed) for name, seed in told["seeds"].items()}
        student, name = visible(told["id"]), visible(told["name"])
        if language not in LANGUAGES or any(len(seed) != SEED for seed in seeds.values()):
            raise ValueError
    # whatever stands in there: no TOML, no such key, another type, what was changed
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        msg = f"{path / STUDENT} cannot be used: ask your teacher for a new folder."
        raise LabError(msg) from error
    return Desk(path, student, name, language, seeds)
