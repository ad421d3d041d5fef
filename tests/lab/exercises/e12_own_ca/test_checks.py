"""Exercise 12, solved with openssl, and each mistake that it knows."""

import pytest

from lab.exercises.e12_own_ca.checks import EXERCISE
from tests.lab.exercises.conftest import Make, Solve, judged, known_mistakes, make_mistake, mistakes
from tests.lab.exercises.solvers import e12

# What else does not come out right then: who has no server.pem has nothing to look at in it.
_WITH = {
    "ca.missing": {"server": "no_ca", "secrecy": "no_certificates"},
    "ca.no_certificate": {"server": "no_ca", "secrecy": "no_certificates"},
    "server.missing": {"serial": "no_server", "key": "no_server", "secrecy": "no_certificates"},
    "server.no_certificate": {"serial": "no_server", "key": "no_server", "secrecy": "no_certificates"},
    "server.no_ca": {"ca": "missing", "secrecy": "no_certificates"},
    "serial.no_server": {"server": "missing", "key": "no_server", "secrecy": "no_certificates"},
    "key.no_server": {"server": "missing", "serial": "no_server", "secrecy": "no_certificates"},
    "secrecy.no_certificates": {"server": "missing", "serial": "no_server", "key": "no_server"},
    "key.ca_key": {"secrecy": ""},
    "key.unusable": {"server": "strict"},
}


def test_solved_by_openssl_alone(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e12)).points == EXERCISE.points


def test_what_the_task_leaves_open_is_not_judged(work: Make) -> None:
    folder = work(EXERCISE)
    e12.solve_otherwise(folder)
    assert judged(EXERCISE, folder).points == EXERCISE.points


@pytest.mark.parametrize("name", e12.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    folder = solved(EXERCISE, e12)
    make_mistake(folder, e12, name)
    found = mistakes(EXERCISE, folder)
    step, mistake = name.split(".")
    assert found.pop(step) == mistake
    assert {other: made for other, made in found.items() if made} == {
        other: made for other, made in _WITH.get(name, {}).items() if made
    }


def test_every_hint_has_its_mistake() -> None:
    assert set(e12.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


def test_nothing_handed_in_earns_nothing(work: Make) -> None:
    assert judged(EXERCISE, work(EXERCISE)).points == 0


def test_another_students_files_do_not_do(solved: Solve) -> None:
    found = judged(EXERCISE, solved(EXERCISE, e12), "ben")
    assert [outcome.step for outcome in found.outcomes if outcome.mistake] == ["server", "serial"]
