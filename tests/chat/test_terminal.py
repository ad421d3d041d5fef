"""The client as people meet it on a terminal: every state, wide and narrow, in plaintext and over TLS.

The terminals are real ones of the kernel; what is looked at is all that was written to them.
"""

import asyncio
import re
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from chat.security import Lock
from chat.server import Server
from tests.chat.conftest import Wire, join
from tests.chat.terminals import client, heard, screen

Run = Callable[[Coroutine[None, None, None]], None]
pytestmark = pytest.mark.parametrize("run", ["asyncio"], indirect=True)  # the server's loop is nothing to a process

F1, F2, F3, F4, F5 = "\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~"
UP, CTRL_C, CTRL_D, BACKSPACE = "\x1b[A", "\x03", "\x04", "\x7f"


def lock_of(wire: Wire) -> Lock:
    return Lock.VERIFIED if wire[0] else Lock.READABLE


def test_a_conversation(run: Run, wire: Wire, certificate: Path) -> None:
    lock, columns = lock_of(wire), 100 if wire[0] else 60

    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server, await join(server, "alice", wire[1]) as alice:
            command = client(server, "bob", lock, "en", certificate)
            async with screen(*command, columns=columns) as bob:
                await bob.shows("* welcome, bob. 2 here: alice, bob", "bob >")
                await bob.shows(f"{lock.value} | bob | In lobby: 2", "F1 help", "F2 users", "F5 lock", "^D leave")
                await heard(alice, "* bob has come in")
                bob.press("half")
                await bob.shows("half")
                await alice.send("¡hola! 👋")
                await bob.shows("alice > ¡hola! 👋", "bob > half")  # drawn again, with what is being typed
                bob.press(" a line\r")
                await heard(alice, "bob > half a line")
                await bob.shows("bob > half a line", "In lobby: 2")
                assert re.search(r"\x1b\[[0-9;]*3[1-6][0-9;]*malice", bob.shown)
                assert re.search(r"\x1b\[[0-9;]*2m\d\d:\d\d ", bob.shown)  # the time, dim
                bob.press(UP + "\r")
                await heard(alice, "bob > half a line")
                bob.press("!nonsense\r")
                await bob.shows("! There is no such command", "bob > !nonsense")
                bob.press(BACKSPACE * len("!nonsense") + "!msg alice psst\r")
                await heard(alice, "bob to alice > psst")
                await bob.shows("bob, to alice alone > psst")
                await alice.send("!msg bob shh")
                await bob.shows("alice, to you alone > shh")
                await alice.send("word " * 30)
                await bob.shows("word word", "In lobby: 2")
                assert "\n      word" in bob.plain
                bob.press("!join attic\r")
                await bob.shows("* you are in the room attic now. 1 here: bob", "In attic: 1")
                bob.press("hi\r!salir\r")
                assert await bob.ends() == 0
                await bob.shows("You have left.")
                assert bob.widest <= columns
            await heard(alice, "* bob has left")

    run(main())


def test_spanish(run: Run) -> None:
    async def main() -> None:
        async with (
            Server(port=0) as server,
            await join(server, "alice"),
            screen(*client(server, language="es"), columns=60) as bob,
        ):
            await bob.shows("Tu nombre:", "sin conexión", "F4 English", "^D salir")
            bob.press("alice\r")
            await bob.shows("! El nombre alice ya está en uso", "Tu nombre:")
            bob.press("!ayuda\r")
            await bob.shows("di tu nombre para entrar", "Tu nombre:")
            bob.press("bob\r")
            await bob.shows("* te damos la bienvenida, bob. Aquí hay 2: alice, bob")
            await bob.shows("lo puede leer cualquiera | bob | En lobby: 2")
            await bob.shows("F1 ayuda", "F2 usuarios", "F5 candado", "^D salir")
            bob.press(CTRL_D)
            assert await bob.ends() == 0
            await bob.shows("Has salido.")

    run(main())


def test_a_name_is_asked_for_until_it_is_accepted(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server, await join(server, "alice") as alice:
            async with screen(*client(server, "a name"), columns=60) as bob:
                await bob.shows("! A name is made of letters", "Your name:", "not connected")
                bob.press("ALICE\r")
                await bob.shows("! The name ALICE is taken", "Your name:")
                bob.press("\r" + F4)
                await bob.shows("de aquí en adelante en español", "Tu nombre:")
                bob.press("!language\rbob\r")
                await bob.shows("* welcome, bob.", "readable by anyone | bob")
                bob.press(CTRL_D)
                assert await bob.ends() == 0
            await heard(alice, "* bob has come in", "* bob has left")

    run(main())


def test_nobody_is_asked_for_a_name_in_vain(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server:
            port = server.address[1]
        async with screen(*client(port)) as bob:
            await bob.shows(f"! Nothing listens at 127.0.0.1:{port}: start the server, or check the address.")
            await bob.shows("(explained)")
            assert await bob.ends() == 1
            assert "Your name" not in bob.plain
        async with screen(*client(port, language="es")) as bob:
            await bob.shows(f"! Nadie escucha en 127.0.0.1:{port}")
            assert await bob.ends() == 1

    run(main())


def test_a_certificate_that_is_not_to_be_trusted(run: Run, server_context: ssl.SSLContext) -> None:
    async def main() -> None:
        async with Server(port=0, context=server_context) as server:
            for name in ("", "bob"):
                async with screen(*client(server, name, Lock.VERIFIED)) as bob:
                    await bob.shows("! The certificate of localhost:", "(explained)")
                    assert await bob.ends() == 1
                    assert "Your name" not in bob.plain

    run(main())


def test_lost_and_connected_again(run: Run, wire: Wire, certificate: Path) -> None:
    columns = 60 if wire[0] else 100

    async def main() -> None:
        server = await Server(port=0, context=wire[0]).__aenter__()
        port = server.address[1]
        command = client(server, "bob", lock_of(wire), "en", certificate)
        async with screen(*command, columns=columns) as bob:
            try:
                await bob.shows("^D leave")
                bob.press("precious words")
                await bob.shows("precious words")
            finally:
                await server.__aexit__(None, None, None)
            await bob.shows("* the server is closing", "! The connection is gone: the server ended the connection.")
            await bob.shows("- The connection is lost", "bob > precious words", "not connected | bob")
            await bob.shows("Enter connect again", "F4 Español", "^D leave")
            bob.press("!")
            bob.press("\r")
            await bob.shows("! Nothing listens at ", "bob > precious words!", "Enter connect again")
            async with Server(port=port, context=wire[0]) as again, await join(again, "alice", wire[1]) as alice:
                bob.press("\r")
                await bob.shows("* welcome, bob. 2 here: alice, bob", "bob > precious words!", "In lobby: 2")
                bob.press("\r")
                await heard(alice, "* bob has come in", "bob > precious words!")
                bob.press(CTRL_D)
                assert await bob.ends() == 0

    run(main())


def test_leaving_what_is_lost(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server:
            bob = screen(*client(server, "bob"))
            shown = await bob.__aenter__()
            await shown.shows("^D leave")
        try:
            await shown.shows("Enter connect again")
            shown.press("!help\r")
            await shown.shows("- Enter connects again; !language switches")
            shown.press("!quit\r")
            assert await shown.ends() == 1
        finally:
            await bob.__aexit__(None, None, None)

    run(main())


def test_a_name_lost_with_the_connection(run: Run) -> None:
    """Somebody else has it when one comes back; what was typed waits until there is another one."""

    async def main() -> None:
        server = await Server(port=0).__aenter__()
        async with screen(*client(server, "bob")) as bob:
            try:
                await bob.shows("^D leave")
                bob.press("my words")
                await bob.shows("my words")
            finally:
                await server.__aexit__(None, None, None)
            await bob.shows("Enter connect again")
            async with Server(port=server.address[1]) as again, await join(again, "bob") as other:
                bob.press("\r")
                await bob.shows("! The name bob is taken", "Your name:")
                bob.press("rob\r")
                await bob.shows("* welcome, rob.", "rob > my words")
                bob.press("\r")
                await heard(other, "* rob has come in", "rob > my words")

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
            screen(*client(server.sockets[0].getsockname()[1], "bob")) as bob,
        ):
            await bob.shows("mallory > \\x1b]0;owned\\x07\\x9b2J \\u202egnp")
            assert "\x1b]0;owned" not in bob.shown
            assert "\x9b" not in bob.shown
            assert "\u202e" not in bob.shown

    run(main())
