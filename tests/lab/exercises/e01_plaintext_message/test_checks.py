"""Exercise 1, solved with tshark, and each mistake that it knows."""

import pytest

from lab.exercises.e01_plaintext_message.checks import EXERCISE
from lab.exercises.work import Work
from tests.lab.exercises.conftest import Make, Solve, check_mistake, draw_of, judged, known_mistakes
from tests.lab.exercises.hostile import refusals
from tests.lab.exercises.solvers import e01


def test_solved_by_tshark_alone(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e01)).points == EXERCISE.points


@pytest.mark.parametrize("name", e01.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    check_mistake(EXERCISE, e01, solved(EXERCISE, e01), name)


def test_every_hint_has_its_mistake() -> None:
    assert set(e01.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


def test_what_is_asked_for_has_a_character_outside_ascii(solved: Solve) -> None:
    assert not EXERCISE.truth(Work(solved(EXERCISE, e01), draw_of(EXERCISE))).message.words.isascii()


def test_other_captures_are_refused_in_a_sentence(work: Make) -> None:
    said = refusals(EXERCISE, work(EXERCISE))
    assert "The capture is not that of a chat in plaintext." in said
    assert all(sentence.endswith(".") for sentence in said)
