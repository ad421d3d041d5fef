import asyncio
import fcntl
import os
import pty
import re
import signal
import ssl
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from chat.client import Client
from chat.server import Server

Run = Callable[[Coroutine[None, None, None]], None]
Wire = tuple[ssl.SSLContext | None, ssl.SSLContext | None]

ROOT = Path(__file__).parents[2]
# What `python -m lab client` comes down to: address, name, and the certificate to trust for TLS.
PROGRAM = """
import asyncio, ssl, sys
from chat.terminal import run
host, port, name, trusted = sys.argv[1:]
context = None
if trusted:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(trusted)
hostname = "localhost" if context else None
sys.exit(asyncio.run(run(host, int(port), name or None, context=context, server_hostname=hostname)))
"""


def command(address: tuple[str, int], name: str = "", trusted: str = "") -> list[str]:
    return [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM, address[0], str(address[1]), name, trusted]


class Screen:
    """A program on a pseudo-terminal: what it wrote, and keys to press."""

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

    async def shows(self, text: str) -> None:
        """Wait until it shows this text, after the last one waited for; colours do not count.

        A space at the end of a prompt is no text: the cursor is moved over it.
        """
        while text not in self.plain[self._from :]:
            self._news.clear()
            try:
                async with asyncio.timeout(15):
                    await self._news.wait()
            except TimeoutError:
                pytest.fail(f"{text!r} is not in {self.shown!r}")
        self._from = self.plain.index(text, self._from) + len(text)

    @property
    def plain(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.shown)


def kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # not process.kill(): it reaps one that has just ended behind the loop's back
        os.kill(process.pid, signal.SIGKILL)


@asynccontextmanager
async def screen(*arguments: str, **environment: str) -> AsyncIterator[Screen]:
    master, slave = pty.openpty()
    loop = asyncio.get_running_loop()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        clean = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            start_new_session=True,
            env=clean | {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"} | environment,
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
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT)
    try:
        yield process
    finally:
        if process.returncode is None:
            kill(process)
        await process.communicate()


async def join(server: Server, name: str, context: ssl.SSLContext | None = None) -> Client:
    hostname = None if context is None else "localhost"
    return await Client.connect(*server.address, name, context=context, server_hostname=hostname)


def test_a_person_at_a_terminal(run: Run, wire: Wire, certificate: Path) -> None:
    async def main() -> None:
        trusted = str(certificate) if wire[0] else ""
        async with Server(port=0, context=wire[0]) as server, await join(server, "alice", wire[1]) as alice:
            async with screen(*command(server.address, "bob", trusted)) as bob:
                await bob.shows("* welcome, bob. 2 here: alice, bob")
                await bob.shows("bob >")
                assert await alice.receive() == "* bob has come in"
                bob.press("half")
                await bob.shows("half")
                await alice.send("¡hola! 👋")
                await bob.shows("alice > ¡hola! 👋")
                await bob.shows("bob >")  # drawn again: while a line is printed the terminal itself handles keys
                bob.press(" a line\r")
                assert await alice.receive() == "bob > half a line"
                bob.press("\x1b[A\r")  # the history
                assert await alice.receive() == "bob > half a line"
                bob.press("!nonsense\r")
                await bob.shows("! There is no such command")
                await bob.shows("bob >")
                bob.press("!usuarios\r")
                await bob.shows("* 2 here: alice, bob")
                await bob.shows("bob >")
                assert re.search(r"\x1b\[[0-9;]*3[1-6][0-9;]*malice", bob.shown)
                bob.press("!salir\r")
                assert await bob.process.wait() == 0
            assert await alice.receive() == "* bob has left"

    run(main())


@pytest.mark.parametrize("key", ["\x04", "\x03", signal.SIGINT])
def test_leaving_by_key_or_signal(run: Run, key: str | signal.Signals) -> None:
    async def main() -> None:
        async with Server(port=0) as server, await join(server, "alice") as alice:
            async with screen(*command(server.address, "bob")) as bob:
                await bob.shows("bob >")
                if isinstance(key, str):
                    bob.press(key)
                else:
                    bob.process.send_signal(key)
                assert await bob.process.wait() == 0
                assert "Traceback" not in bob.shown
            assert await alice.receive() == "* bob has come in"
            assert await alice.receive() == "* bob has left"

    run(main())


def test_no_color_is_respected(run: Run) -> None:
    async def main() -> None:
        async with (
            Server(port=0) as server,
            await join(server, "alice") as alice,
            screen(*command(server.address, "bob"), NO_COLOR="1") as bob,
        ):
            await bob.shows("bob >")
            await alice.send("hi")
            await bob.shows("alice > hi")
            await bob.shows("bob >")
            bob.press("\x04")
            assert await bob.process.wait() == 0
            assert not re.search(r"\x1b\[[0-9;]*[34][0-7]\b[0-9;]*m", bob.shown)

    run(main())


def test_a_name_is_asked_for_until_it_is_accepted(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server, await join(server, "alice") as alice:
            async with screen(*command(server.address)) as bob:
                await bob.shows("Your name:")
                bob.press("ALICE\r")
                await bob.shows("! The name ALICE is taken: choose another one.")
                await bob.shows("Your name:")
                bob.press("bob\r")
                await bob.shows("* welcome, bob.")
                await bob.shows("bob >")
                bob.press("\x04")
                assert await bob.process.wait() == 0
            assert await alice.receive() == "* bob has come in"

    run(main())


def test_a_lost_server_is_shown_and_what_was_typed_is_kept(run: Run, wire: Wire, certificate: Path) -> None:
    async def main() -> None:
        trusted = str(certificate) if wire[0] else ""
        async with Server(port=0, context=wire[0]) as server:
            bob = screen(*command(server.address, "bob", trusted))
            shown = await bob.__aenter__()
            await shown.shows("bob >")
            shown.press("precious words")
            await shown.shows("precious")
        try:
            await shown.shows("* the server is closing")
            await shown.shows("! not sent: precious words")
            await shown.shows("! The connection is gone: the server ended the connection.")
            assert await shown.process.wait() == 1
            assert "Traceback" not in shown.shown
        finally:
            await bob.__aexit__(None, None, None)

    run(main())


def test_nothing_received_acts_on_the_terminal(run: Run) -> None:
    async def evil(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write("* welcome, bob. 1 here: bob\nmallory > \x1b]0;owned\x07\x9b2J \u202egnp\n".encode())
        await reader.read()
        writer.close()

    async def main() -> None:
        async with (
            await asyncio.start_server(evil, "127.0.0.1", 0) as server,
            screen(*command(server.sockets[0].getsockname(), "bob")) as bob,
        ):
            await bob.shows("mallory > \\x1b]0;owned\\x07\\x9b2J \\u202egnp")
            assert "\x1b]0;owned" not in bob.shown
            assert "\x9b" not in bob.shown
            assert "\u202e" not in bob.shown

    run(main())


def test_a_script_in_pipes(run: Run, wire: Wire, certificate: Path) -> None:
    async def main() -> None:
        trusted = str(certificate) if wire[0] else ""
        async with Server(port=0, context=wire[0]) as server, await join(server, "alice", wire[1]) as alice:
            async with piped(*command(server.address, "", trusted)) as bob:
                typed = "bob\n¿qué tal?\n!nonsense\n!users\nlast, without an end".encode()
                out, err = await bob.communicate(typed)
                assert out.decode() == "* welcome, bob. 2 here: alice, bob\n* 2 here: alice, bob\n"
                assert err.decode() == "! There is no such command: use !users or !usuarios or !quit or !salir.\n"
                assert bob.returncode == 0
            heard = [await alice.receive() for _ in range(4)]
            assert heard == ["* bob has come in", "bob > ¿qué tal?", "bob > last, without an end", "* bob has left"]

    run(main())


def test_a_script_in_a_file(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        script = tmp_path / "script"
        script.write_text("hi\n!quit\nnever sent\n")
        async with Server(port=0) as server, await join(server, "alice") as alice:
            with script.open() as typed:
                bob = await asyncio.to_thread(
                    subprocess.run,
                    command(server.address, "bob"),
                    stdin=typed,
                    capture_output=True,
                    cwd=ROOT,
                    timeout=30,
                )
            assert (bob.returncode, bob.stdout, bob.stderr) == (0, b"* welcome, bob. 2 here: alice, bob\n", b"")
            assert [await alice.receive() for _ in range(3)] == ["* bob has come in", "bob > hi", "* bob has left"]

    run(main())


def test_a_server_lost_under_a_script(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server:
            bob = piped(*command(server.address, "bob"))
            process = await bob.__aenter__()
            assert process.stdout is not None
            assert process.stderr is not None
            assert await process.stdout.readline() == b"* welcome, bob. 1 here: bob\n"
        try:
            assert await process.stdout.read() == b"* the server is closing\n"
            assert await process.stderr.read() == b"! The connection is gone: the server ended the connection.\n"
            assert await process.wait() == 1
        finally:
            await bob.__aexit__(None, None, None)

    run(main())


def test_nobody_reads_the_output_any_more(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server, await join(server, "alice") as alice:
            receiving, sending = os.pipe()
            bob = await asyncio.create_subprocess_exec(
                *command(server.address, "bob"),
                stdin=asyncio.subprocess.PIPE,
                stdout=sending,
                stderr=asyncio.subprocess.PIPE,
                cwd=ROOT,
            )
            try:
                os.close(sending)
                assert await alice.receive() == "* bob has come in"
                os.close(receiving)
                await alice.send("anybody?")
                assert await alice.receive() == "* bob has left"
                assert bob.stderr is not None
                assert await bob.stderr.read() == b""
                assert await bob.wait() == 0
            finally:
                if bob.returncode is None:
                    kill(bob)
                await bob.communicate()

    run(main())


def test_no_server(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server:
            address = server.address
        async with piped(*command(address, "bob")) as bob:
            out, err = await bob.communicate(b"")
            assert out == b""
            assert re.fullmatch(rb"! Nothing listens at [^\n]+\.\n", err)
            assert bob.returncode == 1

    run(main())
