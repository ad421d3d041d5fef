"""The limits a program takes upon itself, read back from the kernel."""

import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

from lab import confine


def started(folder: Path, *words: str, wanted: bool = True) -> "tuple[subprocess.CompletedProcess[str], bytes]":
    ours, theirs = socket.socketpair()
    extra = os.open(os.devnull, os.O_RDONLY)
    ours.sendall(b"1" * wanted)
    ours.shutdown(socket.SHUT_WR)
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", confine.__file__, str(theirs.fileno()), *words],
            pass_fds=(theirs.fileno(), extra),
            env={"HOME": str(folder), "PATH": os.defpath, "PWD": "/elsewhere"},
            capture_output=True,
            text=True,
            check=False,
        )
        theirs.shutdown(socket.SHUT_WR)
        return done, ours.recv(10)
    finally:
        ours.close()
        theirs.close()
        os.close(extra)


def test_the_command_has_the_limits_and_little_else(tmp_path: Path) -> None:
    words = ("0", "1", "-1", "5", str(300 << 20), str(1 << 20), "0", "40")
    show = "pwd; cat /proc/self/limits /proc/self/oom_score_adj; grep SigIgn /proc/self/status; ls /proc/$$/fd"
    done, told = started(tmp_path, *words, "sh", "-c", show)
    assert told == b"1"
    lines = done.stdout.splitlines()
    assert lines[0] == str(tmp_path)
    limits = {line[:26].strip(): line[26:].split()[:2] for line in lines}
    assert limits["Max cpu time"] == ["5", "6"]
    assert limits["Max address space"] == [str(300 << 20)] * 2
    assert limits["Max file size"] == [str(1 << 20)] * 2
    assert limits["Max open files"] == ["40", "40"]
    assert limits["Max core file size"] == ["0", "0"]
    assert "1000" in lines
    (ignored,) = (int(line.split()[1], 16) for line in lines if line.startswith("SigIgn:"))
    # 32 and 33 are glibc's own (nptl(7)): nobody else can set them, and what make(1) starts has them ignored
    assert ignored & ~(1 << 31 | 1 << 32) == 0
    assert lines[-3:] == ["0", "1", "2"]


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    words = ("0", "1", "-1", "5", str(300 << 20), str(1 << 20), "0", "40")
    done, _ = started(tmp_path, *words, "no-such-program", "x")
    assert done.returncode == confine.NOT_FOUND
    assert done.stderr == "no-such-program cannot be started: [Errno 2] No such file or directory\n"


def test_nothing_begins_when_the_caller_is_gone(tmp_path: Path) -> None:
    words = ("0", "1", "-1", "5", str(300 << 20), str(1 << 20), "0", "40")
    done, told = started(tmp_path, *words, "touch", "written", wanted=False)
    assert (done.returncode, told, list(tmp_path.iterdir())) == (confine.NOT_STARTED, b"", [])


def test_a_limit_is_never_raised(tmp_path: Path) -> None:
    words = ("0", "1", "-1", "5", str(300 << 20), str(1 << 20), "0", str(1 << 30))
    done, _ = started(tmp_path, *words, "sh", "-c", "ulimit -Hn; ulimit -Hc")
    assert done.stdout.split() == [str(resource.getrlimit(resource.RLIMIT_NOFILE)[1]), "0"]
