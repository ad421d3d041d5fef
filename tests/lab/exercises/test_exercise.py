"""What is true of every exercise: places, points, steps."""

import re

import pytest

from lab.exercises.catalogue import EXERCISES
from lab.exercises.exercise import Exercise, Kind
from lab.exercises.work import ANSWERS
from tests.lab.exercises.conftest import draw_of


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_each_has_what_an_exercise_needs(exercise: Exercise[object]) -> None:
    assert re.fullmatch(rf"{exercise.number:02}-[a-z-]+", exercise.folder)
    assert len({step.name for step in exercise.steps}) == len(exercise.steps) >= 3
    assert all(step.points > 0 for step in exercise.steps)
    assert exercise.points == sum(step.points for step in exercise.steps) >= 5
    assert set(exercise.evidence) <= set(exercise.files)
    assert ANSWERS not in exercise.files
    assert all(re.fullmatch(r"[a-z_0-9]+", step.name) for step in exercise.steps)
    assert any(step.kind is not Kind.WORK for step in exercise.steps) or exercise.files


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_what_differs_differs_and_is_the_same_again(exercise: Exercise[object]) -> None:
    ana, bob = draw_of(exercise, "ana"), draw_of(exercise, "bob")
    assert exercise.values(ana) == exercise.values(draw_of(exercise, "ana"))
    assert exercise.marks(ana) == exercise.marks(draw_of(exercise, "ana"))
    if exercise.evidence:
        assert exercise.marks(ana)
        assert not set(exercise.marks(ana)) & set(exercise.marks(bob))
