"""Exercise 3, solved with tshark, and each mistake that it knows."""

import pytest

from lab.exercises.e03_two_handshakes.checks import EXERCISE
from tests.lab.exercises.conftest import Make, Solve, check_mistake, judged, known_mistakes
from tests.lab.exercises.hostile import refusals
from tests.lab.exercises.solvers import e03


def test_solved_by_tshark_alone(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e03)).points == EXERCISE.points


@pytest.mark.parametrize("name", e03.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    check_mistake(EXERCISE, e03, solved(EXERCISE, e03), name)


def test_every_hint_has_its_mistake() -> None:
    assert set(e03.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


def test_other_captures_are_refused_in_a_sentence(work: Make) -> None:
    said = refusals(EXERCISE, work(EXERCISE))
    assert "The capture has 1 connections over TLS and 0 without, not 4 of each." in said
    assert all(sentence.endswith(".") for sentence in said)
