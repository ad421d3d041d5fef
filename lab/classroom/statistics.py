"""What a class did: which step was not made, or failed, how often, and with which mistake. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.classroom.handins import HandIn
from lab.classroom.result import Graded, Result
from lab.exercises.exercise import Exercise
from lab.problems import sentence

_NOT_MADE = {"no_handin", "no_run", "unanswered"}  # what is no mistake that somebody has made


@dataclass(frozen=True, slots=True)
class StepCount:
    """One step of an exercise.

    Attributes:
        step: its name.
        right: how many have it right.
        not_made: how many have not tried.
        mistakes: how many made which mistake, the most frequent first.
    """

    step: str
    right: int
    not_made: int
    mistakes: tuple[tuple[str, int], ...]

    @property
    def failed(self) -> int:
        """How many made a mistake."""
        return sum(times for _, times in self.mistakes)


@dataclass(frozen=True, slots=True)
class ExerciseCount:
    """One exercise.

    Attributes:
        exercise: which.
        mean: what it earned on average.
        solved: how many have all its points.
        not_made: how many have not tried any step.
        steps: in order.
    """

    exercise: Exercise[Any]
    mean: float
    solved: int
    not_made: int
    steps: tuple[StepCount, ...]


def count(results: Sequence[Result]) -> tuple[ExerciseCount, ...]:
    """Return the counts of each exercise that was graded, the same ones in every result."""
    return tuple(_exercise(graded) for graded in zip(*(result.exercises for result in results), strict=True))


def _exercise(graded: Sequence[Graded]) -> ExerciseCount:
    exercise = graded[0].exercise
    steps = []
    for number, step in enumerate(exercise.steps):
        made = Counter(one.outcomes[number].mistake for one in graded)
        right = made.pop("", 0)
        not_made = sum(made.pop(code, 0) for code in _NOT_MADE)
        mistakes = tuple(sorted(made.items(), key=lambda pair: (-pair[1], pair[0])))
        steps.append(StepCount(step.name, right, not_made, mistakes))
    return ExerciseCount(
        exercise,
        sum(one.points for one in graded) / len(graded),
        sum(one.points == exercise.points for one in graded),
        sum(all(outcome.mistake in _NOT_MADE for outcome in one.outcomes) for one in graded),
        tuple(steps),
    )


def to_look_at(hand_ins: Sequence[HandIn], strays: Sequence[str], results: Mapping[str, Result]) -> tuple[str, ...]:
    """Return what a teacher should look at by hand, a sentence each: it names students, and is for no student."""
    said = [f"{name} is nobody's hand-in: its name has no id of the roster." for name in strays]
    alike: dict[tuple[str, str], list[str]] = {}
    for hand_in in hand_ins:
        result = results[hand_in.student.id]
        said += [
            f"{result.student}: {note}"
            for note in (*hand_in.notes, *(sentence(problem, "en") for problem in result.problems))
        ]
        for graded in result.exercises:
            exercise = graded.exercise
            said += [f"{result.student}, exercise {exercise.number}: {note}" for note in graded.notes]
            if graded.digest:
                alike.setdefault((exercise.folder, graded.digest), []).append(result.student)
    said += [
        f"{' and '.join(students)} have handed in the same file in {folder}."
        for (folder, _), students in alike.items()
        if len(students) > 1
    ]
    return tuple(said)
