"""Exercise 13, solved with tshark and no key, and each mistake that it knows."""

from pathlib import Path

import pytest

from capture.rights import Choice, Way
from lab.exercises import cast, live
from lab.exercises.draw import Draw
from lab.exercises.e13_sizes_and_times import checks, run
from lab.exercises.e13_sizes_and_times.checks import EXERCISE
from lab.exercises.work import Work
from tests.lab.exercises.conftest import Solve, check_mistake, draw_of, judged, known_mistakes, mistakes
from tests.lab.exercises.solvers import e13
from tests.lab.exercises.solvers.tools import write


def test_solved_by_tshark_without_a_key(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e13)).points == EXERCISE.points


@pytest.mark.parametrize("name", e13.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    check_mistake(EXERCISE, e13, solved(EXERCISE, e13), name)


def test_every_hint_has_its_mistake() -> None:
    assert set(e13.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


@pytest.mark.parametrize("number", [-1, 10**400, -(10**400)])
def test_a_number_of_any_size_is_only_wrong(solved: Solve, number: int) -> None:
    folder = solved(EXERCISE, e13)
    write(folder, length=number, pause=number, speaker=number, sentence="f")
    found = mistakes(EXERCISE, folder)
    assert {step for step, mistake in found.items() if mistake} == {"length", "pause", "speaker", "sentence"}


def test_a_run_with_other_silences_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a busy computer does to the silences: here the first chat has none of its own."""
    real = run.record
    made: list[int] = []

    def record(draw: Draw, folder: Path, choice: Choice) -> None:
        if not made:
            live.record_over_tls(draw, folder, choice, cast.conversation(draw))
        else:
            real(draw, folder, choice)
        made.append(1)

    monkeypatch.setattr(checks, "record", record)
    draw = draw_of(EXERCISE)
    checks.run(draw, tmp_path, Choice(Way.TAP, ""))
    assert len(made) > 1
    assert EXERCISE.truth(Work(tmp_path, draw)).pause > 0
