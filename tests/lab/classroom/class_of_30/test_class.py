"""A class of 30: made, solved with what a student has, broken in more than twenty ways, graded twice in both languages.

Everybody does two exercises, one student all; with LAB_CLASS=full in the environment everybody does all of them.
"""

import csv
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.cli import main
from lab.exercises.catalogue import EXERCISES
from tests.lab.classroom.class_of_30.making import Solved, hand_in, work
from tests.lab.classroom.class_of_30.ways import CODE, PLAIN, WAYS, Case

IDS = [f"student{number:02}" for number in range(30)]
ALL = [exercise.number for exercise in EXERCISES]
FULL = os.environ.get("LAB_CLASS") == "full"
SURE = len(IDS) - len(WAYS)  # students whose hand-ins nobody spoils


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A roster of 30, and a bundle for each."""
    folder = tmp_path_factory.mktemp("course")
    lines = [f"{name},Name of {name},{'es' if number % 2 else 'en'}\n" for number, name in enumerate(IDS)]
    (folder / "roster.csv").write_text("id,name,language\n" + "".join(lines))
    assert main(["class", "new", "--roster", str(folder / "roster.csv"), "-o", str(folder / "bundles")]) == 0
    return folder


@pytest.fixture(scope="module")
def expected(course: Path) -> Mapping[str, Mapping[int, int]]:
    """Everybody's work, done and then spoilt; what each exercise of it is to be worth."""
    (course / "in").mkdir()

    def solve(name: str) -> Solved:
        numbers = ALL if FULL or name == IDS[0] else (PLAIN, CODE)
        return work(course / "bundles" / f"{name}.zip", course / "desks", numbers)

    with ThreadPoolExecutor(3) as threads:
        solved = dict(zip(IDS, threads.map(solve, IDS), strict=True))
    worth = {name: one.points for name, one in solved.items()}
    for one in solved.values():
        hand_in(one, course / "in")
    for name, way in zip(IDS[SURE:], WAYS, strict=True):
        mine = solved[name]
        left = way(Case(mine, solved[IDS[1]], lambda mine=mine: hand_in(mine, course / "in")))  # type: ignore[misc]
        for number, points in left.items():
            worth[name][number] = points if points >= 0 else worth[name][number] + points
    return worth


def grade(course: Path, book: str, *more: str) -> dict[str, dict[str, str]]:
    arguments = [str(course / "in"), "--roster", str(course / "roster.csv"), "-o", str(course / book), *more]
    private = course.with_name(f"{course.name}-tmp")
    private.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(private))
        assert main(["grade", *arguments]) == 0
    assert not list(private.iterdir()), "nothing is left behind"
    with (course / book).open(encoding="utf-8-sig", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def test_every_score_is_as_expected_twice_and_in_both_languages(
    course: Path, expected: Mapping[str, Mapping[int, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    state = {path: path.stat().st_mtime_ns for path in course.rglob("*")}
    rows = grade(course, "first.csv", "--workers", "2")
    said = capsys.readouterr().out
    found = {name: {e.number: int(rows[name][e.folder]) for e in EXERCISES} for name in IDS}
    assert found == {name: dict(expected[name]) for name in IDS}
    assert {path: path.stat().st_mtime_ns for path in state if path.exists()} == state, "no hand-in changes anything"

    assert f"{IDS[SURE + 8]}, exercise {PLAIN}: The files are those of {IDS[1]}." in said
    assert "keys of 3 connections not in it" in said
    assert "SPIED" not in (course / "first" / "class.html").read_text("utf-8")

    again = grade(course, "second.csv", "--workers", "3")
    assert again == rows
    for name, language in (
        (IDS[SURE], "en" if SURE % 2 == 0 else "es"),
        (IDS[SURE + 1], "es" if SURE % 2 == 0 else "en"),
    ):
        page = (course / "first" / "feedback" / f"{name}.html").read_text("utf-8")
        assert page == (course / "second" / "feedback" / f"{name}.html").read_text("utf-8")
        assert f'<html lang="{language}">' in page
        assert not [other for other in IDS if other != name and other in page]
