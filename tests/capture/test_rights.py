import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from capture import rights
from capture.rights import MEANING, Way, choose, private_command, private_refusal, refusal

ROOT = Path(__file__).parents[2]
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs")


def test_every_way_has_a_meaning() -> None:
    assert set(MEANING) == set(Way)


@pytest.mark.usefixtures("no_tools")
def test_without_dumpcap_there_is_the_tap() -> None:
    choice = choose()
    assert choice.way is Way.TAP
    assert "dumpcap" in choice.why


@pytest.mark.usefixtures("may_capture")
def test_who_may_captures_on_loopback(tool: Callable[[str], str]) -> None:
    assert refusal(tool("dumpcap")) is None
    assert choose().way is Way.LOOPBACK
    assert choose(inside=True).way is Way.PRIVATE


def as_nobody(code: str, tool: Callable[[str], str]) -> str:
    """Run Python as an ordinary user; return what it prints."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    tool("setpriv")
    tool("dumpcap")
    # the interpreter or the lab may stand in a folder that nobody else may enter
    python = next((p for p in (sys.executable, "/usr/bin/python3") if readable(p)), None)
    if python is None:
        pytest.skip("there is no Python interpreter and no lab that an ordinary user may run")
    done = subprocess.run(
        [*NOBODY, python, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def readable(python: str) -> bool:
    asked = [python, "-c", "import sys; import capture.rights; sys.exit(sys.version_info < (3, 11))"]
    # a namespace drops what rights to enter folders were left
    inside = ["unshare", "-rn"] if namespaces() else []
    return (
        subprocess.run([*NOBODY, *inside, *asked], cwd=ROOT, capture_output=True, timeout=30, check=False).returncode
        == 0
    )


def namespaces() -> bool:
    """Whether an ordinary user may have namespaces of their own here."""
    return (
        subprocess.run([*NOBODY, "unshare", "-rn", "true"], capture_output=True, timeout=30, check=False).returncode
        == 0
    )


def test_an_ordinary_user_is_refused_with_dumpcaps_own_words(tool: Callable[[str], str]) -> None:
    said = as_nobody("from capture import rights; print(rights.refusal('/usr/bin/dumpcap'))", tool)
    assert "not permitted" in said or "permission" in said
    assert "Running as user" not in said


def test_an_ordinary_user_gets_a_private_loopback(tool: Callable[[str], str]) -> None:
    tool("unshare")
    said = as_nobody("from capture.rights import choose; c = choose(); print(c.way, '|', c.why)", tool)
    way, why = said.split(" | ")
    assert way in {"private", "tap"}
    assert "dumpcap may not capture on lo (" in why
    assert (way == "private") == namespaces()


def test_private_where_namespaces_are_allowed(tool: Callable[[str], str]) -> None:
    allowed = (
        subprocess.run([tool("unshare"), "-rn", "true"], capture_output=True, timeout=30, check=False).returncode == 0
    )
    assert (private_refusal(tool("dumpcap")) is None) == allowed


@pytest.mark.usefixtures("no_tools")
def test_private_without_unshare() -> None:
    assert "unshare" in (private_refusal("/usr/bin/dumpcap") or "")


def test_private_command_runs_it_inside(tool: Callable[[str], str]) -> None:
    tool("unshare")
    done = subprocess.run(
        private_command(["cat", "/proc/net/dev"]), capture_output=True, text=True, timeout=30, check=False
    )
    if done.returncode != 0:
        pytest.skip(done.stderr)
    names = [line.split(":")[0].strip() for line in done.stdout.splitlines() if ":" in line]
    assert "lo" in names
    assert "eth0" not in names


def test_a_program_that_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = tmp_path / "dumpcap"
    stuck.write_text("#!/bin/sh\nexec tail -f /dev/null\n")
    stuck.chmod(0o755)
    monkeypatch.setattr(rights, "_ASK_TIMEOUT", 0.2)
    assert "timed out" in (refusal(str(stuck)) or "")
    assert "No such file" in (refusal(str(tmp_path / "nowhere")) or "")


def test_a_program_that_says_nothing(tmp_path: Path) -> None:
    silent = tmp_path / "dumpcap"
    silent.write_text("#!/bin/sh\nexit 3\n")
    silent.chmod(0o755)
    assert refusal(str(silent)) == "it ended with status 3."
