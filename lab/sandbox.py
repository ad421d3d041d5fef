"""Runs a student's code apart from the grader: few rights, little time, and nothing left when it ends.

Knows bubblewrap and processes; must not know what a hand-in or an exercise is. Contract: a run ends within its time
(and some seconds for clearing up), whatever the code does, and when the caller is interrupted. What the code sees is in
`lab.walls`. Not limited is the memory of all processes together; when it runs out, they end before the grader does.
Nor is what they delete and keep open: it takes room on the disk until the run ends.
"""

import contextlib
import ctypes
import functools
import math
import os
import re
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chat.escape import visible
from lab.errors import LabError
from lab.growth import empty, is_full, tree, unlock
from lab.walls import environment, is_root_of_all, walls

_CONFINE = Path(__file__).resolve().with_name("confine.py")
_TICK = 0.05  # seconds between two looks at what no event tells
_LOOK = 0.25  # seconds between two looks at how the folder has grown
_CLEARING = 10.0  # seconds that what was killed may take to be gone
_SET_DUMPABLE = 4  # prctl(2)
# User numbers that no system gives to a person. The processes of root are not limited by Linux, so where root runs
# this the code runs as somebody whom no other run is.
_FIRST_USER = 0x6000_0000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use: seconds by the clock, and as CPU time of one process; bytes; counts.

    `memory` and `files` (open ones) hold for each process, `file_size` for each file, `output` for both streams
    together. Two hold only where the run is isolated: `processes`, threads included (elsewhere the system would count
    all that this person runs), and `folder`, for all that is in it (elsewhere it may be the person's own).
    """

    seconds: float = 20.0
    memory: int = 1 << 30
    file_size: int = 32 << 20
    processes: int = 64
    files: int = 256
    output: int = 1 << 20
    folder: int = 256 << 20


USUAL = Limits()


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended.

    `status` is what the command returned, 128 more than the number of the signal that ended it, or None when it was
    stopped: for its `time`, or for its `output` (what it printed, or wrote: a folder that holds too much is emptied).
    """

    status: int | None
    stdout: bytes
    stderr: bytes
    stopped: Literal["", "time", "output"]


@functools.cache
def isolation() -> bool:
    """Tell whether code can be run apart here: bubblewrap 0.7 or newer is installed, and works. Measured once."""
    if shutil.which("bwrap") is None:
        return False
    probe = "import os; open('written', 'w').close(); child = os.fork(); child and os.waitpid(child, 0)"
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _run([sys.executable, "-c", probe], Path(folder).resolve(), b"", USUAL, isolated=True).status == 0
    except (LabError, OSError):
        return False


def close_to_others() -> None:
    """Close this process's memory and streams, in /proc, to others of the same user: for what starts code in there.

    Linux only; elsewhere the system alone decides who may read them.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)


def run(
    command: Sequence[str], folder: Path, *, given: bytes = b"", limits: Limits = USUAL, isolated: bool = True
) -> Ran:
    """Run `command` in `folder`, the one place where it may write if it is isolated.

    Args:
        command: the program (looked for in PATH, this Python's own folder first) and its arguments.
        folder: a private copy; where root runs this, its files change their owner.
        given: what the command reads on its standard input.
        limits: what it may use.
        isolated: apart from the machine, without any network but a loopback of its own. Otherwise only the limits hold:
            for a person's own code on their own machine. A process that leaves its group is then not caught.

    Raises:
        LabError: it cannot be run apart here, or this machine has no room or no processes left.
    """
    if isolated and not isolation():
        msg = (
            "Students' code cannot be run safely here: that needs Linux with bubblewrap 0.7 or newer (on Debian and "
            "Ubuntu: apt install bubblewrap) and the right to use it."
        )
        raise LabError(msg)
    try:
        return _run(command, folder.resolve(strict=True), given, limits, isolated=isolated)
    except OSError as error:
        msg = f"A student's code could not be run: {error.strerror or error}."
        raise LabError(msg) from error


def _run(command: Sequence[str], folder: Path, given: bytes, limits: Limits, *, isolated: bool) -> Ran:
    user = _FIRST_USER + threading.get_native_id() if isolated and is_root_of_all() else -1
    with contextlib.ExitStack() as stack:
        ready, ready_end = (stack.enter_context(end) for end in socket.socketpair())
        ready.setblocking(False)
        stdin = stack.enter_context(tempfile.TemporaryFile())
        stdin.write(given)
        stdin.seek(0)
        pipe = zip(os.pipe(), ("rb", "wb"), strict=True)
        out, out_end = (stack.enter_context(os.fdopen(end, mode)) for end, mode in pipe)
        info = stack.enter_context(tempfile.TemporaryFile()).fileno()  # no pipe: that breaks when we are interrupted
        words = walls(folder, info, root=user >= 0) if isolated else []
        if user >= 0:  # once the walls have said that this is no folder of ours
            for path in (str(folder), *(entry.path for entry in tree(folder))):
                os.chown(path, user, user, follow_symlinks=False)
        seconds, processes = max(1, math.ceil(limits.seconds)), limits.processes if isolated else 0
        if isolated and user < 0:
            processes += 1  # bubblewrap's own, in the same user namespace
        # None of these is a stream of bubblewrap's own: those are process 1's, too, and /proc/1/fd is open to what
        # runs in there as the same user.
        passed = tuple(end.fileno() for end in (ready_end, stdin, out_end))
        numbers = (*passed, user, seconds, limits.memory, limits.file_size, processes, limits.files)
        words += [sys.executable, "-I", "-S", str(_CONFINE), *map(str, numbers), *command]
        selector = stack.enter_context(selectors.DefaultSelector())
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(*passed, info),
            env=environment(folder, isolated=isolated),
            cwd=folder,
            start_new_session=True,
        )
        try:
            stack.enter_context(process)
            out_end.close()
            ends = [stream.fileno() for stream in (out, process.stderr) if stream is not None]
            heard = {end: bytearray() for end in ends}
            # Only now may the code begin: an interruption before this closes our end, and it never does.
            ready.send(b"1")
            for end in ends:
                os.set_blocking(end, False)
                selector.register(end, selectors.EVENT_READ)
            stopped = _watch(process, selector, heard, limits, folder if isolated else None)
        finally:
            _clear(process, info)
        # A process that got away may go on writing: what is there is read, up to the limit, and nothing is waited for.
        while sum(map(len, heard.values())) <= limits.output and _listen(selector, heard, 0):
            pass
        stdout, stderr = (bytes(part) for part in heard.values())
        if not stopped and not _begun(ready):
            said = visible(stderr[-300:].decode(errors="replace").strip())
            msg = f"The place where a student's code runs could not be set up: {said}"
            raise LabError(msg)
    status = process.returncode if process.returncode >= 0 else 128 - process.returncode
    too_much = len(stdout) + len(stderr) > limits.output
    if isolated:
        unlock(folder)
        if is_full(folder, limits.folder):
            too_much = True
            empty(folder)
    stopped = stopped or ("output" if too_much else "time" if status == 128 + signal.SIGXCPU else "")
    stdout = stdout[: limits.output]
    return Ran(None if stopped else status, stdout, stderr[: limits.output - len(stdout)], stopped)


def _watch(
    process: "subprocess.Popen[bytes]",
    selector: selectors.BaseSelector,
    heard: dict[int, bytearray],
    limits: Limits,
    folder: Path | None,
) -> Literal["", "time", "output"]:
    end = time.monotonic() + limits.seconds
    look = time.monotonic() + _LOOK
    while process.poll() is None:
        now = time.monotonic()
        if now >= end:
            return "time"
        wait = min(_TICK, end - now)
        if selector.get_map():
            _listen(selector, heard, wait)
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait)
        if sum(map(len, heard.values())) > limits.output:
            return "output"
        if folder is not None and now >= look:
            if is_full(folder, limits.folder):
                return "output"
            look = time.monotonic() + _LOOK
    return ""


def _listen(selector: selectors.BaseSelector, heard: dict[int, bytearray], wait: float) -> bool:
    """Read what has come; tell whether anything has."""
    events = selector.select(wait)
    for key, _ in events:
        data = os.read(key.fd, 1 << 16)
        heard[key.fd] += data
        if not data:
            selector.unregister(key.fd)
    return bool(events)


def _clear(process: "subprocess.Popen[bytes]", info: int) -> None:
    """Kill what is left of a run, and return when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS forbids it where all of the group is dying
        os.killpg(process.pid, signal.SIGKILL)
    stuck = LabError("A student's code could not be ended: the system does not let go of it.")
    try:
        process.wait(_CLEARING)
    except subprocess.TimeoutExpired as error:
        raise stuck from error
    # bubblewrap names the first process of the namespace before that runs anything. It is gone when all others are:
    # pid_namespaces(7).
    first = re.search(rb'"child-pid": (\d+)\D', os.pread(info, 4096, 0))
    if first is not None and sys.platform == "linux":
        with contextlib.suppress(ProcessLookupError), open(os.pidfd_open(int(first[1])), "rb") as end:  # noqa: PTH123
            gone = select.poll()
            gone.register(end, select.POLLIN)
            if not gone.poll(_CLEARING * 1000):
                raise stuck


def _begun(ready: socket.socket) -> bool:
    try:
        return ready.recv(1) != b""
    except (BlockingIOError, ConnectionResetError):
        return False
