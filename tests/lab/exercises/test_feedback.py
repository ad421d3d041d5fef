"""What a student is told: each step, hints in their language, never the answer."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from capture.explanations import Language
from lab.exercises import feedback
from lab.exercises.desk import Desk
from lab.exercises.e01_plaintext_message.checks import EXERCISE as MESSAGE
from lab.exercises.e04_record_header.checks import EXERCISE
from lab.exercises.exercise import Exercise
from lab.exercises.judge import Judged, nothing
from tests.lab.exercises.conftest import Solve, judged, make_mistake
from tests.lab.exercises.solvers import e04


def told(judgement: Judged, language: Language = "en", exercise: Exercise[Any] = EXERCISE) -> str:
    out = io.StringIO()
    feedback.show(Console(file=out, width=200), Desk(Path(), "ana", "Ana", language, {}), exercise, judgement)
    return out.getvalue()


def test_all_right(solved: Solve) -> None:
    said = told(judged(EXERCISE, solved(EXERCISE, e04)))
    assert said.count("right") == 4
    assert said.endswith("5 of 5 points\nExercise 4 is solved.\n")


@pytest.mark.parametrize(
    ("language", "hint"), [("en", "You have counted the header, too"), ("es", "Has contado también")]
)
def test_a_hint_that_fits_and_no_answer(solved: Solve, language: Language, hint: str) -> None:
    folder = solved(EXERCISE, e04)
    make_mistake(folder, e04, "length.header_counted")
    judgement = judged(EXERCISE, folder)
    said = told(judgement, language)
    assert hint in said
    answer = next(outcome.right for outcome in judgement.outcomes if outcome.step == "length").split()[0]
    assert answer not in said.split()


def test_one_reason_for_all_is_said_once(solved: Solve) -> None:
    folder = solved(EXERCISE, e04)
    (folder / "capture.pcapng").unlink()
    assert (
        told(judged(EXERCISE, folder))
        == "There is nothing to judge yet: run the exercise first, as the task says.\n0 of 5 points\n"
    )


@pytest.mark.parametrize(("language", "line"), [("en", "Look at line 2.\n"), ("es", "Mira la línea 2.\n")])
def test_where_answers_are_broken_is_said(solved: Solve, language: Language, line: str) -> None:
    folder = solved(EXERCISE, e04)
    (folder / "answers.toml").write_text("frame = 14\nheader = 17 03\n")
    assert line in told(judged(EXERCISE, folder), language)


def test_one_mistake_in_all_steps_has_the_hint_of_each() -> None:
    said = told(nothing(MESSAGE, "other_person", ""), exercise=MESSAGE)
    assert [said.count(f"✗ {step.name}: ") for step in MESSAGE.steps] == [1, 1, 1, 1]
