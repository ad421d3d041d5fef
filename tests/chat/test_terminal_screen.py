"""The input line, its keys, and what a terminal can be like."""

import asyncio
import re
import signal
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from chat.security import Lock
from chat.server import Server
from tests.chat.conftest import join
from tests.chat.terminals import client, heard, screen

Run = Callable[[Coroutine[None, None, None]], None]
pytestmark = pytest.mark.parametrize("run", ["asyncio"], indirect=True)  # the server's loop is nothing to a process

F1, F2, F3, F4, F5 = "\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~"
UP, CTRL_C, CTRL_D, BACKSPACE = "\x1b[A", "\x03", "\x04", "\x7f"


@pytest.mark.parametrize(("lock", "columns"), [(Lock.READABLE, 60), (Lock.VERIFIED, 60), (Lock.UNVERIFIED, 100)])
def test_the_keys(run: Run, lock: Lock, columns: int, server_context: ssl.SSLContext, certificate: Path) -> None:
    async def main() -> None:
        context = None if lock is Lock.READABLE else server_context
        async with (
            Server(port=0, context=context) as server,
            screen(*client(server, "bob", lock, "en", certificate), columns=columns) as bob,
        ):
            await bob.shows("^D leave")
            bob.press("draft")
            await bob.shows("draft")
            bob.press(F1)
            await bob.shows("* !users says who is here", "!eavesdropper shows", lock.value, "F3 wire")
            bob.press(F5)
            await bob.shows("Who can read this", "Certificate" if lock is Lock.READABLE else "SHA-256 fingerprint")
            bob.press(F3)
            await bob.shows("Nothing sent yet", "bob > draft")
            bob.press("\r")
            await bob.shows("bob > draft", "On the wire", "64:72:61:66:74:0a" if context is None else "17:03:03:")
            await bob.shows("Anyone reads", "draft" if context is None else "nothing: ")
            bob.press(F3)
            await bob.shows("what passes on the wire is shown no longer", "^D leave")
            bob.press(F2)
            await bob.shows("* 1 here: bob", "^D leave")
            bob.press(F4)
            await bob.shows("de aquí en adelante en español", "bob >", "| bob | En lobby: 1", "F4 English", "^D salir")
            for word, shown in (
                ("!usuarios", "* aquí hay 1: bob"),
                ("!candado", "Quién puede leer esto"),
                ("!espia", "En el cable"),
                ("!idioma", "from here on in English"),
            ):
                bob.press(word + "\r")
                await bob.shows(shown, "bob >")
            bob.press(CTRL_D)
            assert await bob.ends() == 0

    run(main())


@pytest.mark.parametrize("key", [CTRL_D, CTRL_C, signal.SIGINT, signal.SIGTERM])
def test_leaving_by_key_or_signal(run: Run, key: str | signal.Signals) -> None:
    async def main() -> None:
        async with Server(port=0) as server, await join(server, "alice") as alice:
            async with screen(*client(server, "bob")) as bob:
                await bob.shows("^D leave")
                if isinstance(key, str):
                    bob.press("last words\r" + key)
                else:
                    bob.process.send_signal(key)
                assert await bob.ends() == 0
                await bob.shows("You have left.")
                assert "Traceback" not in bob.shown
                assert bob.shown.count("\x1b[?2004h") == bob.shown.count("\x1b[?2004l")
            words = ["bob > last words"] if isinstance(key, str) else []
            await heard(alice, "* bob has come in", *words, "* bob has left")

    run(main())


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "vt100"}])
def test_without_colour(run: Run, environment: dict[str, str]) -> None:
    async def main() -> None:
        async with (
            Server(port=0) as server,
            await join(server, "alice") as alice,
            screen(*client(server, "bob"), columns=60, **environment) as bob,
        ):
            await bob.shows("readable by anyone | bob | In lobby: 2")
            await alice.send("hi")
            await bob.shows("alice > hi", "bob >", "readable by anyone")
            bob.press(CTRL_D)
            assert await bob.ends() == 0
            assert not re.search(r"\x1b\[[0-9;]*[34][0-7]\b[0-9;]*m", bob.shown)

    run(main())


def test_wide_characters_and_emoji(run: Run) -> None:
    name = "一二三四五六七八九十一二三四五六七八九十"

    async def main() -> None:
        async with (
            Server(port=0) as server,
            await join(server, "alice") as alice,
            screen(*client(server, name), columns=60) as bob,
        ):
            await bob.shows(name, "readable by anyone", name, "In lobby: 2")
            await heard(alice, f"* {name} has come in")
            bob.press("👨\u200d👩 漢字")
            await bob.shows("👨~👩 漢字")
            bob.press("\x1b[D" * 2 + "X\r")
            await heard(alice, f"{name} > 👨\u200d👩 X漢字")
            await alice.send("漢字" * 40)
            await bob.shows("alice > 漢字", "In lobby: 2")
            assert "\n      漢字" in bob.plain
            bob.press(CTRL_D)
            assert await bob.ends() == 0
            assert bob.widest <= 60

    run(main())


def test_a_pasted_page_becomes_one_line(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server, await join(server, "alice") as alice:
            async with screen(*client(server, "bob")) as bob:
                await bob.shows("^D leave")
                bob.press("\x1b[200~one\r\ntwo\nthree\x1b[201~\r")
                await heard(alice, "* bob has come in", "bob > one two three")
                await bob.shows("bob > one two three")
            await heard(alice, "* bob has left")

    run(main())


def test_giving_up_waiting(run: Run) -> None:
    async def main() -> None:
        asked, done = asyncio.Event(), asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            asked.set()
            await reader.read()
            writer.close()
            done.set()

        async with (
            await asyncio.start_server(silent, "127.0.0.1", 0) as server,
            screen(*client(server.sockets[0].getsockname()[1], "bob"), columns=60) as bob,
        ):
            await bob.shows("Connecting …", "^C give up")
            await asked.wait()
            bob.press(CTRL_C)
            assert await bob.ends() == 0
            await done.wait()

    run(main())
