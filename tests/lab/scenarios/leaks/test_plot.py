import sys
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.scenarios.leaks import plot
from lab.scenarios.leaks.plot import draw_pictures
from tests.lab.scenarios.leaks.leaking import result, size


def test_pictures_fill_a_projector_and_show_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the three is drawn, twice; the scenario's own run draws all."""
    monkeypatch.setattr(plot, "_PICTURES", {"lengths.png": plot._PICTURES["lengths.png"]})
    drawn = set()
    for seed in (7, 8):
        pictures = draw_pictures(result(seed), tmp_path)
        assert pictures.problem == ""
        assert list(pictures.files) == list(tmp_path.iterdir()) == [tmp_path / "lengths.png"]
        assert size(pictures.files[0]) == (1920, 1080)
        drawn.add(pictures.files[0].read_bytes())
    assert len(drawn) == 2


def test_without_matplotlib_one_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as import sees a package that is not installed
    pictures = draw_pictures(result(), tmp_path)
    assert pictures.files == ()
    assert "matplotlib is not installed" in pictures.problem
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"lengths\.png cannot be written: No such file or directory\."):
        draw_pictures(result(), tmp_path / "gone")
