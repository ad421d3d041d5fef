"""The live run of exercise 9: another student's, in Spanish, and one that replaces another."""

from pathlib import Path

from capture.rights import Choice, Way
from lab.exercises import texts
from lab.exercises.e09_stolen_key.checks import EXERCISE
from tests.lab.exercises.conftest import Make, draw_of, judged, mistakes
from tests.lab.exercises.solvers import e09


def test_another_student_solves_it_in_spanish_and_cannot_hand_it_on(tmp_path: Path) -> None:
    draw = draw_of(EXERCISE, "bea")
    (tmp_path / "task.md").write_text(texts.task(EXERCISE.name, "es", EXERCISE.values(draw)), "utf-8")
    assert EXERCISE.run is not None
    EXERCISE.run(draw, tmp_path, Choice(Way.TAP, ""))
    e09.solve(tmp_path)
    assert judged(EXERCISE, tmp_path, "bea").points == EXERCISE.points
    assert set(mistakes(EXERCISE, tmp_path).values()) == {"not_yours"}


def test_a_second_run_replaces_the_first(work: Make) -> None:
    folder = work(EXERCISE)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert EXERCISE.run is not None
    EXERCISE.run(draw_of(EXERCISE), folder, Choice(Way.TAP, ""))
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"capture.pcapng", "server.key"}
