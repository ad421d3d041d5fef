"""A student's three commands, in the folder that their teacher gave them."""

import zipfile
from pathlib import Path

import pytest

from lab.cli import main
from lab.exercises.catalogue import EXERCISES
from lab.exercises.e04_record_header.checks import EXERCISE
from tests.lab.classroom.conftest import STUDENTS, unbundle
from tests.lab.exercises.conftest import make_mistake
from tests.lab.exercises.solvers import e04


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    desk = unbundle(STUDENTS[1], tmp_path)
    monkeypatch.chdir(desk.place(EXERCISE))
    return desk.place(EXERCISE)


def test_run_check_hand_in(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "4"]) == 1
    assert "run the exercise first" in capsys.readouterr().out
    assert main(["exercise", "4", "--way", "tap"]) == 0
    assert str(place) in capsys.readouterr().out.replace("\n", "")
    e04.solve(place)
    assert main(["check", "4"]) == 0
    assert "Exercise 4 is solved." in capsys.readouterr().out
    make_mistake(place, e04, "length.header_counted")
    assert main(["check", "4"]) == 1
    assert "You have counted the header, too." in capsys.readouterr().out
    assert main(["exercise", "4", "--way", "tap"]) == 1
    assert "`lab exercise 4 --again` makes another" in capsys.readouterr().err
    assert main(["handin"]) == 0
    assert "Hand in this one." in capsys.readouterr().out
    with zipfile.ZipFile(place.parent / "bob.zip") as archive:
        assert "bob/04-record-header/capture.pcapng" in archive.namelist()


def test_from_elsewhere(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "x.zip"
    assert main(["handin", "--in", str(place), "--out", str(target)]) == 0
    assert zipfile.is_zipfile(target)


@pytest.mark.parametrize("arguments", [["exercise", "4"], ["check", "4"], ["handin"]])
def test_outside_of_a_students_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    assert "go to the folder your teacher gave you" in capsys.readouterr().err


def test_an_exercise_that_there_is_not(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.exists()
    assert main(["check", "99"]) == 1
    assert "There is no exercise 99" in capsys.readouterr().err
    assert main(["check", "four"]) == 2
    assert main(["check"]) == 2
    assert f"number from 1 to {len(EXERCISES)}" in capsys.readouterr().err
