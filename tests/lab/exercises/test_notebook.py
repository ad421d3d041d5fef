"""An exercise in a notebook: the same run, the same answers, the same check as in a terminal."""

from pathlib import Path

import pytest

from lab.errors import LabError
from lab.exercises import notebook
from lab.exercises.e04_record_header.checks import EXERCISE
from lab.exercises.notebook import open_exercise
from tests.lab.exercises.solvers import e04
from tests.lab.exercises.test_desk import TOLD


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "student.toml").write_text(TOLD, "utf-8")
    place = tmp_path / EXERCISE.folder
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    return place


def test_run_answer_check(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exercise = open_exercise(4)
    capture = place / "capture.pcapng"
    capture.write_bytes(b"of the first run")
    exercise.answer(frame=1)
    exercise.run()
    assert "is kept: exercise.run(again=True)" in capsys.readouterr().out
    assert capture.read_bytes() == b"of the first run"
    exercise.run(again=True)
    assert "Captured" in capsys.readouterr().out
    (place / "task.md").write_text(f"tcp.stream == {exercise.values['stream']} **number {exercise.values['record']}**")
    e04.solve(place)
    exercise.check()
    assert "5 de 5 puntos" in capsys.readouterr().out
    exercise.answer(frame=1)
    exercise.check()
    assert "0 de 5 puntos" in capsys.readouterr().out


def test_a_run_that_cannot_be_made_says_why(place: Path) -> None:
    exercise = open_exercise(4)
    place.rmdir()
    place.write_text("a file in its place")
    with pytest.raises(LabError, match="cannot be made"):
        exercise.run()


@pytest.mark.usefixtures("place")
def test_a_run_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "_PATIENCE", 0.01)
    with pytest.raises(LabError, match=r"did not end within 0\.01 seconds"):
        open_exercise(4).run()
