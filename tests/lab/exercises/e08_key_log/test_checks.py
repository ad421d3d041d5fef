"""Exercise 8, solved with tshark and the key log's lines, and each mistake that it knows."""

import stat

import pytest

from lab.exercises.e08_key_log.checks import EXERCISE
from tests.lab.exercises.conftest import Make, Solve, check_mistake, judged, known_mistakes, mistakes
from tests.lab.exercises.solvers import e08


def test_solved_by_tshark(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e08)).points == EXERCISE.points


@pytest.mark.parametrize("name", e08.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    check_mistake(EXERCISE, e08, solved(EXERCISE, e08), name)


def test_every_hint_has_its_mistake() -> None:
    assert set(e08.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


def test_the_key_log_is_for_its_owner_and_has_more_than_the_capture_needs(work: Make) -> None:
    path = work(EXERCISE) / "tls.keylog"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    randoms = {line.split()[1] for line in path.read_text().splitlines()}
    assert len(randoms) >= 4 + 3


def test_keys_of_another_session_open_nothing(solved: Solve) -> None:
    folder = solved(EXERCISE, e08)
    keylog = folder / "tls.keylog"
    keylog.write_text(keylog.read_text().replace("0", "1"))
    assert set(mistakes(EXERCISE, folder).values()) == {"unreadable"}
