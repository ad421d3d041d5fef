"""Ctrl-C, and the other ways a person ends a run, at many moments of it."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess

import pytest

from tests.lab.demo.conftest import Lab
from tests.lab.demo.test_faults import only_capture, readable

INTERRUPTED = 130
PORTS = range(20_000, 32_000)
# Seconds from the start of the process; a run takes a little over one, some of it imports.
MOMENTS = (0.02, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.2)


def free_port() -> int:
    """A port that nobody is given by chance: systems hand out those from 32768 on, and other tests ask for many."""
    while True:
        port = secrets.choice(PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def stop_after(lab: Lab, moment: float, *arguments: str, times: int = 1) -> None:
    """Send Ctrl-C to everything in the process group, as a terminal does, and check how it ends."""
    ports = free_port(), free_port()
    # What is being opened in the very moment of the signal nobody can close; Python says so only where it is asked to.
    unasked = {"PYTHONWARNINGS": "ignore::ResourceWarning"}
    # Held back until the lab can take it, as in a private loopback: Python's own start ends in a traceback of Python's.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process = lab.start(*lab.demo(f"--plain-port={ports[0]}", f"--tls-port={ports[1]}", *arguments), env=unasked)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        for _ in range(times):
            os.killpg(process.pid, signal.SIGINT)
    done = lab.end(process)
    for port in ports:
        # SO_REUSEADDR, as the server has it: only a listener would be in the way
        socket.create_server(("127.0.0.1", port)).close()
    if not done.err:  # it was too late, all was said
        assert done.status in (0, -signal.SIGINT)
        assert "Files:" in done.out
        return
    # Python ends itself with the signal where that came in the midst of an exec(), as the imports have many
    assert done.status in (INTERRUPTED, -signal.SIGINT)
    assert done.sentence.startswith("Stopped.")
    for folder in lab.keep.glob("*"):
        assert (folder / "capture.pcapng").stat().st_size
        assert str(folder) in done.sentence or "Files:" in done.out


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c(lab: Lab, moment: float) -> None:
    stop_after(lab, moment)


@pytest.mark.parametrize("moment", [0.2, 0.7])
def test_ctrl_c_many_times(lab: Lab, moment: float) -> None:
    stop_after(lab, moment, times=5)


@pytest.mark.parametrize("moment", [0.3, 0.8])
def test_ctrl_c_with_pyshark(live: Lab, moment: float) -> None:
    stop_after(live, moment, "--reader", "pyshark")


def test_ctrl_c_with_the_tap(lab: Lab) -> None:
    stop_after(lab, 0.45, "--way", "tap")


@pytest.mark.parametrize("moment", [0.4, 0.6, 0.9])  # sooner, a busy machine still starts Python itself
def test_ctrl_c_in_a_private_loopback(as_ordinary_user: Lab, moment: float) -> None:
    stop_after(as_ordinary_user, moment)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_in_mid_capture(live: Lab, conversation: object, number: signal.Signals) -> None:
    process = live.start(*live.demo("plain", "--messages", str(conversation)))
    live.captured(process, 20_000)
    process.send_signal(number)
    done = live.end(process)
    assert done.status == INTERRUPTED
    assert done.sentence.startswith("Stopped. What was captured is in ")
    assert "line 10 of a long talk" in readable(only_capture(live, done))


def test_sigterm_in_the_background_of_a_script(live: Lab, conversation: object) -> None:
    """A shell without job control starts what stands before `&` with SIGINT ignored."""
    background = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")
    process = live.start(*live.demo("plain", "--messages", str(conversation)), wrap=background)
    live.captured(process, 20_000)
    process.terminate()
    done = live.end(process)
    assert done.status == INTERRUPTED
    assert done.sentence.startswith("Stopped. What was captured is in ")
