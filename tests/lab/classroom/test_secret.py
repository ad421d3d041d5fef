"""The course's secret: made once, for its owner alone."""

import stat
from pathlib import Path

import pytest

from capture.errors import CaptureError
from lab.classroom.secret import open_secret, read_secret
from lab.errors import LabError


def test_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "course.secret"
    secret = open_secret(path)
    assert len(secret) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_secret(path) == read_secret(path) == secret
    assert open_secret(tmp_path / "another.secret") != secret


@pytest.mark.parametrize("text", ["", "zz" * 32, "00" * 31, "é" * 64])
def test_what_is_no_secret(tmp_path: Path, text: str) -> None:
    path = tmp_path / "course.secret"
    path.touch(0o600)
    path.write_text(text, "utf-8")
    with pytest.raises(LabError, match="holds no secret of a course"):
        open_secret(path)


def test_one_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "course.secret"
    open_secret(path)
    path.chmod(0o644)
    with pytest.raises(LabError, match="chmod 600"):
        read_secret(path)


def test_nowhere(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="it was made with the bundles"):
        read_secret(tmp_path / "course.secret")
    with pytest.raises(CaptureError, match="cannot be written"):
        open_secret(tmp_path / "no" / "course.secret")
