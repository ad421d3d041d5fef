import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.rights import MEANING, Way, choose, private_command, private_refusal, refusals
from capture.sources import SOURCES

ROOT = Path(__file__).parents[2]
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs")


def test_every_way_has_a_meaning() -> None:
    assert set(MEANING) == set(Way)


@pytest.mark.usefixtures("no_tools")
def test_without_programs_there_is_the_packet_socket_or_the_tap() -> None:
    choice = choose()
    if refusals()["packet-socket"] is None:
        assert (choice.way, choice.source) == (Way.LOOPBACK, "packet-socket")
    else:
        assert (choice.way, choice.source) == (Way.TAP, None)
        assert "dumpcap is not installed" in choice.why
        assert "tcpdump is not installed" in choice.why


def test_who_may_captures_on_loopback() -> None:
    refused = refusals()
    assert tuple(refused) == SOURCES
    may = [name for name, why in refused.items() if why is None]
    if not may:
        pytest.skip("nothing may capture here")
    choice = choose()
    assert (choice.way, choice.source) == (Way.LOOPBACK, may[0])
    choice = choose(inside=True)
    assert (choice.way, choice.source) == (Way.PRIVATE, may[0])


def as_nobody(code: str, tool: Callable[[str], str]) -> str:
    """Run Python as an ordinary user; return what it prints."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    tool("setpriv")
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


def test_an_ordinary_user_is_refused_with_the_programs_own_words(tool: Callable[[str], str]) -> None:
    tool("dumpcap")
    tool("tcpdump")
    code = "from capture.rights import refusals; print(*refusals().values(), sep='\\n')"
    own, tcpdump, dumpcap = as_nobody(code, tool).splitlines()
    assert own == "a packet socket needs the right CAP_NET_RAW: Operation not permitted."
    assert "You don't have permission to capture on that device" in tcpdump or "permission" in tcpdump
    assert "permission" in dumpcap or "not permitted" in dumpcap


def test_an_ordinary_user_gets_a_private_loopback(tool: Callable[[str], str]) -> None:
    tool("unshare")
    said = as_nobody("from capture.rights import choose; c = choose(); print(c.way, '|', c.why)", tool)
    way, why = said.split(" | ")
    assert way in {"private", "tap"}
    assert why.startswith("Nothing may capture on lo (packet-socket: a packet socket needs the right CAP_NET_RAW")
    assert (way == "private") == namespaces()


def test_private_where_namespaces_are_allowed(tool: Callable[[str], str]) -> None:
    allowed = (
        subprocess.run([tool("unshare"), "-rn", "true"], capture_output=True, timeout=30, check=False).returncode == 0
    )
    assert (private_refusal() is None) == allowed


@pytest.mark.usefixtures("no_tools")
def test_private_without_unshare() -> None:
    assert "unshare" in (private_refusal() or "")


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
