"""Which way of capturing this user, on this machine, has. Asks the programs themselves; assumes nothing.

Three ways, best first: the loopback interface as it is; a private loopback in a user and network namespace of one's
own, which needs no rights and holds no other traffic; the tap, which captures nothing and writes down what it relays.
"""

import enum
import sys
from dataclasses import dataclass
from pathlib import Path

from capture.sources import SOURCES, SourceName, refusal
from capture.sources.programs import ask
from capture.tools import LOOPBACK, find

_UNSHARE = ("unshare", "--user", "--map-root-user", "--net", "--")  # unshare(1)
_PRIVATE = Path(__file__).with_name("private.py")
_OPEN_A_PACKET_SOCKET = "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()"


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
        source: who captures; None for the tap, which captures nothing.
    """

    way: Way
    why: str
    source: SourceName | None = None


def refusals() -> dict[SourceName, str | None]:
    """Return for each source why it may not capture on the loopback interface, None where it may; the best first."""
    return {name: refusal(name) for name in SOURCES}


def private_command(command: list[str]) -> list[str]:
    """Return the command that runs `command` in a user and network namespace of its own, its loopback interface up."""
    return [*_UNSHARE, sys.executable, str(_PRIVATE), *command]


def private_refusal() -> str | None:
    """Return why there is no private loopback to capture on, None where there is."""
    if find("unshare") is None:
        return "this system has no unshare program (Linux has it in util-linux)."
    return ask(private_command([sys.executable, "-c", _OPEN_A_PACKET_SOCKET]))


def choose(*, inside: bool = False) -> Choice:
    """Return the best way there is, and why.

    Args:
        inside: whether this process is in a private loopback already.
    """
    refused = refusals()
    source = next((name for name, why in refused.items() if why is None), None)
    if source is not None and inside:
        return Choice(Way.PRIVATE, "It needs no rights.", source)
    if source is not None:
        return Choice(Way.LOOPBACK, f"The {source} may capture on {LOOPBACK}.", source)
    said = " ".join(f"{name}: {why}" for name, why in refused.items())
    refused_privately = private_refusal()
    if refused_privately is None:
        why = f"Nothing may capture on {LOOPBACK} ({said}) A private loopback needs no rights."
        return Choice(Way.PRIVATE, why, "packet-socket")
    why = f"Nothing may capture on {LOOPBACK} ({said}) There is no private loopback either ({refused_privately})"
    return Choice(Way.TAP, why)
