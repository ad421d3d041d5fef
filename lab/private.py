"""Starts the lab again inside a private loopback, and knows when it is inside."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from capture.rights import private_command

_OUTSIDE = "LAB_OUTER_NETWORK"
_ROOT = Path(__file__).resolve().parent.parent


def inside() -> bool:
    """Return whether this process is in the namespace that `enter` made, and not where `enter` was called."""
    return os.environ.get(_OUTSIDE, _namespace()) != _namespace()


def _namespace() -> str:
    """Return the name of this process's network namespace (namespaces(7)); "" where there are none."""
    link = Path("/proc/self/ns/net")
    return str(link.readlink()) if link.is_symlink() else ""


def enter(arguments: Sequence[str]) -> NoReturn:
    """Become `python -m lab ARGUMENTS` in a private loopback; the exit status is that of the new process."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
    command = private_command([sys.executable, "-m", "lab", *arguments])
    sys.stdout.flush()
    environment = {**os.environ, _OUTSIDE: _namespace(), "PYTHONPATH": path}
    # Ctrl-C waits until the new lab can take it (lab/__main__.py): what runs before that would show a traceback
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.execvpe(command[0], command, environment)  # noqa: S606  (no shell is wanted between the two)
