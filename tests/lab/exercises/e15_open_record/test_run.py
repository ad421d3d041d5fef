"""The live run of exercise 15: another student's, in Spanish, and one that replaces another."""

from pathlib import Path

from lab.exercises.e15_open_record.checks import EXERCISE
from tests.lab.exercises.conftest import Make, check_another_student, check_second_run
from tests.lab.exercises.solvers import e15


def test_another_student_solves_it_in_spanish_and_cannot_hand_it_on(tmp_path: Path) -> None:
    check_another_student(EXERCISE, e15, tmp_path)


def test_a_second_run_replaces_the_first(work: Make) -> None:
    check_second_run(EXERCISE, work(EXERCISE), {"capture.pcapng", "tls.keylog"})
