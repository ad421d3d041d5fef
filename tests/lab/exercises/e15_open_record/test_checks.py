"""Exercise 15, solved in ten lines, and each mistake that it knows."""

from pathlib import Path

import pytest

from lab.exercises.e15_open_record import truth
from lab.exercises.e15_open_record.checks import EXERCISE
from lab.exercises.judge import judge
from lab.exercises.work import Work
from lab.sandbox import Limits, isolation
from tests.lab.exercises.conftest import Make, Solve, draw_of, judged, known_mistakes, make_mistake, mistakes
from tests.lab.exercises.hostile import reach_outside
from tests.lab.exercises.solvers import e15


def test_solved_in_ten_lines(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e15)).points == EXERCISE.points


@pytest.mark.parametrize("isolated", [True, False])
def test_solved_apart_from_everything_whoever_asks(solved: Solve, tmp_path: Path, *, isolated: bool) -> None:
    if not isolation():
        pytest.skip("code cannot be run apart here")
    folder, outside = solved(EXERCISE, e15), tmp_path / "outside"
    reach_outside(folder / "solution.py", outside)
    assert judge(EXERCISE, Work(folder, draw_of(EXERCISE), isolated=isolated)).points == EXERCISE.points
    assert not outside.exists()


@pytest.mark.parametrize("name", e15.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(truth, "LIMITS", Limits(seconds=1.0 if name == "record.never_ends" else 10.0))
    folder = solved(EXERCISE, e15)
    make_mistake(folder, e15, name)
    step, mistake = name.split(".")
    assert mistakes(EXERCISE, folder)[step] == mistake


def test_every_hint_has_its_mistake() -> None:
    assert set(e15.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


def test_code_that_opens_nothing_earns_nothing(work: Make) -> None:
    assert judged(EXERCISE, work(EXERCISE)).points == 0


@pytest.mark.parametrize(
    ("name", "lost"),
    [("numbers.large_number", 2), ("padding.padding_left", 2), ("suites.one_suite", 1), ("changed.swallowed", 2)],
)
def test_one_mistake_costs_its_step_only(solved: Solve, name: str, lost: int) -> None:
    folder = solved(EXERCISE, e15)
    make_mistake(folder, e15, name)
    assert judged(EXERCISE, folder).points == EXERCISE.points - lost


@pytest.mark.parametrize(
    "said", ["", "[]", "{}", '{"problem": "", "printed": 0, "results": [1]}', "[" * 5000, '{"problem": []}']
)
def test_code_that_speaks_for_the_harness_earns_nothing(work: Make, said: str) -> None:
    folder: Path = work(EXERCISE)
    code = f"""import os
for end in range(1, 9):
    try:
        os.write(end, {said.encode()!r})
    except OSError:
        pass
os._exit(0)
"""
    (folder / "solution.py").write_text(code, "utf-8")
    assert mistakes(EXERCISE, folder)["record"] == "crashed"
