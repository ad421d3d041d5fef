from pathlib import Path

import pytest

from lab.bench import opening
from lab.bench.figures import Size
from lab.bootstrap import find_browser
from lab.errors import LabError

TINY = Size(rounds=1, messages=0, seconds=0, cycles=0, peer_cycles=0, through_tshark=0, packets=())


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_SHORT", 2)
    monkeypatch.setattr(opening, "_LONG", 40)


@pytest.mark.usefixtures("nothing_left", "may_capture")
def test_reports_are_made_opened_and_scrolled(monkeypatch: pytest.MonkeyPatch) -> None:
    if find_browser() is None:
        pytest.skip("chromium is not installed")
    monkeypatch.setattr(opening, "_FRAMES", 5)
    rows = opening.opening(TINY)
    assert [row.ours.why for row in rows] == [""] * len(rows)
    found = {(row.name, row.ours.name): row.figure(row.ours) or 0 for row in rows}
    assert found["size of the report, kB", "40 messages"] > found["size of the report, kB", "2 messages"] > 20
    assert all(0 < figure < 60_000 for figure in found.values())


def test_without_a_browser_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "find_browser", lambda: None)
    monkeypatch.setattr(opening, "run_demo", lambda *_: tmp_path)
    monkeypatch.setattr(opening, "_lab", lambda *_: None)
    rows = opening.opening(TINY)
    assert {row.ours.why for row in rows} == {
        "Chromium or playwright is missing: `make check` installs what tests need."
    }


def test_a_demo_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "of-1").write_text("no folder")
    with pytest.raises(LabError, match=r"^lab demo failed: .*of-1 cannot hold the files of this run"):
        opening.run_demo(tmp_path, 1)
