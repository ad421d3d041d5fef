import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from capture import tools
from capture.errors import CaptureError, NotACaptureError
from lab.errors import LabError
from lab.report.making import dissections, make_report
from lab.report.source import read_run
from lab.report.wire import read_wire
from tests.lab.report.conftest import DATA, Captured


def told(report: Path) -> dict[str, Any]:
    """What a report was made from."""
    text = report.read_text("utf-8")
    start = text.index('id="lab-data">') + len('id="lab-data">')
    value: dict[str, Any] = json.loads(text[start : text.index("</script>", start)])
    return value


@pytest.fixture
def folder(demo: Path, tmp_path: Path) -> Path:
    """A run's folder of one's own."""
    return Path(shutil.copytree(demo, tmp_path / demo.name))


def test_a_report_of_a_run(folder: Path) -> None:
    made = make_report(folder, folder / "report.html")
    assert made.problems == ()
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.path.stat().st_size < 1_000_000
    data = told(made.path)
    verdict = json.loads((folder / "verdict.json").read_bytes())
    assert (data["title"], data["file"], data["way_id"]) == ("both", "capture.pcapng", verdict["capture"]["way"])
    assert data["way"] == verdict["capture"]["meaning"]
    assert len(data["messages"]) == 12
    assert (data["problems"], data["claims"]) == ([], [])
    assert sorted(path.name for path in folder.iterdir()) == [
        *("capture.pcapng", "report.html", "tls.keylog", "transcript.json", "verdict.json")
    ]


def test_it_is_written_whole_or_not_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = folder / "report.html"
    before = "<!DOCTYPE html> the one before"
    report.write_text(before)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fdopen", full)
        with pytest.raises(LabError, match="cannot be written: No space left on device"):
            make_report(folder, report, dissector="native")
    assert report.read_text() == before
    assert not list(folder.glob(".*"))
    make_report(folder, report, dissector="native")
    assert told(report)["dissector"] == "native"
    with pytest.raises(LabError, match=r"nowhere/report\.html cannot be written"):
        make_report(folder, folder / "nowhere" / "report.html", dissector="native")


@pytest.mark.parametrize("name", ["capture.pcapng", "tls.keylog", "nowhere", "null"])
def test_only_a_page_is_replaced(folder: Path, name: str) -> None:
    (folder / "nowhere").symlink_to("nothing")
    (folder / "null").symlink_to(os.devnull)
    there = folder / name
    before = there.read_bytes() if there.is_file() else b""
    with pytest.raises(LabError, match="is there already and is no report"):
        make_report(folder, there, dissector="native")
    assert there.is_symlink() or there.read_bytes() == before


def test_a_machine_without_wireshark(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(tools, "_EXTRA_FOLDERS", ())
    data = told(make_report(folder, folder / "report.html").path)
    assert data["dissector"] == "native"
    assert data["frames"]["count"] == len(data["frames"]["index"]["frame"]) > 100
    assert all(one["tls"]["keys"]["read"] for one in data["messages"])


def test_without_its_key_log(folder: Path) -> None:
    (folder / "tls.keylog").unlink()
    made = make_report(folder, folder / "report.html", dissector="native")
    assert made.problems == ()
    data = told(made.path)
    assert all(one["plain"]["read"] and one["tls"]["keys"] is None for one in data["messages"])
    assert not any(step["opened"] for one in data["story"] for step in one["steps"])


def test_a_torn_capture(tmp_path: Path) -> None:
    torn = tmp_path / "torn.pcapng"
    torn.write_bytes((DATA / "plain.pcapng").read_bytes()[:2500])
    for dissector in ("sharkd", "native"):
        if dissector == "sharkd" and tools.find("sharkd") is None:
            continue
        made = make_report(torn, tmp_path / "report.html", dissector=dissector)
        assert len(made.problems) == 1
        data = told(made.path)
        assert data["problems"] == [str(made.problems[0])]
        assert data["title"] == "torn.pcapng"
        assert data["way"] is data["way_id"] is None, "nobody knows how it was captured"
        assert 0 < data["frames"]["count"] < 30


def test_hostile_bytes_in_a_capture(captured: Captured, tmp_path: Path) -> None:
    said = b"<script>alert(1)</script>&amp;\x1b[31m\0\xff\xe2\x80\xae" * 1500
    entered = (">", b"mallory\n"), ("<", b"* welcome, mallory. 1 here: mallory\n")
    capture = captured(*entered, (">", said + b"\n"), ("<", b"mallory > " + said + b"\n"))
    made = make_report(capture, tmp_path / "report.html", dissector="native")
    text = made.path.read_text("utf-8")
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert "&amp;\x1b" not in text
    assert text.count("<script") == 2
    assert set("\0\x1b\u202e") & set(text) == set()


def test_no_frames(tmp_path: Path) -> None:
    made = make_report(DATA / "no-packets.pcap", tmp_path / "report.html", dissector="native")
    data = told(made.path)
    assert (data["messages"], data["story"], data["frames"]["count"]) == ([], [], 0)


def test_what_is_no_capture(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("nothing that was captured")
    with pytest.raises(NotACaptureError):
        make_report(tmp_path / "words", tmp_path / "report.html")
    with pytest.raises(CaptureError):
        make_report(DATA / "plain.pcapng", tmp_path / "report.html", tmp_path / "words")
    assert not (tmp_path / "report.html").exists()


def test_the_keys_lie_nowhere_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run = read_run(DATA / "tls13.pcapng", DATA / "tls13.keys.txt")
    taken = dissections(run, read_wire(run.capture, run.keys), "native")
    next(taken)
    (folder,) = tmp_path.glob("lab-report-*")
    assert folder.stat().st_mode & 0o077 == 0
    taken.close()  # as an error or Ctrl-C would
    assert not list(tmp_path.iterdir())
