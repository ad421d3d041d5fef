"""Judging: step by step, and nothing that is handed in stops it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.exercises.draw import Draw
from lab.exercises.e04_record_header.checks import EXERCISE
from lab.exercises.judge import is_of, judge, searched
from lab.exercises.work import Work
from tests.lab.exercises.conftest import Make, Solve, draw_of, judged, mistakes
from tests.lab.exercises.solvers import e04
from tests.lab.exercises.solvers.tools import write

STEPS = [step.name for step in EXERCISE.steps]


def test_points_are_those_of_the_steps_that_are_right(solved: Solve) -> None:
    folder = solved(EXERCISE, e04)
    assert judged(EXERCISE, folder).points == 5
    (folder / "answers.toml").write_text((folder / "answers.toml").read_text().replace("content_type", "# "))
    found = judged(EXERCISE, folder)
    assert [(o.points, o.mistake) for o in found.outcomes] == [(1, ""), (1, ""), (0, "unanswered"), (2, "")]
    assert found.points == 4


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        ('frame = "14"', "not_a_number"),
        ("frame = true", "not_a_number"),
        ("frame = 1.5", "not_a_number"),
        ("frame = 0", "unanswered"),
        ("header = 17", "not_a_text"),
        ('header = ""', "unanswered"),
        (f'header = "{"0" * 16_000}"', "wrong"),
        ("length = [1, 2]", "not_a_number"),
        ("frame = 99999999999999999999", "wrong"),
    ],
)
def test_answers_of_the_wrong_kind(work: Make, answer: str, mistake: str) -> None:
    folder = work(EXERCISE)
    (folder / "answers.toml").write_text(answer + "\n")
    assert mistakes(EXERCISE, folder)[answer.partition(" ")[0]] == mistake


def break_capture(folder: Path) -> None:
    capture = folder / "capture.pcapng"
    capture.write_bytes(capture.read_bytes()[:-7])


@pytest.mark.parametrize(
    ("harm", "mistake"),
    [
        (lambda folder: (folder / "answers.toml").unlink(), "no_answers"),
        (lambda folder: (folder / "answers.toml").write_text("frame ="), "no_answers"),
        (lambda folder: (folder / "capture.pcapng").unlink(), "no_run"),
        (break_capture, "torn"),
        (lambda folder: (folder / "capture.pcapng").write_bytes(b"not a capture"), "unreadable"),
    ],
)
def test_one_reason_for_all_steps(solved: Solve, harm: Callable[[Path], object], mistake: str) -> None:
    folder = solved(EXERCISE, e04)
    harm(folder)
    found = judged(EXERCISE, folder)
    assert mistakes(EXERCISE, folder) == dict.fromkeys(STEPS, mistake)
    assert found.points == 0
    assert found.problem


def test_the_files_of_somebody_else(solved: Solve) -> None:
    folder = solved(EXERCISE, e04)
    found = judged(EXERCISE, folder, "bob")
    assert {outcome.mistake for outcome in found.outcomes} == {"not_yours"}
    assert "ana" not in found.problem
    work = Work(folder, draw_of(EXERCISE, "bob"))
    files = searched(EXERCISE, work)
    assert is_of(EXERCISE, files, draw_of(EXERCISE, "ana"))
    assert not is_of(EXERCISE, files, draw_of(EXERCISE, "bob"))


def test_a_truth_that_cannot_be_derived(solved: Solve) -> None:
    folder = solved(EXERCISE, e04)

    def fails(_: Work) -> object:
        raise LabError("There is no such record.")

    found = judge(replace(EXERCISE, truth=fails), Work(folder, draw_of(EXERCISE)))  # type: ignore[arg-type]
    assert {outcome.mistake for outcome in found.outcomes} == {"unreadable"}
    assert found.problem == "There is no such record."


def test_the_right_answer_is_for_the_teacher_and_has_its_place(solved: Solve) -> None:
    folder = solved(EXERCISE, e04)
    write(folder, frame=1)
    outcome = judged(EXERCISE, folder).outcomes[0]
    assert outcome.mistake
    assert "frame " in outcome.right
    assert "bytes " in outcome.right


def test_an_empty_folder(tmp_path: Path) -> None:
    assert judge(EXERCISE, Work(tmp_path / "nowhere", Draw(bytes(32)))).points == 0
    shutil.copy(__file__, tmp_path / "answers.toml")
    assert judge(EXERCISE, Work(tmp_path, Draw(bytes(32)))).outcomes[0].mistake == "no_answers"
