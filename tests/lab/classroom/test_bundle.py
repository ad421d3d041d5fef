"""Bundles: the same bytes for the same secret, nobody else's in them, no answer and no secret."""

import io
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest

from lab.classroom.bundle import bundle
from lab.classroom.roster import Student
from lab.exercises.catalogue import EXERCISES
from lab.exercises.draw import seed_of
from tests.lab.classroom.conftest import SECRET, STUDENTS

ANA, BOB = STUDENTS[:2]
ROOT = Path(__file__).parents[3]


def files(student: Student, secret: bytes = SECRET) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle(secret, student))) as archive:
        assert archive.testzip() is None
        return {name.removeprefix(f"{student.id}/"): archive.read(name) for name in archive.namelist()}


def test_the_same_secret_makes_the_same_bytes() -> None:
    assert bundle(SECRET, ANA) == bundle(SECRET, ANA)
    assert bundle(SECRET, ANA) != bundle(SECRET[::-1], ANA)


def test_everything_is_there() -> None:
    there = files(ANA)
    assert {"README.md", "student.toml"} <= there.keys()
    for exercise in EXERCISES:
        assert {f"{exercise.folder}/task.md", f"{exercise.folder}/starter.ipynb"} <= there.keys()
    assert "Ana Pérez" in there["README.md"].decode()
    assert "tus ejercicios" in there["README.md"].decode()


def test_seeds_are_the_students_own_and_the_secret_is_not_there() -> None:
    told = tomllib.loads(files(ANA)["student.toml"].decode())
    assert told["seeds"] == {exercise.name: seed_of(SECRET, "ana", exercise.name).hex() for exercise in EXERCISES}
    assert not set(told["seeds"].values()) & set(tomllib.loads(files(BOB)["student.toml"].decode())["seeds"].values())
    assert SECRET.hex() not in bundle(SECRET, ANA).hex()


def test_only_its_owner_may_read_who_one_is() -> None:
    with zipfile.ZipFile(io.BytesIO(bundle(SECRET, ANA))) as archive:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
    assert modes.pop("ana/student.toml") == 0o600
    assert set(modes.values()) == {0o644}


@pytest.mark.parametrize("student", STUDENTS[:2], ids=lambda student: student.id)
def test_every_notebook_is_one_and_begins_with_its_task(student: Student) -> None:
    there = files(student)
    for exercise in EXERCISES:
        notebook = nbformat.reads(there[f"{exercise.folder}/starter.ipynb"].decode(), as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(notebook)
        assert notebook.cells[0].source == there[f"{exercise.folder}/task.md"].decode()
        assert all(not cell.get("outputs") for cell in notebook.cells)


def test_without_jupytext_it_says_what_to_do(tmp_path: Path) -> None:
    code = "import sys; sys.modules['jupytext'] = None; from lab.cli import main; sys.exit(main(sys.argv[1:]))"
    (tmp_path / "roster.csv").write_text("id\nana\n")
    command = [
        sys.executable,
        "-c",
        code,
        "class",
        "new",
        "--roster",
        str(tmp_path / "roster.csv"),
        "-o",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "The notebooks of the bundles need jupytext: `make classroom` installs it.\n"


def test_answers_are_empty() -> None:
    for name, data in files(BOB).items():
        if name.endswith("answers.toml"):
            assert set(tomllib.loads(data.decode()).values()) <= {"", 0}
