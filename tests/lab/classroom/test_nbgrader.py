"""The source notebooks that nbgrader gets: what it must know of each cell, and what must not be in them."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lab.classroom.nbgrader import source, write_course
from lab.errors import LabError
from lab.exercises.catalogue import EXERCISES
from lab.exercises.exercise import Exercise, Kind
from tests.lab.classroom.conftest import SECRET, STUDENTS


def cells(exercise: Exercise[Any]) -> list[dict[str, Any]]:
    notebook = nbformat.reads(source(exercise, STUDENTS), 4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    found: list[dict[str, Any]] = notebook.cells
    return found


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_every_step_is_tested_for_its_points(exercise: Exercise[Any]) -> None:
    marked = {
        cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in cells(exercise) if "nbgrader" in cell["metadata"]
    }
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", name) for name in marked)  # nbgrader's own rule for them
    assert all(cell["metadata"]["nbgrader"]["schema_version"] == 3 for cell in marked.values())
    tests = {name: cell for name, cell in marked.items() if cell["metadata"]["nbgrader"]["grade"]}
    assert {name: cell["metadata"]["nbgrader"]["points"] for name, cell in tests.items()} == {
        f"step-{step.name}": step.points for step in exercise.steps
    }
    assert all(cell["metadata"]["nbgrader"]["locked"] for cell in tests.values())
    solutions = [name for name, cell in marked.items() if cell["metadata"]["nbgrader"]["solution"]]
    assert solutions == ["answer"] * any(step.kind is not Kind.WORK for step in exercise.steps)
    assert len({cell["id"] for cell in cells(exercise)}) == len(cells(exercise))


def test_a_course(tmp_path: Path) -> None:
    secret, roster = tmp_path / "course.secret", tmp_path / "roster.csv"
    secret.write_text(SECRET.hex())
    for name in ("first", "second"):
        write_course(tmp_path / name, STUDENTS, secret, roster, "es")
    made = {path.relative_to(tmp_path / "first"): path.read_text("utf-8") for path in (tmp_path / "first").rglob("*.*")}
    assert {path: (tmp_path / "second" / path).read_text("utf-8") for path in made} == made
    notebooks = {path: text for path, text in made.items() if path.suffix == ".ipynb"}
    assert sorted(notebooks) == [Path("source", exercise.folder, f"{exercise.folder}.ipynb") for exercise in EXERCISES]
    for text in notebooks.values():
        assert SECRET.hex() not in text
        assert str(tmp_path) not in text
        assert not any(student.name in text for student in STUDENTS)
        assert "Entrega esa carpeta" in text
        assert "Hand in that folder" in text
    assert repr(str(secret)) in made[Path("nbgrader_config.py")]


def test_in_the_language_that_is_spoken() -> None:
    text = source(EXERCISES[0], STUDENTS[:1])
    assert "Entrega esa carpeta" in text
    assert "Hand in" not in text
    assert "".join(json.loads(text)["cells"][0]["source"]).startswith("# 01-")


@pytest.mark.parametrize("kind", ["full", "file"])
def test_where_something_is_already(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "course"
    if kind == "file":
        target.touch()
    else:
        target.mkdir()
        (target / "nbgrader_config.py").touch()
    with pytest.raises(LabError, match="new folder" if kind == "full" else "cannot hold"):
        write_course(target, STUDENTS, tmp_path / "secret", tmp_path / "roster.csv", "en")
    assert not list(tmp_path.rglob("source"))
