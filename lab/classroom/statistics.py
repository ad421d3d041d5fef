"""What a class did: which step failed how often, and with which mistake. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.classroom.handins import HandIn
from lab.classroom.result import Result
from lab.exercises.catalogue import EXERCISES
from lab.exercises.exercise import Exercise


@dataclass(frozen=True, slots=True)
class StepCount:
    """One step of an exercise.

    Attributes:
        step: its name.
        right: how many have it right.
        mistakes: how many made which mistake, the most frequent first.
    """

    step: str
    right: int
    mistakes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ExerciseCount:
    """One exercise.

    Attributes:
        exercise: which.
        mean: what it earned on average.
        solved: how many have all its points.
        steps: in order.
    """

    exercise: Exercise[Any]
    mean: float
    solved: int
    steps: tuple[StepCount, ...]


def count(results: Sequence[Result]) -> tuple[ExerciseCount, ...]:
    """Return the counts of each exercise; those who handed nothing in count as having made that mistake."""
    return tuple(_exercise(place, exercise, results) for place, exercise in enumerate(EXERCISES))


def _exercise(place: int, exercise: Exercise[Any], results: Sequence[Result]) -> ExerciseCount:
    graded = [result.exercises[place] for result in results]
    steps = []
    for number, step in enumerate(exercise.steps):
        made = Counter(one.outcomes[number].mistake for one in graded)
        right = made.pop("", 0)
        steps.append(StepCount(step.name, right, tuple(sorted(made.items(), key=lambda pair: (-pair[1], pair[0])))))
    return ExerciseCount(
        exercise,
        sum(one.points for one in graded) / max(1, len(graded)),
        sum(one.points == exercise.points for one in graded),
        tuple(steps),
    )


def to_look_at(hand_ins: Sequence[HandIn], strays: Sequence[str], results: Mapping[str, Result]) -> tuple[str, ...]:
    """Return what a teacher should look at by hand, a sentence each: it names students, and is for no student."""
    said = [f"{name} is nobody's hand-in: its name has no id of the roster." for name in strays]
    alike: dict[tuple[str, str], list[str]] = {}
    for hand_in in hand_ins:
        result = results[hand_in.student.id]
        said += [f"{result.student}: {note}" for note in (*hand_in.notes, *result.problems)]
        for exercise, graded in zip(EXERCISES, result.exercises, strict=True):
            said += [f"{result.student}, exercise {exercise.number}: {note}" for note in graded.notes]
            if graded.digest:
                alike.setdefault((exercise.folder, graded.digest), []).append(result.student)
    said += [
        f"{' and '.join(students)} have handed in the same file in {folder}."
        for (folder, _), students in alike.items()
        if len(students) > 1
    ]
    return tuple(said)
