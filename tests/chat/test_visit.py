"""What a person does in an order that no screen would show: twice, too early, or when nothing answers any more."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from chat.model import Kind, Login, Model, Stage
from chat.security import Lock
from chat.server import Server
from chat.visit import Visit
from chat.words import Words
from tests.chat.conftest import join

Run = Callable[[Coroutine[None, None, None]], None]


class Person:
    """A visit that is under way."""

    def __init__(self, port: int, name: str) -> None:
        self.model = Model(Words("en"))
        self.visit = Visit(self.model, {}, Login(name, "127.0.0.1", port, Lock.READABLE))
        self._news = asyncio.Event()
        self.visit.changed = self._news.set
        self.running = asyncio.create_task(self.visit.run())

    async def until(self, true: Callable[[], object]) -> None:
        while not true():
            self._news.clear()
            await self._news.wait()

    async def at(self, stage: Stage) -> None:
        await self.until(lambda: self.model.stage is stage)

    def texts(self, kind: Kind) -> list[str]:
        return [self.model.text(entry) for entry in self.model.entries if entry.kind is kind]


def test_what_was_typed_leaves_before_the_person_does(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server, await join(server, "alice") as alice:
            bob = Person(server.address[1], "bob")
            await bob.at(Stage.INSIDE)
            for text in ("one", "two", " ", "!quit"):
                bob.visit.enter(text)
            assert await bob.running == 0
            heard = [await alice.receive() for _ in range(4)]
            assert heard == ["* bob has come in", "bob > one", "bob > two", "* bob has left"]

    run(main())


def test_connecting_again_twice_connects_once(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server:
            port = server.address[1]
            bob = Person(port, "bob")
            await bob.at(Stage.INSIDE)
        await bob.at(Stage.LOST)
        async with Server(port=port) as server, await join(server, "alice") as alice:
            bob.visit.enter("kept")
            bob.visit.enter("kept")
            await bob.at(Stage.INSIDE)
            assert bob.model.draft == "kept"
            bob.visit.enter("kept")
            heard = [await alice.receive() for _ in range(2)]
            assert heard == ["* bob has come in", "bob > kept"]
            bob.visit.leave()
            assert await bob.running == 0

    run(main())


def test_only_the_wait_for_another_connection_is_given_up(run: Run) -> None:
    async def main() -> None:
        asked, visits = asyncio.Event(), 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal visits
            visits += 1
            await reader.readline()
            if visits == 1:
                writer.write(b"* welcome, bob. 1 here: bob\n")
            else:
                asked.set()
                await reader.read()
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            bob = Person(server.sockets[0].getsockname()[1], "bob")
            await bob.at(Stage.LOST)
            bob.visit.enter("kept")
            await asked.wait()
            bob.visit.leave()
            await bob.at(Stage.LOST)
            assert bob.model.draft == "kept"
            assert not bob.running.done()
            bob.visit.leave()
            assert await bob.running == 1

    run(main())


@pytest.mark.parametrize("run", ["asyncio"], indirect=True)
def test_a_server_that_reads_no_more_does_not_keep_anybody(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.visit._FINISHING", 0.1)
    monkeypatch.setattr("chat.session._LEAVING", 0.1)

    async def main() -> None:
        leaving, done = asyncio.Event(), asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(b"* welcome, bob. 1 here: bob\n")
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's can
            await leaving.wait()
            writer.transport.abort()
            done.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024) as server:
            bob = Person(server.sockets[0].getsockname()[1], "bob")
            await bob.at(Stage.INSIDE)
            for _ in range(5000):
                bob.visit.enter("x" * 1000)
            bob.visit.leave()
            async with asyncio.timeout(8):
                assert await bob.running == 0
            leaving.set()
            await done.wait()

    run(main())


def test_help_without_a_server(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server:
            bob = Person(server.address[1], "")
            await bob.until(lambda: bob.visit.asking)
            bob.visit.enter("!help")
            bob.visit.enter("!idioma")
            assert (bob.visit.help, bob.model.words.language) == (1, "es")
            bob.visit.enter("bob")
            await bob.at(Stage.INSIDE)
            bob.visit.ask(("!help", "!ayuda"))
            await bob.until(lambda: bob.texts(Kind.CLIENT))
            assert bob.model.sent_last is None, "nothing was said"
            bob.visit.leave()
            assert await bob.running == 0

    run(main())
