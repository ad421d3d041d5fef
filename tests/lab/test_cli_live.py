"""What `lab capture live` refuses; tests/lab/demo/test_watching.py runs it for real."""

from pathlib import Path

import pytest

from lab.cli import main


def complain(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["capture", "live", *map(str, arguments)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.replace("\n", " ")


def test_keys_need_tshark(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said = complain(capsys, "--engine=native", "--keylog", tmp_path / "keys", "--keep", tmp_path / "out")
    assert "opens TLS live with tshark only" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("no_programs")
def test_a_source_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said = complain(capsys, "--source=tcpdump", "--engine=native", "--keep", tmp_path / "out")
    assert "tcpdump is not installed" in said
    assert list((tmp_path / "out").iterdir()) == [], "no folder is left in which nothing was captured"


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr("capture.tools._EXTRA_FOLDERS", ())
