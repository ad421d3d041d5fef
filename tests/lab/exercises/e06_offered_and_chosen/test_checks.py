"""Exercise 6, solved with tshark, and each mistake that it knows."""

import pytest

from lab.exercises.e06_offered_and_chosen.checks import EXERCISE
from tests.lab.exercises.conftest import Make, Solve, check_mistake, judged, known_mistakes, mistakes
from tests.lab.exercises.hostile import refusals
from tests.lab.exercises.solvers import e06
from tests.lab.exercises.solvers.tools import write


def test_solved_by_tshark_alone(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e06)).points == EXERCISE.points


@pytest.mark.parametrize("name", e06.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    check_mistake(EXERCISE, e06, solved(EXERCISE, e06), name)


def test_every_hint_has_its_mistake() -> None:
    assert set(e06.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


def test_other_captures_are_refused_in_a_sentence(work: Make) -> None:
    assert "The capture has no handshake of TLS 1.3, or none of TLS 1.2." in refusals(EXERCISE, work(EXERCISE))


@pytest.mark.parametrize("version", ["0x0304", "03 04", "03:04", "TLS 1.3", "TLS 1.3 (0x0304)"])
def test_digits_count_in_every_dress(work: Make, version: str) -> None:
    folder = work(EXERCISE)
    write(folder, version=version)
    assert mistakes(EXERCISE, folder)["version"] == ""
