"""Exercise 14, solved with tshark, and each mistake that it knows."""

import pytest

from lab.exercises.e14_flipped_bit.checks import EXERCISE
from tests.lab.exercises.conftest import Make, Solve, check_mistake, judged, known_mistakes
from tests.lab.exercises.hostile import refusals
from tests.lab.exercises.solvers import e14


def test_solved_by_tshark_alone(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e14)).points == EXERCISE.points


@pytest.mark.parametrize("name", e14.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    check_mistake(EXERCISE, e14, solved(EXERCISE, e14), name)


def test_every_hint_has_its_mistake() -> None:
    assert set(e14.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


def test_the_keys_are_the_students_alone(work: Make) -> None:
    folder = work(EXERCISE)
    assert (folder / "tls.keylog").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["capture.pcapng", "task.md", "tls.keylog"]


def test_another_students_capture_is_recognised(solved: Solve) -> None:
    found = judged(EXERCISE, solved(EXERCISE, e14), "ben")
    assert {outcome.mistake for outcome in found.outcomes} == {"not_yours"}


def test_other_captures_are_refused_in_a_sentence(work: Make) -> None:
    assert all(refusals(EXERCISE, work(EXERCISE)))
