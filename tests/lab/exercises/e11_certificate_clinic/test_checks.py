"""Exercise 11, solved with openssl, and each mistake that it knows."""

import re
import tomllib
from pathlib import Path

import pytest

from capture.rights import Choice, Way
from lab.exercises.draw import Draw, seed_of
from lab.exercises.e11_certificate_clinic.checks import EXERCISE
from lab.exercises.judge import judge
from lab.exercises.work import Work
from tests.lab.exercises.conftest import Solve, check_mistake, judged, known_mistakes, mistakes
from tests.lab.exercises.solvers import e11


def test_solved_by_openssl_alone(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e11)).points == EXERCISE.points


@pytest.mark.parametrize("name", e11.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    check_mistake(EXERCISE, e11, solved(EXERCISE, e11), name)


def test_an_older_openssl_has_another_number_for_an_issuer_that_is_no_ca(solved: Solve) -> None:
    folder = solved(EXERCISE, e11)
    answers = folder / "answers.toml"
    answers.write_text(re.sub(r"\b79\b", "24", answers.read_text("utf-8")), "utf-8")
    assert judged(EXERCISE, folder).points == EXERCISE.points


def test_one_that_is_healthy_does_not_do_for_all_six(solved: Solve) -> None:
    folder = solved(EXERCISE, e11)
    answers = tomllib.loads((folder / "answers.toml").read_text("utf-8"))
    healthy = next(letter for letter, word in answers.items() if word == "healthy")
    for letter in "abcdef":
        (folder / f"{letter}.pem").write_bytes((folder / f"{healthy}.pem").read_bytes())
    e11.solve(folder)
    assert set(mistakes(EXERCISE, folder).values()) == {"unreadable"}


def test_every_hint_has_its_mistake() -> None:
    made = {name.replace("a.", "each.") if name.startswith("a.") else name for name in e11.MISTAKES}
    assert made == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


@pytest.mark.parametrize("student", ["ben", "cleo", "dora"])
def test_whoever_it_is_openssl_finds_the_same(tmp_path: Path, student: str) -> None:
    draw = Draw(seed_of(b"another course", student, EXERCISE.name))
    host = EXERCISE.values(draw)["host"]
    (tmp_path / "task.md").write_text(f"`{host}`")
    assert EXERCISE.run is not None
    for _ in range(2):  # the second run replaces the first
        EXERCISE.run(draw, tmp_path, Choice(Way.TAP, ""))
    e11.solve(tmp_path)
    assert judge(EXERCISE, Work(tmp_path, draw)).points == EXERCISE.points


def test_another_students_certificates_are_recognised(solved: Solve) -> None:
    found = judged(EXERCISE, solved(EXERCISE, e11), "ben")
    assert {outcome.mistake for outcome in found.outcomes} == {"not_yours"}


@pytest.mark.parametrize("name", ["ca.pem", "d.pem"])
@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"-----BEGIN CERTIFICATE-----\n", b"x" * 100_000])
def test_whatever_is_handed_in_is_judged(solved: Solve, name: str, data: bytes) -> None:
    folder = solved(EXERCISE, e11)
    (folder / name).write_bytes(data)
    assert set(mistakes(EXERCISE, folder).values()) == {"unreadable"}
