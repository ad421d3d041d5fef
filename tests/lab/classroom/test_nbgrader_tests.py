"""What a hidden test says, in the folder in which nbgrader runs it."""

import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.classroom import nbgrader_tests
from lab.classroom.nbgrader_tests import WrongError, judge_step
from lab.errors import LabError
from tests.lab.classroom.conftest import SECRET, handed_in


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Callable[[str], str]) -> Iterator[Path]:
    """The autograded folders of ana, and of bob who has handed in what is ana's; this is ana's."""
    tool("bwrap")
    secret = tmp_path / "course.secret"
    secret.touch(0o600)
    secret.write_text(SECRET.hex())
    (tmp_path / "roster.csv").write_text("id,language\nana,es\nbob,\n")
    for name, value in (("SECRET", secret), ("ROSTER", tmp_path / "roster.csv"), ("LANGUAGE", "en")):
        monkeypatch.setenv(f"LAB_{name}", str(value))
    with zipfile.ZipFile(io.BytesIO(handed_in(0))) as archive:
        archive.extractall(tmp_path / "autograded")
    for name in ("bob", "zoe"):
        shutil.copytree(tmp_path / "autograded" / "ana", tmp_path / "autograded" / name)
    monkeypatch.chdir(tmp_path / "autograded" / "ana" / "04-record-header")
    nbgrader_tests._judged.cache_clear()
    yield tmp_path
    nbgrader_tests._judged.cache_clear()


STEPS = ("frame", "header", "content_type", "length")


@pytest.mark.usefixtures("course")
def test_all_right() -> None:
    for step in STEPS:
        judge_step(4, step)
    assert nbgrader_tests._judged.cache_info().misses == 1


@pytest.mark.usefixtures("course")
def test_a_mistake_gets_its_hint_and_nothing_else() -> None:
    answers = Path("answers.toml")
    lines = [line if "content_type" not in line else "content_type = 17" for line in answers.read_text().splitlines()]
    answers.write_text("\n".join(lines))
    judge_step(4, "frame")
    with pytest.raises(WrongError, match="hexadecimal") as caught:
        judge_step(4, "content_type")
    (shown,) = caught.value._render_traceback_()
    assert shown == str(caught.value)
    assert "23" not in shown


def test_somebody_else_s(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(course / "autograded" / "bob" / "04-record-header")
    for step in STEPS:
        with pytest.raises(WrongError, match="do not belong to your run") as caught:
            judge_step(4, step)
        assert "ana" not in str(caught.value)


def test_what_is_handed_in_stays(course: Path) -> None:
    before = {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}
    judge_step(4, "frame")
    assert {path: path.read_bytes() for path in course.rglob("*") if path.is_file()} == before


def test_what_cannot_be_judged(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(course / "autograded" / "zoe" / "04-record-header")
    with pytest.raises(LabError, match=r"zoe is not in the roster .*roster\.csv"):
        judge_step(4, "frame")
    (course / "course.secret").chmod(0o644)
    with pytest.raises(LabError, match="Others can read"):
        judge_step(4, "frame")
    del os.environ["LAB_SECRET"]
    with pytest.raises(LabError, match="LAB_SECRET is not set"):
        judge_step(4, "frame")
