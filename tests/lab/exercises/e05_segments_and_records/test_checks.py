"""Exercise 5, solved with tshark, and each mistake that it knows."""

import pytest

from lab.exercises.e05_segments_and_records.checks import EXERCISE
from lab.exercises.work import Work
from tests.lab.exercises.conftest import Make, Solve, check_mistake, draw_of, judged, known_mistakes
from tests.lab.exercises.hostile import refusals
from tests.lab.exercises.solvers import e05


def test_solved_by_tshark_alone(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e05)).points == EXERCISE.points


@pytest.mark.parametrize("name", e05.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    check_mistake(EXERCISE, e05, solved(EXERCISE, e05), name)


def test_every_hint_has_its_mistake() -> None:
    assert set(e05.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


def test_one_record_spans_segments_and_one_segment_has_several_records(solved: Solve) -> None:
    truth = EXERCISE.truth(Work(solved(EXERCISE, e05), draw_of(EXERCISE)))
    assert len(truth.spans) >= 3
    assert truth.begin >= 2


def test_other_captures_are_refused_in_a_sentence(work: Make) -> None:
    said = refusals(EXERCISE, work(EXERCISE))
    assert "The capture has fewer records than the run has made." in said
    assert all(sentence.endswith(".") for sentence in said)
