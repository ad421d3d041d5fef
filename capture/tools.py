"""Finds the programs of the Wireshark family. Knows where systems put them; starts none but to ask for a version."""

import functools
import os
import re
import shutil
import subprocess
import sys

from capture.errors import ToolMissingError

# Where installers leave the programs although no shell finds them there.
_EXTRA_FOLDERS = ("/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/Applications/Wireshark.app/Contents/MacOS")

LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"


def find(name: str, *, mode: int = os.F_OK | os.X_OK) -> str | None:
    """Return the path of the program `name`, or None where it is not installed or this user may not run it.

    Args:
        name: the program.
        mode: what this user must be allowed, as os.access(3) takes it; `os.F_OK` finds it where it may not be run too.
    """
    search = os.pathsep.join((os.environ.get("PATH", os.defpath), *_EXTRA_FOLDERS))
    return shutil.which(name, mode=mode, path=search)


def require(name: str) -> str:
    """Return the path of the program `name`.

    Raises:
        ToolMissingError: it is not installed.
    """
    path = find(name)
    if path is None:
        msg = f"{name} is not installed: run `make doctor`, which names the command that installs it on this system."
        raise ToolMissingError(msg)
    return path


@functools.cache
def version(path: str, option: str = "--version") -> str:
    """Return the version that the program at `path` reports, such as "4.0.17", or "unknown"."""
    done = subprocess.run([path, option], capture_output=True, text=True, errors="replace", check=False)
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout)
    return found.group() if found else "unknown"
