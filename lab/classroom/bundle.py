"""What a student gets: a zip with a folder for each exercise. The same secret makes the same bytes again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.classroom.roster import Student
from lab.classroom.zips import zipped
from lab.errors import LabError
from lab.exercises import texts
from lab.exercises.answers import blank, dumps
from lab.exercises.catalogue import EXERCISES
from lab.exercises.desk import STUDENT
from lab.exercises.draw import draw_of
from lab.exercises.exercise import Exercise, Kind
from lab.exercises.work import ANSWERS

try:
    import jupytext
    import nbformat
except ModuleNotFoundError as error:
    msg = "The notebooks of the bundles need jupytext: `make classroom` installs it."
    raise LabError(msg) from error

_HERE = Path(__file__).parent


def bundle(secret: bytes, student: Student) -> bytes:
    """Return the zip of one student's bundle."""
    return zipped((f"{student.id}/{name}", data, mode) for name, data, mode in _files(secret, student))


def _files(secret: bytes, student: Student) -> Iterator[tuple[str, bytes, int]]:
    """Yield name, content and mode of every file."""
    text = (_HERE / f"start.{student.language}.md").read_text("utf-8")
    yield "README.md", text.replace("{name}", student.name).encode(), 0o644
    draws = {exercise.name: draw_of(secret, student.id, exercise.name) for exercise in EXERCISES}
    told = {"id": student.id, "name": student.name, "language": student.language}
    seeds = {name: draw.seed.hex() for name, draw in draws.items()}
    yield STUDENT, f"{dumps(told)}\n[seeds]\n{dumps(seeds)}".encode(), 0o600
    for exercise in EXERCISES:
        task = texts.task(exercise.name, student.language, exercise.values(draws[exercise.name]))
        yield f"{exercise.folder}/task.md", task.encode(), 0o644
        yield f"{exercise.folder}/starter.ipynb", starter(exercise, task).encode(), 0o644
        if any(step.kind is not Kind.WORK for step in exercise.steps):
            yield f"{exercise.folder}/{ANSWERS}", dumps(blank(exercise)).encode(), 0o644
        for name, data in texts.given(exercise.name):
            yield f"{exercise.folder}/{name}", data, 0o644


def starter(exercise: Exercise[Any], task: str) -> str:
    """Return the notebook that an exercise begins with: its task, then the cells of its starter."""
    notebook = jupytext.reads(texts.starter(exercise.name), fmt="py:percent")
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell(task))  # type: ignore[no-untyped-call]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # nbformat draws a random one
    notebook["metadata"] = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
