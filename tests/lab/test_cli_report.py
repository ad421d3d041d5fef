import io
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from lab.cli import main
from lab.cli_report import write
from lab.folder import RunFolder
from lab.report.making import Report

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setenv("COLUMNS", "200")

    def run_it(*arguments: str | Path) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return run_it


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "out" / "20261126-001535-plain"
    folder.mkdir(parents=True)
    shutil.copy(DATA / "plain.pcapng", folder / "capture.pcapng")
    return folder


def test_the_newest_run(run: Run, runs: Path) -> None:
    status, out, err = run("report", "--keep", runs.parent)
    assert (status, err) == (0, "")
    assert str(runs / "report.html") in out
    assert (runs / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_a_capture_file_and_where_the_report_goes(run: Run, runs: Path, tmp_path: Path) -> None:
    status, out, _ = run("report", runs / "capture.pcapng")
    assert status == 0
    assert (runs / "capture.pcapng.report.html").exists()
    assert str(runs / "capture.pcapng.report.html") in out
    status, out, _ = run("report", DATA / "tls13.pcapng", "--keylog", DATA / "tls13.keys.txt", "--out", tmp_path / "r")
    assert status == 0
    assert '"opened":true' in (tmp_path / "r").read_text("utf-8")


def test_what_is_not_there(run: Run, tmp_path: Path) -> None:
    for arguments, sentence in (
        (["--keep", tmp_path], "There is no run below"),
        ([tmp_path], "holds no capture.pcapng"),
        ([tmp_path / "nothing"], "There is no run and no capture at"),
        ([DATA / "tls13.pcapng", "--keylog", tmp_path / "nothing"], "cannot be read"),
    ):
        status, out, err = run("report", *arguments)
        assert status == 1
        assert sentence in err
        assert len(err.splitlines()) == 1
        assert out == ""


def test_what_could_not_be_read_is_said(run: Run, runs: Path) -> None:
    (runs / "capture.pcapng").write_bytes((DATA / "plain.pcapng").read_bytes()[:2500])
    status, out, err = run("report", runs)
    assert status == 1
    assert "capture.pcapng" in err
    assert len(err.splitlines()) == 1
    assert "Report:" in out, "what could be read is on the page"


def test_a_run_whose_report_cannot_be_written(runs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (runs / "report.html").mkdir()
    said = io.StringIO()
    write(Console(file=said), RunFolder(runs))
    assert said.getvalue() == ""
    (line,) = capfd.readouterr().err.replace("\n", " ").strip().splitlines()
    assert line.startswith("There is no report:")


@pytest.mark.parametrize("wanted", [True, False])
def test_a_demo_writes_one_unless_told_not_to(run: Run, tmp_path: Path, wanted: bool) -> None:
    option = [] if wanted else ["--no-report"]
    ports = ["--plain-port=0", "--tls-port=0"]
    status, out, err = run("demo", "plain", "--way=tap", *ports, f"--keep={tmp_path}", f"--certs={tmp_path}", *option)
    assert (status, err) == (0, "")
    (folder,) = [path.parent for path in tmp_path.glob("*/capture.pcapng")]
    assert (folder / "report.html").exists() is wanted
    assert out.rstrip().endswith("(open it in a browser; it needs no network)") is wanted


def test_the_lab_starts_without_it() -> None:
    """No command has to wait for what only the report needs."""
    code = "import sys, lab.cli; print(*[name for name in sys.modules if name.startswith('lab.report')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_of_many_problems_three_are_said(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = tuple(f"Connection {n} stays closed." for n in range(5))
    monkeypatch.setattr("lab.report.making.make_report", lambda *_: Report(tmp_path / "report.html", problems))
    status, _, err = run("report", tmp_path)
    assert status == 1
    assert err.splitlines() == [*problems[:3], "And 2 more: the report names them all."]


def test_what_a_run_has_judged_is_no_problem_of_its_report(run: Run, runs: Path) -> None:
    """A scenario with an attacker leaves connections that no key in its folder opens."""
    shutil.copy(DATA / "tls13.pcapng", runs / "capture.pcapng")
    keys = (DATA / "tls13.keys.txt").read_text("ascii")
    (runs / "tls.keylog").write_text(re.sub(r" [0-9a-f]{64} ", f" {'00' * 32} ", keys), "ascii")
    assert run("report", runs)[0] == 1
    assert "The key log has no keys" in (runs / "report.html").read_text("utf-8")
    (runs / "verdict.json").write_text('{"as_expected": true}', "ascii")
    assert run("report", runs)[::2] == (0, "")
    assert '"problems":[]' in (runs / "report.html").read_text("utf-8")
