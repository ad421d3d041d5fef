"""The machine that figures were measured on: they mean little without it."""

import os
import platform
from importlib import metadata

from capture.tools import find, version

_PROGRAMS = ("tshark", "sharkd", "dumpcap", "tcpdump", "ngircd")
_PACKAGES = ("pyshark", "scapy", "dpkt", "uvloop")


def describe() -> dict[str, str | int]:
    """Return what the machine is and what it runs; "-" for what is not installed."""
    described: dict[str, str | int] = {
        "cores": os.cpu_count() or 0,
        "machine": platform.machine(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }
    for program in _PROGRAMS:
        path = find(program)
        described[program] = version(path) if path else "-"
    for package in _PACKAGES:
        try:
            described[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            described[package] = "-"
    return described
