"""Exports the exercises as a course of nbgrader: a folder with its settings and a source notebook for each exercise.

Every student gets the same notebook, which shows the task in their language and with their values; both come from the
student.toml of their bundle, so the notebook is put into the bundle's folder of that exercise, and the whole folder is
handed in: notebook, answers, capture, files. Its name is the assignment's, so `submitted/<student>/<assignment>/` of
nbgrader is that folder. A cell for each step tests what was handed in; the test itself is hidden, and neither the
course's secret nor where it is stands in what students get.

nbgrader by itself runs every cell of every student's notebook in a kernel of the teacher's, with all that the teacher
may do. With the settings made here it runs the test cells only (`lab.classroom.nbgrader_execute`): no cell of a
student's is run, so no live run is repeated either, and what was handed in stays. Whoever grades without these settings
trusts their students.

Knows nbgrader's formats: the metadata of cells (nbgrader, "Metadata", schema version 3) and the marks around what
students do not get ("Creating and grading assignments"). Imports nothing of nbgrader, so it can be made anywhere.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from capture.explanations import LANGUAGES, Language
from lab.classroom.bundle import starter
from lab.classroom.roster import Student
from lab.errors import LabError
from lab.exercises.catalogue import EXERCISES
from lab.exercises.exercise import Exercise

_INTRO = {
    "en": (
        "Put this notebook in the folder `{folder}` of your bundle, the zip that your teacher has given you, and open "
        "it there. Hand in that folder, all of it."
    ),
    "es": (
        "Pon este cuaderno en la carpeta `{folder}` de tu paquete, el zip que te dio tu profesor o profesora, y ábrelo "
        "allí. Entrega esa carpeta entera."
    ),
}
_TASK = """\
from IPython.display import Markdown
from lab.exercises import texts
from lab.exercises.notebook import open_exercise

exercise = open_exercise({number})
Markdown(texts.task(exercise.exercise.name, exercise.desk.language, exercise.values))"""
_TEST = """\
# {step}
### BEGIN HIDDEN TESTS
from lab.classroom.nbgrader_tests import judge_step
judge_step({number}, "{step}")
### END HIDDEN TESTS"""
# nbgrader puts its stub between the two, and would put it in place of the whole cell without them
_ANSWER = "### BEGIN SOLUTION\n### END SOLUTION\n"
_SETTINGS = '''\
"""What nbgrader needs to know of this course. For the teacher only: it says where the course's secret is."""

import os

from lab.classroom import nbgrader_execute

# What is set already counts: the same course on another machine.
os.environ.setdefault("LAB_SECRET", {secret!r})
os.environ.setdefault("LAB_ROSTER", {roster!r})
os.environ.setdefault("LAB_LANGUAGE", {language!r})
nbgrader_execute.configure(get_config())
'''


def write_course(target: Path, students: Sequence[Student], secret: Path, roster: Path, language: Language) -> None:
    """Write the folder of a course.

    Args:
        target: a folder that is empty, or not there yet.
        students: of the roster: their languages are those of what all get.
        secret: the file of the course's secret; its place, not its content, goes into the settings.
        roster: the file of the roster, likewise.
        language: of those for whom the roster names none.

    Raises:
        LabError: something is there already, or it cannot be written.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        in_use = any(target.iterdir())
    except OSError as error:
        raise _unwritten(target, error) from error
    if in_use:
        msg = f"{target} has something in it already: give the course of nbgrader a new folder."
        raise LabError(msg)
    told = {"secret": str(secret.absolute()), "roster": str(roster.absolute()), "language": language}
    try:
        for exercise in EXERCISES:
            folder = target / "source" / exercise.folder
            folder.mkdir(parents=True)
            (folder / f"{exercise.folder}.ipynb").write_text(source(exercise, students), "utf-8")
        (target / "nbgrader_config.py").write_text(_SETTINGS.format(**told), "utf-8")
    except OSError as error:
        raise _unwritten(target, error) from error


def source(exercise: Exercise[Any], students: Sequence[Student]) -> str:
    """Return the source notebook of an exercise, from which nbgrader makes what students get."""
    spoken = [language for language in LANGUAGES if any(student.language == language for student in students)]
    intro = "\n\n".join([f"# {exercise.folder}", *(_INTRO[one].format(folder=exercise.folder) for one in spoken)])
    notebook = json.loads(starter(exercise, intro))
    first, *cells = notebook["cells"]
    notebook["cells"] = [
        _marked(first, "intro", locked=True),
        _marked(_code("cell-task", _TASK.format(number=exercise.number)), "task", locked=True),
        *map(_answers, cells),
        *_tests(exercise),
    ]
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _answers(cell: dict[str, Any]) -> dict[str, Any]:
    """Return a cell of the starter; the one that takes the answers is the student's solution."""
    text = "".join(cell["source"])
    if "exercise.answer(" not in text:
        return cell
    return _marked({**cell, "source": _ANSWER + text}, "answer", solution=True)


def _tests(exercise: Exercise[Any]) -> Iterator[dict[str, Any]]:
    for step in exercise.steps:
        cell = _code(f"cell-step-{step.name}", _TEST.format(number=exercise.number, step=step.name))
        yield _marked(cell, f"step-{step.name}", locked=True, points=step.points)


def _code(identity: str, text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": identity,
        "metadata": {},
        "outputs": [],
        "source": text,
    }


def _marked(
    cell: dict[str, Any], name: str, *, locked: bool = False, solution: bool = False, points: int | None = None
) -> dict[str, Any]:
    """Return a cell with what nbgrader has to know of it; one with points is a test."""
    told: dict[str, Any] = {
        "grade": points is not None,
        "grade_id": name,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points is not None:
        told["points"] = points
    return {**cell, "metadata": {**cell["metadata"], "nbgrader": told}}


def _unwritten(target: Path, error: OSError) -> LabError:
    return LabError(f"{target} cannot hold the course of nbgrader: {error.strerror}.")
