"""`python -m lab` as a process."""

import signal
import subprocess
import sys

import pytest

LAB = [sys.executable, "-m", "lab"]


def test_it_runs() -> None:
    done = subprocess.run([*LAB, "decode", "--raw", "68:6f:6c:61"], capture_output=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"hola", b"")


@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), (["decode", "x"], 1), (["nothing"], 2)])
def test_exit_status(arguments: list[str], status: int) -> None:
    done = subprocess.run([*LAB, *arguments], capture_output=True, check=False, timeout=60)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr


def test_closed_standard_input() -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", *LAB, "decode"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == b"There is no standard input to read: give the hex as an argument.\n"


def test_nobody_reads_what_it_decodes() -> None:
    command = ["sh", "-c", '"$@" | head -c1', "sh", *LAB, "decode", "--raw", "61" * 60_000]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == (b"a", b"")


def test_no_room_for_what_it_decodes() -> None:
    command = ["sh", "-c", 'exec "$@" > /dev/full', "sh", *LAB, "decode", "61"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith(b"The output cannot be written (No space left on device)")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("number", "action"),
    [(signal.SIGINT, "-"), (signal.SIGTERM, "-"), (signal.SIGHUP, "-"), (signal.SIGTERM, "''")],
)
def test_a_signal_ends_it_with_a_sentence(number: signal.Signals, action: str) -> None:
    """Also where a shell has started it in the background, with SIGINT ignored."""
    command = ["sh", "-c", f'trap {action} INT; exec "$@"', "sh", *LAB, "decode", "--raw"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(b"61" * (1 << 17))  # more than a pipe holds: when it is written, the lab has begun
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (130, b"", b"Stopped.\n")


def test_nohup_is_respected() -> None:
    command = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *LAB, "decode", "--raw"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(b"61" * (1 << 17))
            process.send_signal(signal.SIGHUP)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (0, b"a" * (1 << 17), b"")


_LOST = """
import os, signal
import lab.cli, lab.__main__

class Interrupted:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):  # the signal is taken here, where nothing can be raised
            pass

class Broken:
    def __del__(self):
        raise ValueError("said as ever")

def command():
    Broken()
    Interrupted()
    signal.pause()

lab.cli.main = command
raise SystemExit(lab.__main__.run())
"""


def test_a_signal_that_python_gives_up_comes_again() -> None:
    done = subprocess.run([sys.executable, "-c", _LOST], capture_output=True, check=False, timeout=50)
    assert done.returncode == 130
    assert done.stderr.endswith(b"ValueError: said as ever\nStopped.\n")
    assert done.stderr.count(b"Exception ignored") == 1
