"""A terminal that can only print; `test_terminal` has every state on one that can do more."""

import signal
from collections.abc import Callable, Coroutine

import pytest

from chat.server import Server
from tests.chat.conftest import join
from tests.chat.terminals import client, heard, screen

Run = Callable[[Coroutine[None, None, None]], None]
pytestmark = pytest.mark.parametrize("run", ["asyncio"], indirect=True)  # the server's loop is nothing to a process


def test_a_terminal_that_can_only_print(run: Run) -> None:
    async def main() -> None:
        server = await Server(port=0).__aenter__()
        async with screen(*client(server), columns=60, TERM="dumb") as bob:
            try:
                await bob.shows("[not connected | 127.0.0.1:", "Your name:")
                bob.press("bob\n")
                await bob.shows("* welcome, bob. 1 here: bob", "[readable by anyone | bob]")
                async with await join(server, "alice") as alice:
                    await bob.shows("* alice has come in")
                    await alice.send("word " * 20)
                    await bob.shows("alice > " + " ".join(["word"] * 20))
                    assert "\n      word" in bob.plain
                    bob.press("hello\n!espia\n!candado\n")
                    await heard(alice, "bob > hello")
                    await bob.shows("68:65:6c:6c:6f:0a", "Who can read this")
                await bob.shows("* alice has left")
            finally:
                await server.__aexit__(None, None, None)
            await bob.shows("- The connection is lost", "[not connected | bob | Enter connect again]")
            bob.press("kept\n")
            await bob.shows("! Nothing listens at", "! not sent yet: kept")
            async with Server(port=server.address[1]) as again, await join(again, "alice") as alice:
                bob.press("\n")
                await bob.shows("* welcome, bob.", "[readable by anyone | bob]", "! not sent yet: kept")
                bob.press("before\n\n")
                await heard(alice, "* bob has come in", "bob > before", "bob > kept")
                await bob.shows("bob > kept")
                bob.process.send_signal(signal.SIGINT)
                assert await bob.ends() == 0
                await bob.shows("You have left.")
                assert "\x1b" not in bob.shown

    run(main())
