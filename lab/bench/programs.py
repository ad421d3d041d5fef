"""Runs what is measured: programs in a process group each, of which nothing is left whatever happens.

A program that captures starts others, and those make temporary files. The group is killed at the end, and the folder
that they all have for such files taken away.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from capture.readers.tshark import last_words
from lab.errors import LabError

_ROOT = Path(__file__).resolve().parent.parent.parent
_STOPPING = (signal.SIGINT, signal.SIGTERM)


class Program:
    """A running program that takes and gives lines. Made by `running`."""

    def __init__(self, name: str, process: subprocess.Popen[str], stderr: IO[str]) -> None:
        self._name, self._process, self._stderr = name, process, stderr
        self._late = False

    def say(self, line: str = "") -> None:
        """Give it a line."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended: what it was to say next is missing and says so
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def line(self) -> str:
        """Wait for its next line.

        Raises:
            LabError: it has ended, or was ended because it took too long.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line.endswith("\n"):
            return line.rstrip("\n")
        if self._late:
            msg = f"{self._name} did not end in time."
            raise LabError(msg)
        status = self._process.wait()
        self._stderr.seek(0)
        msg = f"{self._name} ended too early: {last_words(self._stderr.read(), status)}."
        raise LabError(msg)

    def interrupt(self) -> None:
        """End it as Ctrl-C does, and wait until it has ended.

        Raises:
            LabError: it took too long.
        """
        os.killpg(self._process.pid, signal.SIGINT)
        self.ended()

    def ended(self) -> None:
        """Wait until it has ended; what it printed and nobody read is nothing to anyone.

        Raises:
            LabError: it took too long.
        """
        assert self._process.stdout is not None
        self._process.stdout.read()
        self._process.wait()
        if self._late:
            msg = f"{self._name} did not end in time."
            raise LabError(msg)

    def kill(self) -> None:
        """Kill it with all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def expire(self) -> None:
        """Kill it because it takes too long."""
        self._late = True
        self.kill()


@contextlib.contextmanager
def running(name: str, command: Sequence[str], limit: float = 120) -> Iterator[Program]:
    """Run a program; after the block it and all it has started are gone.

    Args:
        name: what errors call it.
        command: the program; Python finds the lab's packages wherever it is run.
        limit: seconds after which it is killed.

    Only for the main thread: signals are Python's there.

    Raises:
        LabError: it cannot be started.
    """
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
    with contextlib.ExitStack() as stack:
        with _undisturbed():  # what has been made is in the stack before a signal can end it
            made = tempfile.TemporaryDirectory(prefix="lab-bench-", ignore_cleanup_errors=True)
            folder = stack.enter_context(made)
            stderr = stack.enter_context(tempfile.TemporaryFile("w+", errors="replace"))
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    encoding="utf-8",
                    env={**os.environ, "PYTHONPATH": path, "TMPDIR": folder},
                    start_new_session=True,  # a group of its own
                )
            except OSError as error:
                msg = f"{name} cannot be started: {error.strerror}."
                raise LabError(msg) from error
            stack.enter_context(process)
            stack.callback(_close, process)
            program = Program(name, process, stderr)
            stack.callback(program.kill)
            timer = threading.Timer(limit, program.expire)
            timer.start()
            stack.callback(timer.join)
            stack.callback(timer.cancel)
        yield program


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold Ctrl-C back: what is being started cannot be ended yet, and would be left."""
    held: list[int] = []
    before = {number: signal.signal(number, lambda number, _: held.append(number)) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in held:
            signal.raise_signal(late)


def _close(process: subprocess.Popen[str]) -> None:
    """Close its stdin, where something may be left that it never took."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()


def python(*arguments: str) -> list[str]:
    """Return the command that runs this Python."""
    return [sys.executable, *arguments]
