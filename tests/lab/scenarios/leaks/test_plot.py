import struct
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.scenarios.leaks.plot import draw_pictures
from lab.scenarios.leaks.result import NONE
from tests.lab.scenarios.leaks.leaking import result


def size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG (RFC 2083, section 11.2.1)."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack("!II", data[16:24])
    return width, height


def test_pictures_fill_a_projector_and_show_what_was_measured(tmp_path: Path) -> None:
    made = result()
    other = replace(made, tapped={**made.tapped, NONE: result(8).tapped[NONE]})
    drawn = []
    for name, measured in (("one", made), ("other", other)):
        folder = tmp_path / name
        folder.mkdir()
        pictures = draw_pictures(measured, folder)
        assert pictures.problem == ""
        assert [path.name for path in pictures.files] == ["lengths.png", "scores.png", "cost.png"]
        assert sorted(folder.iterdir()) == sorted(pictures.files)
        assert [size(path) for path in pictures.files] == [(1920, 1080)] * 3
        drawn.append(pictures.files)
    for one, changed in zip(*drawn, strict=True):
        assert one.read_bytes() != changed.read_bytes()


def test_without_matplotlib_one_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as import sees a package that is not installed
    pictures = draw_pictures(result(), tmp_path)
    assert pictures.files == ()
    assert "matplotlib is not installed" in pictures.problem
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"lengths\.png cannot be written: No such file or directory\."):
        draw_pictures(result(), tmp_path / "gone")
