"""Exercise 6, solved with tshark, and each mistake that it knows."""

import pytest

from lab.exercises.e06_offered_and_chosen.checks import EXERCISE
from tests.lab.exercises.conftest import Make, Solve, judged, known_mistakes, make_mistake, mistakes
from tests.lab.exercises.hostile import refusals
from tests.lab.exercises.solvers import e06


def test_solved_by_tshark_alone(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e06)).points == EXERCISE.points


@pytest.mark.parametrize("name", e06.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    folder = solved(EXERCISE, e06)
    make_mistake(folder, e06, name)
    found = mistakes(EXERCISE, folder)
    step, mistake = name.split(".")
    assert found.pop(step) == mistake
    assert set(found.values()) == {""}


def test_every_hint_has_its_mistake() -> None:
    assert set(e06.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


def test_other_captures_are_refused_in_a_sentence(work: Make) -> None:
    assert "The capture has no handshake of TLS 1.3, or none of TLS 1.2." in refusals(EXERCISE, work(EXERCISE))
