"""A student's folder: found from within, believed only as far as it goes."""

import tomllib
from pathlib import Path

import pytest

from capture.rights import Choice, Way
from lab.errors import LabError
from lab.exercises.catalogue import EXERCISES
from lab.exercises.desk import Desk, find_desk, find_exercise, read_desk
from lab.exercises.e04_record_header.checks import EXERCISE

TAP = Choice(Way.TAP, "")
TOLD = f"""id = "ana"
name = "Ana \\u001b[31m Pérez"
language = "es"
[seeds]
e04_record_header = "{"07" * 32}"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "student.toml").write_text(TOLD, "utf-8")
    return read_desk(tmp_path)


def test_it_is_found_from_within(desk: Desk) -> None:
    deep = desk.path / "04-record-header" / "more"
    deep.mkdir(parents=True)
    assert find_desk(deep) == find_desk(desk.path) == desk
    assert (desk.student, desk.language) == ("ana", "es")
    assert "\x1b" not in desk.name


def test_it_is_nowhere(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"in no student's folder \(there is no student\.toml\)"):
        find_desk(tmp_path)


@pytest.mark.parametrize(
    "told",
    [
        "",
        "id = 3",
        TOLD.replace("[seeds]", "[seed]"),
        TOLD.replace("07" * 32, "zz"),
        TOLD.replace("07" * 32, "07"),
        TOLD.replace('"es"', '"xx"'),
        TOLD.replace('"ana"', "[]"),
        "seeds = 1\n" + TOLD.partition("[")[0],
        "\xff",
    ],
)
def test_one_that_was_changed(tmp_path: Path, told: str) -> None:
    (tmp_path / "student.toml").write_text(told, "latin-1")
    with pytest.raises(LabError, match="ask your teacher for a new folder"):
        read_desk(tmp_path)


def test_run_answer_check(desk: Desk) -> None:
    desk.run(EXERCISE, TAP)
    assert desk.check(EXERCISE).outcomes[0].mistake == "no_answers"
    desk.answer(EXERCISE, {"frame": 3, "header": 'with "quotes"'})
    kept = tomllib.loads((desk.place(EXERCISE) / "answers.toml").read_text())
    assert kept == {"frame": 3, "header": 'with "quotes"', "content_type": 0, "length": 0}
    assert [outcome.mistake for outcome in desk.check(EXERCISE).outcomes] == [
        "wrong",
        "wrong",
        "unanswered",
        "unanswered",
    ]
    assert desk.hint(EXERCISE, "frame", "wrong").startswith("No es esto")


def test_answers_keep_the_run_that_they_speak_of(desk: Desk) -> None:
    capture, answers = (desk.place(EXERCISE) / name for name in ("capture.pcapng", "answers.toml"))
    capture.parent.mkdir()
    answers.write_text("frame = 3")
    assert not desk.has_run(EXERCISE)
    capture.write_bytes(b"of the first run")
    for told in ("frame = 3", "frame ="):
        answers.write_text(told)
        with pytest.raises(LabError, match="`lab exercise 4 --again` makes another"):
            desk.run(EXERCISE, TAP)
    assert capture.read_bytes() == b"of the first run"
    desk.answer(EXERCISE, {})
    desk.run(EXERCISE, TAP)
    assert capture.read_bytes() != b"of the first run"


def test_what_nobody_asks_for(desk: Desk) -> None:
    with pytest.raises(LabError, match="Exercise 4 asks for no colour, but for: frame, header"):
        desk.answer(EXERCISE, {"colour": 3})


def test_a_folder_that_cannot_be_written(desk: Desk) -> None:
    desk.place(EXERCISE).write_text("a file in its place")
    with pytest.raises(LabError, match="cannot be"):
        desk.run(EXERCISE, TAP)
    with pytest.raises(LabError, match="cannot be written"):
        desk.answer(EXERCISE, {"frame": 1})


def test_exercises_by_number(desk: Desk) -> None:
    assert find_exercise(4) is EXERCISE
    with pytest.raises(LabError, match=f"There is no exercise 99: they are numbered from 1 to {len(EXERCISES)}"):
        find_exercise(99)
    other = next((exercise for exercise in EXERCISES if exercise is not EXERCISE), None)
    if other is not None:
        with pytest.raises(LabError, match=f"no seed for exercise {other.number}"):
            desk.check(other)
