"""The real nbgrader, in its own environment: notebooks generated, three hand-ins graded, the grades exported."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.classroom.examine import Task, examine
from lab.classroom.nbgrader import write_course
from lab.exercises.e04_record_header.checks import EXERCISE
from tests.lab.classroom.conftest import SECRET, STUDENTS, handed_in

NAME = EXERCISE.folder


@pytest.fixture
def nbgrader() -> Callable[..., str]:
    """Run nbgrader in a folder; it is beside this environment, made by `make test`."""
    programs = Path(f"{sys.prefix}-nbgrader", "bin")
    if not (programs / "nbgrader").exists():
        reason = f"there is no environment of nbgrader in {programs.parent}: run lab/bootstrap.py --dev"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "PYTHON", "JUPYTER"))},
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),  # it runs alembic
    }

    def run(folder: Path, *arguments: str) -> str:
        private = {
            "HOME": str(folder),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "IPYTHONDIR": str(folder / "ipy"),
        }
        done = subprocess.run(
            [str(programs / "nbgrader"), *arguments],
            cwd=folder,
            env={**environment, **private},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    return run


def notebook(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return read


def hand_in(course: Path, student: str, number: int) -> Path:
    """Hand in, as that student, what the student with this number has done; with the notebook that all have got."""
    target = course / "submitted" / student / NAME
    target.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(handed_in(number))) as archive:
        for name in archive.namelist():
            if Path(name).parent.name == NAME:
                (target / Path(name).name).write_bytes(archive.read(name))
    (target / f"{NAME}.ipynb").write_bytes((course / "release" / NAME / f"{NAME}.ipynb").read_bytes())
    return target


def make_hostile(folder: Path, written: Path) -> None:
    """Leave traps: a cell, a test that says it is right, a module that shadows one; each would write a file."""
    trap = f"open({str(written)!r}, 'w').close()\n"
    for module in ("json", "lab", "encodings", "runpy", "ipykernel_launcher"):
        (folder / f"{module}.py").write_text(trap)
    told = notebook(folder / f"{NAME}.ipynb")
    told["cells"].insert(0, {**told["cells"][2], "id": "trap", "source": trap})
    for cell in told["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            cell["source"] = trap
    (folder / f"{NAME}.ipynb").write_text(json.dumps(told))


def test_generate_autograde_export(tmp_path: Path, nbgrader: Callable[..., str], tool: Callable[[str], str]) -> None:
    tool("bwrap")
    secret, roster, course = tmp_path / "course.secret", tmp_path / "roster.csv", tmp_path / "course"
    secret.touch(0o600)
    secret.write_text(SECRET.hex())
    roster.write_text("id,language\nana,es\nbob,en\neve,en\n")
    write_course(course, STUDENTS, secret, roster, "en")

    nbgrader(course, "generate_assignment", NAME)
    released = (course / "release" / NAME / f"{NAME}.ipynb").read_text("utf-8")
    assert not any(hidden in released for hidden in ("judge_step", "HIDDEN", "SOLUTION", "raise", str(tmp_path)))
    assert "exercise.answer(" in released

    ana, bob, eve = (hand_in(course, name, number) for name, number in (("ana", 0), ("bob", 1), ("eve", 0)))
    lines = (bob / "answers.toml").read_text().splitlines()
    (bob / "answers.toml").write_text("\n".join("length = 7" if "length" in line else line for line in lines))
    make_hostile(bob, tmp_path / "written")
    captures = {path: (path / "capture.pcapng").read_bytes() for path in (ana, bob, eve)}

    nbgrader(course, "autograde", NAME)
    nbgrader(course, "export", "--to", "grades.csv")

    assert not (tmp_path / "written").exists(), "no code of a student was run"
    with (course / "grades.csv").open(newline="") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    names = [student.id for student in STUDENTS]
    results = {name: examine(Task(name, course / "submitted" / name, SECRET, names)) for name in names}
    assert scores == {name: result.points for name, result in results.items()} == {"ana": 5, "bob": 3, "eve": 0}
    for name, result in results.items():
        folder = course / "autograded" / name / NAME
        assert (folder / "capture.pcapng").read_bytes() == captures[course / "submitted" / name / NAME]
        (graded,) = (graded for graded in result.exercises if graded.name == EXERCISE.name)
        for outcome in graded.outcomes:
            (cell,) = (
                cell
                for cell in notebook(folder / f"{NAME}.ipynb")["cells"]
                if cell["metadata"].get("nbgrader", {}).get("grade_id") == f"step-{outcome.step}"
            )
            assert [output["ename"] for output in cell["outputs"]] == ["WrongError"] * bool(outcome.mistake)
            assert not any(str(tmp_path) in line for output in cell["outputs"] for line in output["traceback"])
