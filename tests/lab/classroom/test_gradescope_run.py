"""The autograder as Gradescope runs it: unzipped, its own run_autograder, in another place than /autograder."""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.classroom.examine import Task, examine
from lab.classroom.gradescope import autograder
from lab.exercises import texts
from lab.exercises.catalogue import EXERCISES
from lab.exercises.e04_record_header.checks import EXERCISE
from lab.exercises.exercise import Exercise
from tests.lab.classroom.conftest import SECRET, STUDENTS, handed_in

NAME = EXERCISE.folder
IDS = [student.id for student in STUDENTS]
ROSTER = b"id,name,email,language\nana,Ana,ana@example.org,es\nbob,Bob,bob@example.org,en\neve,Eve,,en\n"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """What Gradescope makes of a zip for exercise 4."""
    return unzip(tmp_path, (EXERCISE,))


def unzip(base: Path, exercises: Sequence[Exercise[Any]]) -> Path:
    source = base / "source"
    with zipfile.ZipFile(io.BytesIO(autograder(exercises, ROSTER, SECRET, "es", isolated=True))) as archive:
        archive.extractall(source)  # which forgets the modes
    (source / ".venv").symlink_to(sys.prefix)  # what setup.sh makes
    shutil.copy(source / "run_autograder", base)
    (base / "run_autograder").chmod(0o755)
    (base / "submission").mkdir()
    return base


def run(base: Path, *users: object) -> tuple[dict[str, Any], str]:
    """Grade what lies in the submission; return results.json and what the teacher sees."""
    (base / "submission_metadata.json").write_text(json.dumps({"id": 1, "users": users}))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(base / "run_autograder")],
        cwd=base,
        env={**environment, "LAB_AUTOGRADER": str(base)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0
    results: dict[str, Any] = json.loads((base / "results" / "results.json").read_text())
    assert results["output_format"] == "text"
    for test in results.get("tests", []):
        assert 0 <= test["score"] <= test["max_score"]
        assert test["visibility"] == "visible"
        assert (test["status"] == "passed") == (test["score"] == test["max_score"])
    return results, done.stdout


def user(name: str) -> dict[str, object]:
    return {"email": f"{name.upper()}@example.org", "id": 7, "name": name}


def put(base: Path, number: int) -> Path:
    """Hand in the files of exercise 4, as the student with this number has made them; return their folder."""
    with zipfile.ZipFile(io.BytesIO(handed_in(number))) as archive:
        for name in archive.namelist():
            if Path(name).parent.name == NAME:
                (base / "submission" / Path(name).name).write_bytes(archive.read(name))
    return base / "submission"


def expected(base: Path, student: str, tmp_path: Path) -> tuple[int, list[int]]:
    """What the grader says of the same files."""
    shutil.copytree(base / "submission", tmp_path / "same" / NAME)
    result = examine(Task(student, tmp_path / "same", SECRET, IDS))
    (graded,) = (graded for graded in result.exercises if graded.name == EXERCISE.name)
    return graded.points, [outcome.points for outcome in graded.outcomes]


def test_a_group_is_graded_as_the_one_whose_capture_it_is(base: Path, tmp_path: Path) -> None:
    put(base, 0)
    results, said = run(base, user("bob"), user("ana"))
    assert "Graded as ana." in said
    got = results["score"], [test["score"] for test in results["tests"]]
    assert got == expected(base, "ana", tmp_path) == (5, [1, 1, 1, 2])
    assert {test["output"] for test in results["tests"]} == {"correcto"}
    assert [test["number"] for test in results["tests"]] == ["4.1", "4.2", "4.3", "4.4"]


def test_a_mistake_and_somebody_else_s(base: Path, tmp_path: Path) -> None:
    answers = put(base, 0) / "answers.toml"
    text = answers.read_text()
    answers.write_text("\n".join("content_type = 17" if "content" in line else line for line in text.splitlines()))
    results, _ = run(base, user("ana"))
    assert (results["score"], [test["score"] for test in results["tests"]]) == expected(base, "ana", tmp_path)
    assert [test["score"] for test in results["tests"]] == [1, 1, 0, 2]
    hint = results["tests"][2]["output"]
    assert hint == texts.hint(EXERCISE.name, "content_type", "hex_as_decimal", "es")
    assert "23" not in hint

    results, said = run(base, user("bob"))
    assert results["score"] == 0
    assert "ana" not in json.dumps(results["tests"]).casefold()
    assert {test["output"] for test in results["tests"]} == {texts.common_hints("en")["not_yours"]}
    assert "Graded as bob." in said


def test_the_zip_of_lab_handin_for_all_exercises(tmp_path: Path) -> None:
    base = unzip(tmp_path, EXERCISES)
    (base / "submission" / "eve.zip").write_bytes(handed_in(2))
    results, _ = run(base, {"email": "e@example.org", "sid": "EVE"})
    assert results["score"] == 5
    assert len(results["tests"]) == sum(len(exercise.steps) for exercise in EXERCISES)
    assert sum(test["max_score"] for test in results["tests"]) == sum(exercise.points for exercise in EXERCISES)


def test_nobody_of_the_roster(base: Path) -> None:
    put(base, 0)
    results, said = run(base, user("zoe"), {"email": "", "sid": None})  # eve has no email either
    assert results["score"] == 0
    assert results["output"].startswith("No estás en la lista")
    assert "in the roster" in said


def test_what_means_harm_gets_a_result(base: Path) -> None:
    folder = put(base, 0)
    capture = (folder / "capture.pcapng").read_bytes()
    (folder / "capture.pcapng").write_bytes(capture[: len(capture) // 2])
    (folder / "answers.toml").write_text("frame = " + "[" * 50_000)
    (folder / "secret").symlink_to(base / "source" / "course.secret")
    os.mkfifo(folder / "pipe")
    (folder / "lab").mkdir()
    (folder / "lab" / "__init__.py").write_text("raise SystemExit(9)")
    results, said = run(base, user("ana"))
    assert results["score"] == 0
    assert {test["output"] for test in results["tests"]} == {texts.common_hints("es")["no_answers"]}
    assert results["output"] == "No se ha podido usar todo lo que has entregado."
    assert "secret was left out" in said
    assert SECRET.hex() not in json.dumps(results) + said


def test_what_goes_wrong_here_is_no_fault_of_the_student(base: Path) -> None:
    put(base, 0)
    results, said = run(base, "not what Gradescope writes")
    assert results == {
        "score": 0,
        "output": "No se ha podido evaluar: díselo a tu profesor o profesora.",
        "output_format": "text",
        "stdout_visibility": "hidden",
    }
    assert "AttributeError" in said
    (base / "source" / ".venv").unlink()  # one that is stopped from outside
    (base / "source" / ".venv" / "bin").mkdir(parents=True)
    (base / "source" / ".venv" / "bin" / "python").write_text("#!/bin/sh\nkill -KILL $$\n")
    (base / "source" / ".venv" / "bin" / "python").chmod(0o755)
    results, _ = run(base, user("ana"))
    assert results == {
        "score": 0,
        "output": "This could not be graded: tell your teacher.",
        "output_format": "text",
        "stdout_visibility": "hidden",
    }
