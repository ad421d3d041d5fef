"""Exercise 2, solved with tshark, and each mistake that it knows."""

import pytest

from lab.exercises import texts
from lab.exercises.e02_what_tls_shows.checks import EXERCISE
from lab.exercises.work import Work
from tests.lab.exercises.conftest import Make, Solve, check_mistake, draw_of, judged, known_mistakes
from tests.lab.exercises.hostile import refusals
from tests.lab.exercises.solvers import e02


def test_solved_by_tshark_alone(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e02)).points == EXERCISE.points


@pytest.mark.parametrize("name", e02.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    check_mistake(EXERCISE, e02, solved(EXERCISE, e02), name)


def test_every_hint_has_its_mistake() -> None:
    assert set(e02.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


def test_solved_in_spanish(solved: Solve) -> None:
    folder = solved(EXERCISE, e02)
    (folder / "answers.toml").unlink()
    (folder / "task.md").write_text(texts.task(EXERCISE.name, "es", EXERCISE.values(draw_of(EXERCISE))), "utf-8")
    e02.solve(folder)
    assert judged(EXERCISE, folder).points == EXERCISE.points


def test_only_the_name_of_the_server_is_found(solved: Solve) -> None:
    truth = EXERCISE.truth(Work(solved(EXERCISE, e02), draw_of(EXERCISE)))
    assert truth.found == {truth.letters["host"]}


def test_other_captures_are_refused_in_a_sentence(work: Make) -> None:
    said = refusals(EXERCISE, work(EXERCISE))
    assert "The capture does not have the record with the message." in said
    assert all(sentence.endswith(".") for sentence in said)
