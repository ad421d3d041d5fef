"""Exercise 4, solved with tshark, and each mistake that it knows."""

import pytest

from lab.exercises.e04_record_header.checks import EXERCISE
from tests.lab.exercises.conftest import Solve, judged, known_mistakes, make_mistake, mistakes
from tests.lab.exercises.solvers import e04


def test_solved_by_tshark_alone(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e04)).points == EXERCISE.points


@pytest.mark.parametrize("name", e04.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    folder = solved(EXERCISE, e04)
    make_mistake(folder, e04, name)
    found = mistakes(EXERCISE, folder)
    step, mistake = name.split(".")
    assert found.pop(step) == mistake
    assert set(found.values()) == {""}


def test_every_hint_has_its_mistake() -> None:
    assert set(e04.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")
