"""A student's folder with the live run in it: made once for each file of tests, copied for each test."""

import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from capture.explanations import Language
from capture.rights import Choice, Way
from lab.exercises import draw, live, texts
from lab.exercises.draw import Draw
from lab.exercises.exercise import Exercise
from lab.exercises.judge import Judged, judge
from lab.exercises.work import Work
from tests.lab.exercises.solvers.tools import write

SECRET = b"the secret of a course in the tests"
Make = Callable[[Exercise[Any]], Path]
Solve = Callable[[Exercise[Any], Any], Path]  # with the module that solves it


def draw_of(exercise: Exercise[Any], student: str = "ana") -> Draw:
    """What the student `ana` of the tests draws."""
    return draw.draw_of(SECRET, student, exercise.name)


def judged(exercise: Exercise[Any], folder: Path, student: str = "ana") -> Judged:
    """Judge a folder as that student's."""
    return judge(exercise, Work(folder, draw_of(exercise, student)))


def mistakes(exercise: Exercise[Any], folder: Path) -> dict[str, str]:
    """What came out, by step; "" where it is right."""
    return {outcome.step: outcome.mistake for outcome in judged(exercise, folder).outcomes}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Make the live run of an exercise by the tap, which needs no rights; the same folder each time it is asked for."""
    made: dict[int, Path] = {}

    def make(exercise: Exercise[Any]) -> Path:
        if exercise.number not in made:
            folder = tmp_path_factory.mktemp(exercise.folder)
            draw = draw_of(exercise)
            (folder / "task.md").write_text(texts.task(exercise.name, "en", exercise.values(draw)), "utf-8")
            if exercise.run is not None:
                live.make(exercise.run, draw, folder, Choice(Way.TAP, ""))
            made[exercise.number] = folder
        return made[exercise.number]

    return make


@pytest.fixture(scope="module")
def solved_once(ran: Make, tmp_path_factory: pytest.TempPathFactory) -> Solve:
    """Solve that folder; the same each time it is asked for."""
    done: dict[int, Path] = {}

    def solve(exercise: Exercise[Any], solver: Any) -> Path:
        if exercise.number not in done:
            folder = tmp_path_factory.mktemp("solved") / exercise.folder
            shutil.copytree(ran(exercise), folder)
            solver.solve(folder)
            done[exercise.number] = folder
        return done[exercise.number]

    return solve


@pytest.fixture
def work(ran: Make, tmp_path: Path) -> Make:
    """A copy of the folder as the run has left it."""

    def copy(exercise: Exercise[Any]) -> Path:
        return shutil.copytree(ran(exercise), tmp_path / exercise.folder)

    return copy


@pytest.fixture
def solved(solved_once: Solve, tmp_path: Path) -> Solve:
    """A copy of the solved folder, to break."""

    def copy(exercise: Exercise[Any], solver: Any) -> Path:
        return shutil.copytree(solved_once(exercise, solver), tmp_path / exercise.folder)

    return copy


def make_mistake(folder: Path, solver: Any, name: str) -> None:
    """Make one of the solver's mistakes, "step.mistake", in a solved folder."""
    answers = folder / "answers.toml"
    right = tomllib.loads(answers.read_text("utf-8")) if answers.exists() else {}
    instead = solver.MISTAKES[name](folder, right)
    if instead is not None:
        write(folder, **{**right, name.split(".", maxsplit=1)[0]: instead})


def known_mistakes(exercise: Exercise[Any], language: Language) -> set[str]:
    """Every mistake that there is a hint for, as "step.mistake"; those that all exercises share are not among them."""
    return {f"{step}.{mistake}" for step, table in texts.hints(exercise.name, language).items() for mistake in table}


def check_another_student(exercise: Exercise[Any], solver: Any, folder: Path) -> None:
    """Another student solves it, the task in Spanish, and what comes of it is worth nothing to anybody else."""
    draw = draw_of(exercise, "bea")
    (folder / "task.md").write_text(texts.task(exercise.name, "es", exercise.values(draw)), "utf-8")
    assert exercise.run is not None
    exercise.run(draw, folder, Choice(Way.TAP, ""))
    solver.solve(folder)
    assert judged(exercise, folder, "bea").points == exercise.points
    assert set(mistakes(exercise, folder).values()) == {"not_yours"}


def check_second_run(exercise: Exercise[Any], folder: Path, replaced: set[str]) -> None:
    """A second run replaces these files of the first, and leaves the others."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert exercise.run is not None
    exercise.run(draw_of(exercise), folder, Choice(Way.TAP, ""))
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == replaced


def check_mistake(exercise: Exercise[Any], solver: Any, folder: Path, name: str) -> None:
    """A mistake of the solver's, "step.mistake", is recognised in a solved folder, and touches no other step."""
    make_mistake(folder, solver, name)
    found = mistakes(exercise, folder)
    step, mistake = name.split(".")
    assert found.pop(step) == mistake
    assert set(found.values()) == {""}
