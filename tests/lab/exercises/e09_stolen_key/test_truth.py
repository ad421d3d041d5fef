"""What is found in captures of exercise 9 that are not as the run leaves them."""

from lab.exercises.e09_stolen_key.checks import EXERCISE
from tests.lab.exercises.conftest import Make
from tests.lab.exercises.hostile import refusals


def test_another_capture_is_refused_in_a_sentence_or_read(work: Make) -> None:
    said = refusals(EXERCISE, work(EXERCISE))
    assert len(said) >= 20
    assert all(said)
