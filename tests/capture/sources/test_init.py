"""Who may capture, and what is said where nobody may."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from capture import sources
from capture.errors import CaptureError
from capture.sources import SOURCES, make, refusal

ROOT = Path(__file__).parents[3]


@pytest.mark.usefixtures("may_capture_natively")
def test_the_packet_socket_comes_first() -> None:
    assert make().name == "packet socket"


@pytest.mark.parametrize("may", SOURCES)
def test_the_first_that_may(may: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "refusal", lambda name: None if name == may else "not here.")
    assert make().name.replace(" ", "-") == may


@pytest.mark.usefixtures("no_tools")
def test_programs_that_are_not_installed() -> None:
    assert refusal("tcpdump") == "tcpdump is not installed."
    assert refusal("dumpcap") == "dumpcap is not installed."


def test_nobody_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "refusal", lambda name: f"{name} says no.")
    said = r"^Your user may not capture on \w+: `make doctor ARGS=--fix` prints what would change that\.$"
    with pytest.raises(CaptureError, match=said):
        make()


def test_without_rights(tool: Callable[[str], str]) -> None:
    """Root in a user namespace that has no network of its own may nothing on this one; user_namespaces(7)."""
    asked = "from capture.sources import SOURCES, refusal\nfor name in SOURCES: print(name, refusal(name), sep=': ')"
    command = [tool("unshare"), "--user", "--map-root-user", sys.executable, "-c", asked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    if done.stderr.startswith("unshare"):
        pytest.skip(done.stderr)
    assert (done.stderr, done.returncode) == ("", 0)
    lines = done.stdout.splitlines()
    assert lines[0] == "packet-socket: a packet socket needs the right CAP_NET_RAW: Operation not permitted."
    for name, line in zip(SOURCES, lines, strict=True):
        assert line.startswith(f"{name}: ")
        assert not line.endswith("None")
