"""One's own chat, watched while it runs: `lab server` in one place, what it prints as "Watch:" in another."""

import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.readers import read_segments
from tests.lab.demo.conftest import Lab


class Watched:
    """A server, and `lab capture live` that watches it."""

    def __init__(self, lab: Lab, *arguments: str) -> None:
        self.lab = lab
        self.server = lab.start(
            "server", "--plain-port=0", "--tls-port=0", f"--certs={lab.certs}", f"--keylog={lab.home / 'tls keys'}"
        )
        lines = iter(lambda: (self.server.stdout or pytest.fail("no output")).readline().decode(), "")
        line = next(line for line in lines if line.startswith("Watch:"))
        words = shlex.split(line)[4:]
        self.plain, self.tls = (int(words[words.index(option) + 1]) for option in ("--port", "--tls-port"))
        if "--engine=tshark" not in arguments:
            words = words[: words.index("--keylog")]
        self.watch = lab.start(*words, f"--keep={lab.keep}", *arguments)
        assert self.watch.stdout is not None
        assert self.watch.stdout.readline().startswith(b"Ready: ")

    def until(self, words: bytes) -> list[str]:
        """Return what is shown until a line holds `words`."""
        assert self.watch.stdout is not None
        found = []
        for line in iter(self.watch.stdout.readline, b""):
            found.append(line.decode())
            if words in line:
                return found
        pytest.fail(f"it ended without {words!r}: {found}")

    def say(self, words: bytes, *, tls: bool = False) -> None:
        with socket.create_connection(("127.0.0.1", self.tls if tls else self.plain)) as connection:
            talker = connection
            if tls:
                context = ssl.create_default_context(cafile=str(self.lab.certs / "ca.pem"))
                talker = context.wrap_socket(connection, server_hostname="localhost")
            talker.sendall(words)
            while talker.recv(1 << 16):
                pass
            talker.close()

    def end(self) -> str:
        self.watch.send_signal(signal.SIGINT)
        done = self.lab.end(self.watch)
        assert (done.status, done.err) == (0, "")
        return done.out


@pytest.fixture
def ended(on_loopback: Lab) -> Iterator[Lab]:
    yield on_loopback
    for process in on_loopback.processes.values():
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def capture_of(lab: Lab) -> Path:
    return lab.run_folder() / "capture.pcapng"


def test_both_chats_are_shown_while_they_run(ended: Lab) -> None:
    watched = Watched(ended, "--engine=tshark")
    watched.say(b"alice\nhello in plaintext\n!quit\n")
    plain = watched.until(b"hello in plaintext")[-1]
    watched.say(b"bob\nhello over TLS\n!quit\n", tls=True)
    opened = watched.until(b"hello over TLS")[-1]
    assert f"> 127.0.0.1:{watched.tls}  TLSv1.3  " in opened
    rest = watched.end()
    assert re.search(r"\d+ packets captured, 0 dropped, in ", rest)
    # the frame and the bytes that are named hold the words
    frame, first, last = map(int, re.match(r"frame (\d+), bytes (\d+)-(\d+) ", plain).groups())  # type: ignore[union-attr]
    (segment,) = (s for s in read_segments(capture_of(ended), "native") if s.frame == frame)
    assert b"hello in plaintext" in segment.payload
    assert (segment.offset, segment.offset + segment.length - 1) == (first, last)
    assert b"hello over TLS" not in capture_of(ended).read_bytes()


@pytest.mark.parametrize("engine", ["native", "pyshark"])
def test_every_engine_shows_plaintext_and_leaves_tls_closed(ended: Lab, engine: str) -> None:
    watched = Watched(ended, f"--engine={engine}")
    watched.say(b"alice\nhello in plaintext\n!quit\n")
    watched.until(b"hello in plaintext")
    watched.say(b"bob\nhello over TLS\n!quit\n", tls=True)
    shown = "".join(watched.until(b"  17:03:03:"))
    assert "hello over TLS" not in shown + watched.end()


@pytest.mark.parametrize("engine", ["tshark", "pyshark"])  # the two with programs of their own
def test_ctrl_c_reaches_every_program_of_the_terminal(ended: Lab, engine: str) -> None:
    watched = Watched(ended, f"--engine={engine}")
    watched.say(b"alice\nhello in plaintext\n!quit\n")
    watched.until(b"hello in plaintext")
    os.killpg(watched.watch.pid, signal.SIGINT)
    done = ended.end(watched.watch)
    assert (done.status, done.err) == (0, "")
    assert re.search(r"\d+ packets captured, 0 dropped, in ", done.out)


def test_the_program_that_its_output_goes_through_ends_first(ended: Lab) -> None:
    watched = Watched(ended, "--engine=native")
    assert watched.watch.stdout is not None
    watched.watch.stdout.close()
    watched.watch.stdout = None
    watched.watch.send_signal(signal.SIGINT)
    assert watched.watch.stderr is not None
    said = watched.watch.stderr.read().decode()
    assert watched.watch.wait(30) == 0
    assert re.fullmatch(r"\d+ packets captured, 0 dropped, in .*\n", said)


def test_a_file_that_is_no_key_log_is_left_alone(ended: Lab) -> None:
    homework = ended.home / "homework.txt"
    homework.write_text("my words\n")
    homework.chmod(0o644)
    done = ended.run("server", "--plain-port=0", "--tls-port=0", f"--certs={ended.certs}", f"--keylog={homework}")
    assert done.status == 1
    assert "homework.txt is not a key log" in done.sentence
    assert homework.read_text() == "my words\n"
    assert homework.stat().st_mode & 0o777 == 0o644


def test_a_full_file_ends_it(ended: Lab) -> None:
    watched = Watched(ended, "--engine=native", "--size=1")
    for _ in range(40):
        watched.say(b"alice\n" + b"x" * 60_000 + b"\n!quit\n")
        if watched.watch.poll() is not None:
            break
    done = ended.end(watched.watch)
    assert (done.status, done.err) == (0, "")
    assert "The file is full (1 MB): the capture ended. " in done.out
    assert 900_000 < capture_of(ended).stat().st_size <= 1_000_000
    capinfos = subprocess.run(
        ["tshark", "-r", capture_of(ended), "-T", "fields", "-e", "frame.number"], capture_output=True, check=True
    )
    assert len(capinfos.stdout.splitlines()) > 10
