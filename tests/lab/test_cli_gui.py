"""`lab gui`: what it refuses, and that it opens a window. What the window does is in tests/chat/test_window.py."""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chat.model import Login
from chat.security import Lock
from lab.cli import main
from lab.identity import issue

PATIENCE = 20.0


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the window was asked to begin with; there is none."""
    asked: list[dict[str, Any]] = []

    def run(contexts: object, **options: object) -> int:
        asked.append({"contexts": contexts, **options})
        return 0

    monkeypatch.setitem(sys.modules, "chat.window", SimpleNamespace(run=run))
    return asked


def gui(folder: Path, *arguments: str) -> int:
    return main(["gui", "--certs", str(folder / "certs"), *arguments])


def test_where_everything_must_run_there_is_tkinter() -> None:
    if os.environ.get("CI"):
        assert importlib.util.find_spec("_tkinter"), "the tests of the window would be skipped"


@pytest.mark.parametrize(
    ("arguments", "login"),
    [
        ([], Login("", "localhost", 12345, Lock.READABLE)),
        (["Lucía"], Login("Lucía", "localhost", 12345, Lock.READABLE)),
        (["--tls"], Login("", "localhost", 12346, Lock.VERIFIED)),
        (["--tls", "--host", "10.0.0.1", "--port", "4000"], Login("", "10.0.0.1", 4000, Lock.VERIFIED)),
    ],
)
def test_what_the_form_begins_with(
    arguments: list[str], login: Login, opened: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert gui(tmp_path, *arguments) == 0
    assert opened[0]["login"] == login
    assert opened[0]["ports"] == {Lock.READABLE: 12345, Lock.VERIFIED: 12346, Lock.UNVERIFIED: 12346}
    assert set(opened[0]["contexts"]) == {Lock.VERIFIED, Lock.UNVERIFIED}
    assert opened[0]["contexts"][Lock.VERIFIED].check_hostname
    assert not opened[0]["contexts"][Lock.UNVERIFIED].check_hostname


def test_a_certificate_says_who_one_is(opened: list[dict[str, Any]], tmp_path: Path) -> None:
    certificate = issue(tmp_path / "certs", "Lucía").certificate
    assert gui(tmp_path, "--certificate", str(certificate)) == 0
    assert gui(tmp_path, "Bea", "--certificate", str(certificate)) == 0
    assert [asked["login"] for asked in opened] == [
        Login("Lucía", "localhost", 12346, Lock.VERIFIED),
        Login("Bea", "localhost", 12346, Lock.VERIFIED),
    ]
    assert gui(tmp_path, "--certificate", str(tmp_path / "none.pem")) == 1
    assert gui(tmp_path, "--key", str(certificate)) == 1


def test_the_language(opened: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "es_ES.UTF-8")
    assert gui(tmp_path) == 0
    assert gui(tmp_path, "--lang", "en") == 0
    assert [asked["language"] for asked in opened] == ["es", "en"]
    assert gui(tmp_path, "--lang", "xx") == 2


def test_without_tkinter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("chat.window", "chat.window_form", "chat.window_look", "chat.window_talk", "chat.window_text"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "tkinter", None)  # importing it fails then
    monkeypatch.setattr("lab.bootstrap.package_manager", lambda: "apt-get")
    assert gui(tmp_path) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert said == (
        "This Python has no tkinter, which draws windows: `sudo apt-get install -y python3-tk`, "
        "or chat in the terminal with `make client`."
    )


def test_without_a_screen(tmp_path: Path) -> None:
    pytest.importorskip("tkinter", reason="this Python has no tkinter")
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "lab", "gui", "--certs", str(tmp_path / "certs")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "There is no screen to open a window on: chat in the terminal with `make client`.\n"


def test_a_window_opens_and_ctrl_c_closes_it(tmp_path: Path, tool: Callable[[str], str]) -> None:
    pytest.importorskip("tkinter", reason="this Python has no tkinter")
    from tests.chat.screen import Hands, xvfb  # noqa: PLC0415  (it needs tkinter)

    tool("Xvfb")
    tool("xdotool")
    command = [sys.executable, "-m", "lab", "gui", "--tls", "--lang", "es", "--certs", str(tmp_path / "certs")]
    with xvfb() as display:
        hands = Hands(display)
        environment = {**os.environ, "DISPLAY": display}
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as window:
            try:
                while not hands.windows():
                    assert window.poll() is None
                window.send_signal(signal.SIGINT)
                _, complaints = window.communicate(timeout=PATIENCE)
            finally:
                window.kill()
        assert (window.returncode, complaints) == (0, "")
