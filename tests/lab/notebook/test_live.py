import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from capture.rights import Way, choose
from lab.errors import LabError
from lab.notebook.live import LAB, Run, run
from tests.lab.notebook.recorded import recorded

ROOT = Path(__file__).parents[3]
WORDS = ["alice > my password is swordfish", "bob > ¿seguro?"]


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the runs go."""
    monkeypatch.setenv("LAB_OUT", str(tmp_path / "out"))
    monkeypatch.delenv("LAB_SHIPPED", raising=False)
    return tmp_path / "out"


def test_a_live_run(out: Path, tool: Callable[[str], str]) -> None:
    chat = run("demo", "both", words=WORDS)
    assert chat.live
    assert list(out.iterdir()) == [chat.folder], "nothing else is left"
    assert chat.folder.stat().st_mode & 0o777 == 0o700
    if choose().way is not Way.TAP:
        assert str(chat).startswith("Made just now, live, on ")
    assert chat.command == "python -m lab demo both"
    assert [message["text"] for message in chat.sent["tls"]] == ["my password is swordfish", "¿seguro?"]
    assert chat.keys

    plain, closed = (b"".join(stream.data for stream in chat.streams(name)) for name in ("plain", "tls"))
    assert b"swordfish" in plain
    assert b"swordfish" not in closed
    assert closed
    assert len(chat.streams()) == len(chat.streams("plain")) + len(chat.streams("tls"))

    line = [tool("tshark"), "-r", str(chat.capture), "-Y", f"tcp.port == {chat.port('plain')} && data", "-T", "fields"]
    shown = subprocess.run([*line, "-e", "data.data"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert b"swordfish".hex() in shown


def test_without_rights_the_words_are_real_and_the_headers_are_not(out: Path, tool: Callable[[str], str]) -> None:
    """In a user namespace that has no rights in this network, and in which no other may be made."""
    take_rights = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    without = [tool("unshare"), "--user", "--map-root-user", "--", "sh", "-c", take_rights, "sh"]
    if subprocess.run([*without, "true"], capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("this system lets nobody make a user namespace")
    code = f"from lab.notebook.live import run; print(run('demo', 'plain', words={WORDS!r}))"
    done = subprocess.run(
        [*without, sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("Made just now by the tap, as nothing may capture here: ")
    assert "the TCP headers around them are not" in done.stdout
    (folder,) = out.iterdir()
    assert b"swordfish" in (folder / "capture.pcapng").read_bytes()


def test_where_nothing_may_be_run(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SHIPPED", "1")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")  # whoever starts something fails
    first, second = run("demo", "plain"), run("demo", "plain", words=WORDS)
    for chat in (first, second):
        assert not chat.live
        assert str(chat).startswith("NOT a live run, but a recorded one")
        assert chat.verdict["as_expected"]
        assert b"The safe opens" in b"".join(stream.data for stream in chat.streams("plain"))
    assert "own words" not in str(first)
    assert "Your own words and options are not in it." in str(second)
    assert {path.name.split("-", 2)[2] for path in out.iterdir()} >= {"recorded-demo-plain"}


def test_a_run_that_fails_is_replaced_and_says_why(out: Path) -> None:
    chat = run("demo", "plain", "--source", "nonsense")
    assert not chat.live
    assert "nonsense" in str(chat)
    assert [chat.folder] == list(out.iterdir())


def test_a_command_that_nothing_was_recorded_of(out: Path) -> None:
    with pytest.raises(LabError, match=r"^python -m lab nonsense did not work[^\n]+nonsense[^\n]+$"):
        run("nonsense")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [(["!quit"], "is a command"), (["a\nb"], "makes 2 messages"), (["x" * 5000], "cannot be said"), ([" "], "message")],
)
def test_words_that_cannot_be_said(words: list[str], said: str, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")  # seen before anything starts
    with pytest.raises(LabError, match=said) as caught:
        run("demo", "plain", words=words)
    assert "words.txt" not in str(caught.value)
    assert list(out.iterdir()) == []


def test_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LAB_OUT", str(tmp_path / "file"))
    with pytest.raises(LabError, match=r"^The files of this run cannot be written to [^\n]+$"):
        run("demo", "plain")


def test_what_a_run_does_not_have(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SHIPPED", "1")
    chat = run("demo", "plain")
    assert chat.folder.parent == out
    with pytest.raises(LabError, match=r"^This run has no chat 'tls': `python -m lab demo plain` has plain\.$"):
        chat.streams("tls")
    with pytest.raises(LabError, match=r"^[^\n]*tls\.keylog[^\n]*$"):
        _ = chat.keys


def test_what_a_cell_shows_is_text() -> None:
    verdict = {
        "problems": ["<b>bad</b>"],
        "as_expected": False,
        "chats": {"plain": {"without_keys": {"problems": ["worse\x1b"]}}},
    }
    shown = Run("<i>", Path("/x/<i>"), MappingProxyType(verdict), live=True, made="<i>")._repr_html_()
    assert "<i>" not in shown
    assert "Not as expected:</b> &lt;b&gt;bad" in shown
    assert "worse\\x1b" in shown


def test_a_scenario_in_a_cell(tmp_path: Path) -> None:
    made = recorded("fakes", tmp_path)
    assert "Not as expected" not in made._repr_html_()
    failed = replace(made, verdict={**made.verdict, "as_expected": False})
    assert "Not as expected:</b> A claim of the scenario did not hold" in failed._repr_html_()


def test_the_prefix_for_shell_cells_runs_anywhere(tmp_path: Path) -> None:
    line, only = f"{LAB} decode --raw 68:6f:6c:61", {"PATH": os.environ["PATH"]}
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=only, capture_output=True, check=True, timeout=60)
    assert done.stdout == b"hola"
