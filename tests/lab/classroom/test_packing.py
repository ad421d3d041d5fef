"""What is handed in: the work and nothing else."""

import zipfile
from pathlib import Path

import pytest

from lab.classroom.packing import pack
from lab.errors import LabError
from tests.lab.classroom.conftest import STUDENTS, unbundle


def test_work_is_packed_and_nothing_else(tmp_path: Path) -> None:
    desk = unbundle(STUDENTS[0], tmp_path)
    place = desk.path / "04-record-header"
    (place / "capture.pcapng").write_bytes(b"a capture")
    (place / "holiday.jpg").write_bytes(b"a picture")
    target = tmp_path / "ana.zip"
    names = pack(desk, target)
    with zipfile.ZipFile(target) as archive:
        assert sorted(archive.namelist()) == sorted(f"ana/{name}" for name in names)
        assert archive.read("ana/04-record-header/capture.pcapng") == b"a capture"
    assert "student.toml" not in names
    assert not [name for name in names if "holiday" in name]
    assert not list(tmp_path.glob(".*"))


def test_nothing_to_hand_in(tmp_path: Path) -> None:
    desk = unbundle(STUDENTS[0], tmp_path)
    for path in desk.path.glob("*/*"):
        path.unlink()
    with pytest.raises(LabError, match="nothing to hand in yet"):
        pack(desk, tmp_path / "ana.zip")


def test_nowhere_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot be written"):
        pack(unbundle(STUDENTS[0], tmp_path), tmp_path / "no" / "ana.zip")
