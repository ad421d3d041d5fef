"""Looks at this machine and says what the lab can do on it, and what would make it better. Changes nothing."""

import os
import platform
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

from capture.rights import MEANING, Choice, Way
from capture.sources import SourceName
from capture.tools import LOOPBACK, find, version
from lab import bootstrap

_PORTS = (12345, 12346)
_READY: dict[SourceName, str] = {
    "packet-socket": "it is ready at once",
    "tcpdump": "it is ready in a tenth of a second",
    "dumpcap": "it hands packets on four times a second",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Attributes:
        name: what it is.
        good: whether the lab can do all it wants with it.
        found: what was found, in words.
        advice: what to do where it is not good, else empty.
    """

    name: str
    good: bool
    found: str
    advice: str = ""


def examine(choice: Choice, refused: Mapping[SourceName, str | None]) -> tuple[Check, ...]:
    """Return the checks, the way of capturing last.

    Args:
        choice: the way that the lab would take.
        refused: why each source may not capture, None where it may.
    """
    manager = bootstrap.package_manager()
    packages = ", ".join(f"{name} {metadata.version(name)}" for name in ("pyshark", "scapy", "cryptography"))
    checks = [
        Check("Python", True, f"{platform.python_version()}, {ssl.OPENSSL_VERSION}, {packages}"),
        _program("tshark", "dissects captures as Wireshark does; without it the lab's own reader reads them", manager),
        _program("openssl", "makes the course's certificates in `make certs-openssl`", manager),
        _program("xxd", "turns hex into bytes in the shell; `python -m lab decode --raw` does the same", manager),
        _program("nc", "is the simplest client of the chat", manager),
        *(_port(port) for port in _PORTS),
        *(_source(name, why, enough=choice.way is not Way.TAP) for name, why in refused.items()),
        Check("Engines", True, _engines()),
        # a private loopback shows everything that the real one would
        Check("Way of capturing", choice.way is not Way.TAP, f"{MEANING[choice.way]}. {choice.why}", _better(choice)),
    ]
    return tuple(checks)


def _source(name: SourceName, refused: str | None, *, enough: bool) -> Check:
    if refused is None:
        return Check(name, True, f"may capture on {LOOPBACK}; {_READY[name]}")
    # where there is a way to capture, one source that may not is no trouble
    return Check(name, enough, f"may not capture on {LOOPBACK}: {refused}")


def _engines() -> str:
    if find("tshark") is None:
        return "native and scapy show a capture while it is made; tshark and pyshark need tshark"
    return "native, tshark, pyshark and scapy show a capture while it is made"


def _better(choice: Choice) -> str:
    return (
        "" if choice.way is Way.LOOPBACK else "To capture on the loopback interface itself: python -m lab doctor --fix"
    )


def _program(name: str, use: str, manager: str | None) -> Check:
    path = find(name)
    if path is None and find(name, mode=os.F_OK):
        return Check(name, False, "installed, but your user may not run it: see the line about rights")
    if path is None:
        command = bootstrap.install_command(["tshark" if name == "dumpcap" else name], manager)
        return Check(name, False, f"not installed; it {use}", f"Install it: {command}")
    if name in ("xxd", "nc"):  # one has a date for a version, the other none
        return Check(name, True, f"at {path}")
    return Check(name, True, f"{version(path, 'version' if name == 'openssl' else '--version')} at {path}")


def _port(port: int) -> Check:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            what = f"in use or not allowed: {error.strerror}"
            return Check(f"Port {port}", False, what, "Stop what uses it, or give the demos other ports.")
    return Check(f"Port {port}", True, "free")
