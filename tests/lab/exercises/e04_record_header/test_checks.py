"""Exercise 4, solved with tshark, and each mistake that it knows."""

from dataclasses import replace

import pytest

from lab.exercises.e04_record_header.checks import EXERCISE
from lab.exercises.work import Work
from tests.lab.exercises.conftest import Make, Solve, check_mistake, draw_of, judged, known_mistakes
from tests.lab.exercises.solvers import e04


def test_solved_by_tshark_alone(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e04)).points == EXERCISE.points


@pytest.mark.parametrize("name", e04.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    check_mistake(EXERCISE, e04, solved(EXERCISE, e04), name)


@pytest.mark.parametrize(
    ("length", "answer", "mistake"), [(0x41, 41, "hex_as_decimal"), (0x41, 65, ""), (0x3B, 3, "wrong")]
)
def test_hex_taken_for_decimal(work: Make, length: int, answer: int, mistake: str) -> None:
    """Made only where the length has no letter among its digits, and that of the student of the tests has one."""
    truth = EXERCISE.truth(Work(work(EXERCISE), draw_of(EXERCISE)))
    truth = replace(truth, record=replace(truth.record, fragment=bytes(length)))
    assert next(step for step in EXERCISE.steps if step.name == "length").mistake(truth, answer) == mistake


def test_every_hint_has_its_mistake() -> None:
    made = {*e04.MISTAKES, "length.hex_as_decimal"}
    assert made == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")
