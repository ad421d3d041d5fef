"""Exercise 7, solved with tshark and openssl, and each mistake that it knows."""

import pytest

from lab.exercises.e07_certificate.checks import EXERCISE
from tests.lab.exercises.conftest import Solve, check_mistake, judged, known_mistakes
from tests.lab.exercises.solvers import e07


def test_solved_by_tshark_and_openssl(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e07)).points == EXERCISE.points


@pytest.mark.parametrize("name", e07.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    check_mistake(EXERCISE, e07, solved(EXERCISE, e07), name)


def test_every_hint_has_its_mistake() -> None:
    assert set(e07.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")
