"""Exercise 3, solved with tshark, and each mistake that it knows."""

import pytest

from lab.exercises.e03_two_handshakes.checks import EXERCISE
from tests.lab.exercises.conftest import Make, Solve, judged, known_mistakes, make_mistake, mistakes
from tests.lab.exercises.hostile import refusals
from tests.lab.exercises.solvers import e03


def test_solved_by_tshark_alone(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e03)).points == EXERCISE.points


@pytest.mark.parametrize("name", e03.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    folder = solved(EXERCISE, e03)
    make_mistake(folder, e03, name)
    found = mistakes(EXERCISE, folder)
    step, mistake = name.split(".")
    assert found.pop(step) == mistake
    assert set(found.values()) == {""}


def test_every_hint_has_its_mistake() -> None:
    assert set(e03.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


def test_other_captures_are_refused_in_a_sentence(work: Make) -> None:
    said = refusals(EXERCISE, work(EXERCISE))
    assert "The capture has 1 connections over TLS and 0 without, not 4 of each." in said
    assert all(sentence.endswith(".") for sentence in said)
