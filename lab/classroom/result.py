"""What came out of one hand-in: the value that travels from the workers to the gradebook, and into a file between."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lab.exercises.exercise import Outcome


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


@dataclass(frozen=True, slots=True)
class Result:
    """One hand-in.

    Attributes:
        student: the id.
        exercises: all of them, in order.
        problems: what of the hand-in could not be taken, a sentence each: the student reads them, too.
    """

    student: str
    exercises: tuple[Graded, ...]
    problems: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        """What all of it earned."""
        return sum(graded.points for graded in self.exercises)


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
    return Result(told["student"], exercises, tuple(told["problems"]))
