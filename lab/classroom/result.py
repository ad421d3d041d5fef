"""What came out of one hand-in: the value that travels from the workers to the gradebook, and into a file between."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from lab.exercises.catalogue import EXERCISES
from lab.exercises.exercise import Exercise, Outcome
from lab.problems import Problem


@dataclass(frozen=True, slots=True)
class Graded:
    """One exercise of a hand-in.

    Attributes:
        name: `Exercise.name`.
        points: what it earned.
        outcomes: of its steps.
        problem: why nothing could be judged, for the teacher; "" where it could.
        notes: what else a teacher should know of it, a sentence each; never shown to the student.
        digest: SHA-256 of the capture, or of the first file that is asked for, in hex; "" without one.
    """

    name: str
    points: int
    outcomes: tuple[Outcome, ...]
    problem: str = ""
    notes: tuple[str, ...] = ()
    digest: str = ""

    @property
    def exercise(self) -> Exercise[Any]:
        """Which exercise it is."""
        return next(exercise for exercise in EXERCISES if exercise.name == self.name)


@dataclass(frozen=True, slots=True)
class Result:
    """One hand-in.

    Attributes:
        student: the id.
        exercises: all of them, or those that a teacher has set; in order.
        problems: what of the hand-in could not be taken: the student reads them, too.
    """

    student: str
    exercises: tuple[Graded, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def points(self) -> int:
        """What all of it earned."""
        return sum(graded.points for graded in self.exercises)

    @property
    def most(self) -> int:
        """What all of it could earn."""
        return sum(graded.exercise.points for graded in self.exercises)

    def only(self, exercises: Sequence[Exercise[Any]]) -> "Result":
        """Return what came out of these exercises."""
        return replace(self, exercises=tuple(graded for graded in self.exercises if graded.exercise in exercises))


def to_json(result: Result) -> dict[str, Any]:
    """Return a result as JSON has it."""
    return asdict(result)


def from_json(told: Mapping[str, Any]) -> Result:
    """Return a result from what `to_json` made.

    Raises:
        KeyError, TypeError, ValueError: it made something else.
    """
    exercises = tuple(
        Graded(
            **{
                **graded,
                "outcomes": tuple(Outcome(**outcome) for outcome in graded["outcomes"]),
                "notes": tuple(graded["notes"]),
            }
        )
        for graded in told["exercises"]
    )
    return Result(told["student"], exercises, tuple(Problem(**problem) for problem in told["problems"]))
