"""What all exercises have in common: steps that are asked for, what is right, which mistakes are known. Knows none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Generic, TypeVar

from capture.rights import Choice
from lab.exercises.draw import Draw
from lab.exercises.work import CAPTURE, Work

T = TypeVar("T")


class Kind(Enum):
    """What the answer of a step is, and what stands in answers.toml while there is none."""

    TEXT = ""
    NUMBER = 0
    WORK = None  # no answer: what is judged is a file that is handed in


@dataclass(frozen=True, slots=True)
class Step(Generic[T]):
    """One thing that is asked for. `T` is what `Exercise.truth` returns.

    Attributes:
        name: its key in answers.toml, and the table of its hints.
        points: what it is worth.
        kind: what the answer is.
        mistake: takes the truth and the answer (str, int, or None for WORK); returns "" where it is right, else which
            mistake it is: a key in the step's hints, "wrong" for one that nobody knows. Pure.
        right: returns the right answer and where it stands ("frame 14, bytes 66-81"), in English: for the teacher only.
    """

    name: str
    points: int
    kind: Kind
    mistake: Callable[[T, Any], str]
    right: Callable[[T], str]


@dataclass(frozen=True, slots=True)
class Exercise(Generic[T]):
    """One exercise.

    Attributes:
        number: as in `lab check 4`.
        name: of its folder here, and what its seed is drawn from: once a course has begun it must not change.
        steps: in the order in which they are solved.
        values: what differs in the task's text, by the name that stands in braces there.
        run: the live run: leaves what the student gets in the folder. Raises LabError, CaptureError, CertsError,
            ChatError. None: there is none.
        marks: bytes that stand in this student's hand-in and in nobody else's, each of them in one of `evidence`.
        truth: derives what is right from what was handed in. Raises CaptureError or LabError where that cannot be
            read; a mistake of the student's is no error but is kept in what it returns.
        evidence: the files in which the marks stand, as a rule the capture.
        files: what may be handed in beside answers.toml and the notebook.
    """

    number: int
    name: str
    steps: tuple[Step[T], ...]
    values: Callable[[Draw], Mapping[str, str]]
    run: Callable[[Draw, Path, Choice], None] | None
    marks: Callable[[Draw], tuple[bytes, ...]]
    truth: Callable[[Work], T]
    evidence: tuple[str, ...] = (CAPTURE,)
    files: tuple[str, ...] = (CAPTURE,)

    @property
    def points(self) -> int:
        """What the whole exercise is worth."""
        return sum(step.points for step in self.steps)

    @property
    def folder(self) -> str:
        """Its folder in a student's: "04-record-header"."""
        return f"{self.number:02}-{self.name.removeprefix(f'e{self.number:02}_').replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step came out.

    Attributes:
        step: its name.
        points: what it earned.
        mistake: "" where it is right; else a key of the step's hints, or one of those that all exercises have.
        right: the right answer, for the teacher only; "" where it is not known.
    """

    step: str
    points: int
    mistake: str
    right: str
