"""Programs on a pseudo-terminal or in pipes: what they wrote, and keys to press."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from prompt_toolkit.utils import get_cwidth

from chat.client import Client
from chat.security import Lock
from chat.server import Server

ROOT = Path(__file__).parents[2]
# What `python -m lab client` comes down to: port, name, lock, language, and the certificate to trust for TLS.
PROGRAM = """
import asyncio, ssl, sys
from chat.model import Login
from chat.security import Lock
from chat.terminal import run
from chat.words import Words
host, port, name, lock, language, trusted = sys.argv[1:]
anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
contexts = {Lock.UNVERIFIED: anybody, Lock.VERIFIED: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}
if trusted:
    contexts[Lock.VERIFIED].load_verify_locations(trusted)
login = Login(name, host, int(port), Lock[lock])
explain = lambda error: f"{error} (explained)"
sys.exit(asyncio.run(run(login, contexts, words=Words(language), explain=explain)))
"""


def client(
    where: Server | int, name: str = "", lock: Lock = Lock.READABLE, language: str = "en", trusted: Path | str = ""
) -> list[str]:
    """Return the command of a client."""
    port = where if isinstance(where, int) else where.address[1]
    host = "localhost" if lock is Lock.VERIFIED else "127.0.0.1"
    python = [sys.executable, "-W", "error", "-c", PROGRAM]
    return [*python, host, str(port), name, lock.name, language, str(trusted)]


class Screen:
    """A program on a pseudo-terminal."""

    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self.process, self._master = process, master
        self.shown, self._from = "", 0
        self._news = asyncio.Event()

    def on_output(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the program has ended
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._master)
        self.shown += data.decode(errors="replace")
        self._news.set()

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    async def shows(self, *texts: str) -> None:
        """Wait until it shows these texts one after another, after the last one waited for; rows may break in them."""
        for text in texts:
            while text not in self.flat[self._from :]:
                self._news.clear()
                try:
                    async with asyncio.timeout(6):
                        await self._news.wait()
                except TimeoutError:
                    pytest.fail(f"{text!r} is not in {self.flat[self._from :]!r}")
            self._from = self.flat.index(text, self._from) + len(text)

    async def ends(self) -> int:
        """Wait until it has ended; return its exit status."""
        return await self.process.wait()

    @property
    def plain(self) -> str:
        """What it wrote without colours; where the cursor steps over blanks, they are written."""
        text = re.sub(r"\x1b\[(\d*)C", lambda step: " " * int(step[1] or 1), self.shown)
        return re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[=>])", "", text)

    @property
    def flat(self) -> str:
        """The same, every blank and every end of a row one space."""
        return re.sub(r"\s+", " ", self.plain)

    @property
    def widest(self) -> int:
        """How wide the widest row is that was drawn; one drawn over is cut where the cursor went back."""
        rows = re.split(r"[\r\n\x08]|\x1b\[\d*[DABKJH]", self.shown)
        plain = (re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]", "", row) for row in rows)
        return max(sum(map(get_cwidth, row)) for row in plain)


async def heard(listener: Client, *expected: str) -> None:
    """Check what somebody else in the room reads next."""
    assert [await listener.receive() for _ in expected] == list(expected)


def kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # not process.kill(): it reaps one that has just ended behind the loop's back
        os.kill(process.pid, signal.SIGKILL)


@asynccontextmanager
async def screen(*arguments: str, columns: int = 100, **environment: str) -> AsyncIterator[Screen]:
    """Run a program on a pseudo-terminal."""
    master, slave = pty.openpty()
    loop = asyncio.get_running_loop()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        clean = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")}
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            start_new_session=True,
            env=clean | {"TERM": "xterm-256color"} | environment,
        )
        os.close(slave)
        slave = -1
        made = Screen(process, master)
        loop.add_reader(master, made.on_output)
        try:
            yield made
        finally:
            if process.returncode is None:
                kill(process)
            await process.wait()
    finally:
        loop.remove_reader(master)
        os.close(master)
        if slave != -1:
            os.close(slave)


@asynccontextmanager
async def piped(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program in pipes."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT)
    try:
        yield process
    finally:
        if process.returncode is None:
            kill(process)
        await process.communicate()
