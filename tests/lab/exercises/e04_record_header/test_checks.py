"""Exercise 4, solved with tshark, and each mistake that it knows."""

import pytest

from lab.exercises.e04_record_header.checks import EXERCISE
from tests.lab.exercises.conftest import Solve, check_mistake, judged, known_mistakes
from tests.lab.exercises.solvers import e04


def test_solved_by_tshark_alone(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e04)).points == EXERCISE.points


@pytest.mark.parametrize("name", e04.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    check_mistake(EXERCISE, e04, solved(EXERCISE, e04), name)


def test_every_hint_has_its_mistake() -> None:
    assert set(e04.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")
