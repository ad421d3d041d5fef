"""Which way of capturing this user, on this machine, has. Asks the programs themselves; assumes nothing.

Three ways, best first: the loopback interface as it is; a private loopback in a user and network namespace of one's
own, which needs no rights and holds no other traffic; the tap, which captures nothing and writes down what it relays.
"""

import enum
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from capture.tools import LOOPBACK, find

_UNSHARE = ("unshare", "--user", "--map-root-user", "--net", "--")  # unshare(1)
_PRIVATE = Path(__file__).with_name("private.py")
_ASK_TIMEOUT = 20.0  # seconds that a program may take to answer; none takes one


class Way(enum.StrEnum):
    """A way of capturing."""

    LOOPBACK = "loopback"
    PRIVATE = "private"
    TAP = "tap"


# What the lab prints: which way it is, and what that means for what is shown.
MEANING = {
    Way.LOOPBACK: "live, on the loopback interface",
    Way.PRIVATE: "live, on a private loopback: a network namespace of its own, that no other program is in",
    Way.TAP: "by the tap, a relay between client and server: the bytes are real, the TCP headers around them are not",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The way that will be used.

    Attributes:
        way: the way.
        why: what was tried and what it said; empty where the user asked for this way.
    """

    way: Way
    why: str


def refusal(dumpcap: str) -> str | None:
    """Return why dumpcap may not capture on the loopback interface, None where it may.

    `dumpcap -L` opens the interface to ask for its link types, and captures nothing.
    """
    return _ask([dumpcap, "-i", LOOPBACK, "-L"])


def private_command(command: list[str]) -> list[str]:
    """Return the command that runs `command` in a user and network namespace of its own, its loopback interface up."""
    return [*_UNSHARE, sys.executable, str(_PRIVATE), *command]


def private_refusal(dumpcap: str) -> str | None:
    """Return why there is no private loopback to capture on, None where there is."""
    if find("unshare") is None:
        return "this system has no unshare program (Linux has it in util-linux)."
    return _ask(private_command([dumpcap, "-i", LOOPBACK, "-L"]))


def _ask(command: list[str]) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_ASK_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[0] if lines else f"it ended with status {done.returncode}."


def choose(*, inside: bool = False) -> Choice:
    """Return the best way there is, and why.

    Args:
        inside: whether this process is in a private loopback already.
    """
    dumpcap = find("dumpcap")
    if dumpcap is None and (forbidden := find("dumpcap", mode=os.F_OK)):
        # as Debian's wireshark-common is where it lets a group capture
        return Choice(Way.TAP, f"{forbidden} is there, but your user may not run it.")
    if dumpcap is None:
        return Choice(Way.TAP, "dumpcap, which comes with tshark, is not installed.")
    refused = refusal(dumpcap)
    if refused is None:
        if inside:
            return Choice(Way.PRIVATE, "It needs no rights.")
        return Choice(Way.LOOPBACK, f"dumpcap may capture on {LOOPBACK}.")
    refused_privately = private_refusal(dumpcap)
    if refused_privately is None:
        why = f"dumpcap may not capture on {LOOPBACK} ({refused}) A private loopback needs no rights."
        return Choice(Way.PRIVATE, why)
    why = f"dumpcap may not capture on {LOOPBACK} ({refused}) There is no private loopback either ({refused_privately})"
    return Choice(Way.TAP, why)
