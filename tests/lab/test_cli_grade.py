"""`lab grade`: a gradebook, a page for each student, one on the class; stopped, it goes on."""

import csv
from pathlib import Path

import pytest

from lab.cli import main
from tests.lab.classroom.conftest import SECRET, handed_in


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("roster.csv").write_text("id,name,language\nana,Ana,es\nbob,Bob,\neve,=cmd(),\n")
    secret = Path("course.secret")
    secret.touch(0o600)
    secret.write_text(SECRET.hex())
    Path("in").mkdir()
    Path("in", "ana.zip").write_bytes(handed_in(0))
    Path("in", "bob.zip").write_bytes(handed_in(0))  # which is ana's
    Path("in", "notes.txt").touch()
    return tmp_path


def test_a_class(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["grade", "in", "--roster", "roster.csv", "-o", "book.csv", "--workers", "1"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "3/3" in said
    assert "04-record-header" in said
    assert "notes.txt is nobody's hand-in" in said
    assert "bob, exercise 4: The files are those of ana." in said
    assert "ana and bob have handed in the same file in 04-record-header." in said
    with (course / "book.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert {name: row["04-record-header"] for name, row in rows.items()} == {"ana": "5", "bob": "0", "eve": "0"}
    assert rows["eve"]["name"] == "'=cmd()"
    assert sorted(path.name for path in (course / "book" / "feedback").iterdir()) == [
        "ana.html",
        "bob.html",
        "eve.html",
    ]
    assert "ana" not in (course / "book" / "feedback" / "bob.html").read_text("utf-8").replace("Bob", "").casefold()
    made = [course / "book.csv", *(course / "book").rglob("*.*")]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (course / "book", *made))
    first = {path: path.read_bytes() for path in course.rglob("book*/**/*") if path.is_file()}
    assert main(arguments) == 0
    assert {path: path.read_bytes() for path in course.rglob("book*/**/*") if path.is_file()} == first


def test_what_a_teacher_has_set(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The choice changes what is shown and not what is kept."""
    arguments = ["grade", "in", "--roster", "roster.csv", "-o", "book.csv", "--workers", "1"]
    assert main([*arguments, "--exercise", "4", "--exercise", "2"]) == 0
    said = capsys.readouterr().out
    assert "01-plaintext-message" not in said
    assert "frame: 1, mostly not yours" in " ".join(said.replace("│", " ").split())
    with (course / "book.csv").open(encoding="utf-8-sig", newline="") as file:
        ana, bob, _ = csv.DictReader(file)
    assert list(ana)[3:-1] == ["02-what-tls-shows", "04-record-header", "total", "of"]
    assert (ana["total"], bob["total"], ana["of"]) == ("5", "0", "10")
    kept = {path: path.stat().st_mtime_ns for path in (course / "book" / "results").iterdir()}
    assert len(kept) == 2
    assert main(arguments) == 0
    assert {path: path.stat().st_mtime_ns for path in (course / "book" / "results").iterdir()} == kept
    with (course / "book.csv").open(encoding="utf-8-sig", newline="") as file:
        ana, *_ = csv.DictReader(file)
    assert (ana["04-record-header"], ana["16-capstone"], ana["of"]) == ("5", "0", "110")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "--roster", "roster.csv"], "nowhere cannot be read"),
        (["in", "--roster", "none.csv"], "roster none.csv cannot be read"),
        (["in", "--roster", "roster.csv", "--secret", "none.secret"], "it was made with the bundles"),
        (["in", "--roster", "roster.csv", "--exercise", "17"], "no exercise 17"),
        (["in", "--roster", "roster.csv", "-o", "in/ana.zip"], "a name that ends in .csv"),
        (["in", "--roster", "roster.csv", "-o", "in/book.csv"], "among what it is made from"),
        (["in", "--roster", "roster.csv", "-o", "in.csv"], "among what it is made from"),
        (["in", "--roster", "roster.csv", "-o", "roster.csv"], "among what it is made from"),
        (["in", "--roster", "roster.csv", "-o", "notes.csv/book.csv"], "cannot hold the results"),
        (["in", "--roster", "roster.csv", "--dask", "nonsense"], "No Dask scheduler answers"),
    ],
)
@pytest.mark.usefixtures("course")
def test_what_cannot_be(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    Path("notes.csv").touch()
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert main(["grade", *arguments]) == 1
    assert said in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before
