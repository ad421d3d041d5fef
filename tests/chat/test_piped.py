import asyncio
import os
import re
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from chat.security import Lock
from chat.server import Server
from tests.chat.conftest import Wire, join
from tests.chat.terminals import ROOT, client, kill, piped

Run = Callable[[Coroutine[None, None, None]], None]
pytestmark = pytest.mark.parametrize("run", ["asyncio"], indirect=True)  # the server's loop is nothing to a process


def test_a_script_in_pipes(run: Run, wire: Wire, certificate: Path) -> None:
    async def main() -> None:
        lock = Lock.VERIFIED if wire[0] else Lock.READABLE
        async with Server(port=0, context=wire[0]) as server, await join(server, "alice", wire[1]) as alice:
            async with piped(*client(server, "", lock, "es", certificate)) as bob:
                typed = "bob\n¿qué tal?\n!nonsense\n!msg - x\n!users\nlast, without an end".encode()
                out, err = await bob.communicate(typed)
                assert out.decode() == "* welcome, bob. 2 here: alice, bob\n* 2 here: alice, bob\n"
                assert err.decode().splitlines() == [
                    "! There is no such command: !help lists them.",
                    "! A name has at least one letter or digit: choose another one.",
                ]
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
                    subprocess.run, client(server, "bob"), stdin=typed, capture_output=True, cwd=ROOT, timeout=30
                )
            assert (bob.returncode, bob.stdout, bob.stderr) == (0, b"* welcome, bob. 2 here: alice, bob\n", b"")
            assert [await alice.receive() for _ in range(3)] == ["* bob has come in", "bob > hi", "* bob has left"]

    run(main())


def test_a_server_lost_under_a_script(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server:
            bob = piped(*client(server, "bob"))
            process = await bob.__aenter__()
            assert process.stdout is not None
            assert process.stderr is not None
            assert await process.stdout.readline() == b"* welcome, bob. 1 here: bob\n"
        try:
            assert await process.stdout.read() == b"* the server is closing\n"
            said = b"! The connection is gone: the server ended the connection. (explained)\n"
            assert await process.stderr.read() == said
            assert await process.wait() == 1
        finally:
            await bob.__aexit__(None, None, None)

    run(main())


def test_nobody_reads_the_output_any_more(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server, await join(server, "alice") as alice:
            receiving, sending = os.pipe()
            bob = await asyncio.create_subprocess_exec(
                *client(server, "bob"),
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
            port = server.address[1]
        async with piped(*client(port, "bob")) as bob:
            out, err = await bob.communicate(b"")
            assert out == b""
            assert re.fullmatch(rb"! Nothing listens at [^\n]+\. \(explained\)\n", err)
            assert bob.returncode == 1

    run(main())


def test_nothing_received_acts_on_whatever_shows_it(run: Run) -> None:
    async def evil(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write("* welcome, bob. 1 here: bob\nmallory > \x1b]0;owned\x07\x9b2J \u202egnp\n".encode())
        await reader.read()
        writer.close()

    async def main() -> None:
        async with (
            await asyncio.start_server(evil, "127.0.0.1", 0) as server,
            piped(*client(server.sockets[0].getsockname()[1], "bob")) as bob,
        ):
            assert bob.stdout is not None
            await bob.stdout.readline()
            assert await bob.stdout.readline() == b"mallory > \\x1b]0;owned\\x07\\x9b2J \\u202egnp\n"

    run(main())
