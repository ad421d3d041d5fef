"""The live run of exercise 10: what it needs, and what it says where that is not there."""

from pathlib import Path

import pytest

from capture.rights import Choice, Way
from lab.errors import LabError
from lab.exercises import texts
from lab.exercises.e10_middle.checks import EXERCISE
from lab.exercises.e10_middle.run import MESSAGES, people, record, words
from tests.lab.exercises.conftest import draw_of
from tests.lab.exercises.solvers import e10

_TAP = Choice(Way.TAP, "")


def _given(folder: Path) -> None:
    for name, data in texts.given(EXERCISE.name):
        (folder / name).write_bytes(data)


def test_without_a_program_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"There is no middle\.py"):
        record(draw_of(EXERCISE), tmp_path, _TAP)
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_in_it_is_said(tmp_path: Path) -> None:
    _given(tmp_path)
    with pytest.raises(LabError, match="towards_the_client is still missing"):
        record(draw_of(EXERCISE), tmp_path, _TAP)
    assert [path.name for path in tmp_path.iterdir()] == ["middle.py"]


def test_a_second_run_replaces_the_first_and_leaves_no_key(tmp_path: Path) -> None:
    _given(tmp_path)
    e10.prepare(tmp_path)
    left = []
    for _ in range(2):
        record(draw_of(EXERCISE), tmp_path, _TAP)
        left.append((tmp_path / "capture.pcapng").read_bytes())
    assert left[0] != left[1]
    assert (tmp_path / "tls.keylog").stat().st_mode & 0o777 == 0o600
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(files) == set(EXERCISE.files)
    assert not any(b"PRIVATE KEY" in data for data in files.values())
    heard = files["heard.txt"].decode().splitlines()
    assert heard == [people(draw_of(EXERCISE))[0], *words(draw_of(EXERCISE)), "!quit"]


def test_the_words_are_the_students_own() -> None:
    assert len(words(draw_of(EXERCISE))) == MESSAGES
    assert words(draw_of(EXERCISE)) != words(draw_of(EXERCISE, "ben"))
