"""`lab class`: a bundle for everybody, exports for platforms, and one sentence for what cannot be."""

import json
import zipfile
from pathlib import Path

import pytest

from lab.cli import main
from lab.exercises.catalogue import EXERCISES

ROSTER = "id,name,language\nana,Ana,es\nbob,Bob,\n"


def test_a_bundle_for_everybody_and_the_same_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(ROSTER)
    first, second = tmp_path / "first", tmp_path / "second"
    assert main(["class", "new", "--roster", str(roster), "-o", str(first)]) == 0
    said = capsys.readouterr().out
    assert "2 bundles" in said
    assert "course.secret" in said
    assert (tmp_path / "course.secret").stat().st_mode & 0o077 == 0
    assert main(["class", "new", "--roster", str(roster), "-o", str(second)]) == 0
    assert "course.secret" not in capsys.readouterr().out
    assert sorted(path.name for path in first.iterdir()) == ["ana.zip", "bob.zip"]
    assert all((second / path.name).read_bytes() == path.read_bytes() for path in first.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--roster", "none.csv"], "cannot be read"),
        (["--roster", "roster.csv", "-o", "roster.csv"], "cannot hold the bundles"),
        (["--roster", "roster.csv", "--secret", "roster.csv"], "course's secret"),
    ],
)
def test_what_cannot_be(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("roster.csv").write_text(ROSTER)
    assert main(["class", "new", *arguments]) == 1
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A roster, a secret and a gradebook, in the folder that this is in."""
    monkeypatch.chdir(tmp_path)
    Path("roster.csv").write_text("id,name,email\nana,Ana,ana@example.org\nbob,Bob,\n")
    Path("course.secret").touch(0o600)
    Path("course.secret").write_text("5e" * 32)
    titles = ",".join(exercise.folder for exercise in EXERCISES)
    points = ",".join("3" for _ in EXERCISES)
    Path("book.csv").write_text(f"id,name,{titles}\nana,Ana,{points}\nbob,Bob,{points}\n")
    return tmp_path


@pytest.mark.usefixtures("course")
def test_exports(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["class", "export", "nbgrader", "--roster", "roster.csv", "-o", "nbgrader"]) == 0
    assert "hand in that folder" in capsys.readouterr().out
    assert len(list(Path("nbgrader", "source").iterdir())) == len(EXERCISES)
    Path("autograder.zip").touch(0o644)  # an earlier one, that others may read
    assert main(["class", "export", "gradescope", "--roster", "roster.csv", "--exercise", "4", "--exercise", "1"]) == 0
    said = capsys.readouterr().out
    assert "for nobody else" in said
    assert "1 of 2 have no email" in said
    assert Path("autograder.zip").stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile("autograder.zip") as archive:
        assert json.loads(archive.read("course.json"))["exercises"] == [1, 4]
    assert not list(Path().glob(".*"))
    for name, first in (("canvas", "Student,ID,"), ("moodle", "ID number,Email address,")):
        arguments = ["class", "export", name, "--roster", "roster.csv", "--gradebook", "book.csv", "-o", f"{name}.csv"]
        assert main(arguments) == 0
        assert Path(f"{name}.csv").read_text("utf-8").startswith(first)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nbgrader", "--roster", "none.csv", "-o", "new"], "cannot be read"),
        (["nbgrader", "--roster", "roster.csv", "-o", "."], "has something in it already"),
        (["nbgrader", "--roster", "roster.csv", "--secret", "none", "-o", "new"], "course's secret"),
        (["gradescope", "--roster", "roster.csv", "--exercise", "99"], "no exercise 99"),
        (["gradescope", "--roster", "roster.csv", "-o", "none/a.zip"], "cannot be written"),
        (["gradescope", "--roster", "roster.csv", "-o", "roster.csv"], "made from"),
        (["canvas", "--roster", "roster.csv", "--gradebook", "roster.csv", "-o", "new"], "is no gradebook"),
        (["canvas", "--roster", "roster.csv", "--gradebook", "none.csv", "-o", "new"], "cannot be read"),
        (["moodle", "--roster", "roster.csv", "--gradebook", "book.csv", "-o", "book.csv"], "made from"),
        (["moodle", "--roster", "roster.csv", "--gradebook", "book.csv", "-o", "none/new"], "cannot be written"),
    ],
)
def test_what_cannot_be_exported(
    course: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    before = {path: path.read_bytes() for path in course.iterdir()}
    assert main(["class", "export", *arguments]) == 1
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert {path: path.read_bytes() for path in course.iterdir()} == before
