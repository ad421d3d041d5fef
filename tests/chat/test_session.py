"""A person's connection against a real server; the other people in the room are clients without a face."""

import asyncio
import queue
import ssl
import threading
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from chat.client import Client
from chat.limits import Limits
from chat.model import Kind, Login, Model, Stage
from chat.security import Lock
from chat.server import Server
from chat.session import Carry, Session, here
from chat.words import Words

Run = Callable[[Coroutine[None, None, None]], None]


class Person:
    """A model and its session; `until` waits for a change that makes something true."""

    def __init__(self, contexts: dict[Lock, ssl.SSLContext] | None = None, *, carry: Carry = here) -> None:
        self.model = Model(Words("en"))
        self._news = asyncio.Event()
        self.changes = 0
        self.session = Session(self.model, contexts or {}, self._changed, carry=carry)

    def _changed(self) -> None:
        self.changes += 1
        self._news.set()

    async def until(self, true: Callable[[], object]) -> None:
        while not true():
            self._news.clear()
            await self._news.wait()

    def texts(self, *kinds: Kind) -> list[str]:
        return [self.model.text(entry) for entry in self.model.entries if not kinds or entry.kind in kinds]


def stage(person: Person) -> Stage:
    return person.model.stage


def to(server: Server, name: str = "alice", lock: Lock = Lock.READABLE) -> Login:
    return Login(name, "localhost" if lock is Lock.VERIFIED else "127.0.0.1", server.address[1], lock)


@pytest.mark.parametrize("lock", Lock)
def test_a_conversation(
    run: Run, lock: Lock, contexts: dict[Lock, ssl.SSLContext], server_context: ssl.SSLContext
) -> None:
    async def main() -> None:
        secure = None if lock is Lock.READABLE else server_context
        async with Server(port=0, context=secure) as server:
            alice, bob = Person(contexts), Person(contexts)
            await alice.session.connect(to(server, "alice", lock))
            assert stage(alice) is Stage.INSIDE
            assert alice.model.security.lock is lock
            await bob.session.connect(to(server, "bob", lock))
            await alice.until(lambda: alice.model.users == ("alice", "bob"))
            await alice.session.send("hello")
            assert alice.texts(Kind.OWN) == ["hello"]
            await bob.until(lambda: "hello" in bob.texts(Kind.SAID))
            assert alice.model.sent_last is not None
            assert (alice.model.sent_last.wire == b"hello\n") == (lock is Lock.READABLE)
            await bob.session.send("!msg alice psst")
            await alice.until(lambda: alice.texts(Kind.PRIVATE) == ["psst"])
            await bob.session.send("!salir")
            assert stage(bob) is Stage.LEFT
            await alice.until(lambda: alice.model.users == ("alice",))
            await alice.session.leave()
            assert stage(alice) is Stage.LEFT

    run(main())


def test_nobody_is_there(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server:
            login = to(server)
        person = Person()
        await person.session.connect(login)
        assert stage(person) is Stage.SETTING_UP
        assert person.model.problem is not None
        assert person.model.words.notice(person.model.problem).startswith("Nothing listens at 127.0.0.1:")

    run(main())


def test_a_name_that_is_taken(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server, await Client.connect(*server.address, "alice"):
            person = Person()
            await person.session.connect(to(server))
            assert stage(person) is Stage.SETTING_UP
            await person.session.connect(to(server, "a name with spaces"))
            assert stage(person) is Stage.SETTING_UP
            await person.session.connect(to(server, "carol"))
            assert stage(person) is Stage.INSIDE
            await person.session.close()

    run(main())


def test_giving_up_waiting(run: Run) -> None:
    async def main() -> None:
        asked, done = asyncio.Event(), asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            asked.set()
            await reader.read()
            writer.close()
            await writer.wait_closed()
            done.set()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            person = Person()
            login = Login("alice", "127.0.0.1", server.sockets[0].getsockname()[1], Lock.READABLE)
            connecting = asyncio.create_task(person.session.connect(login))
            await asked.wait()
            assert stage(person) is Stage.CONNECTING
            person.session.give_up()
            await connecting
            assert stage(person) is Stage.SETTING_UP
            assert person.model.problem is None
            await done.wait()

    run(main())


def test_lost_and_connected_again(run: Run) -> None:
    async def main() -> None:
        person = Person()
        async with Server(port=0) as server:
            login = to(server)
            await person.session.connect(login)
            await person.session.send("before")
            person.model.draft = "half a sent"
        await person.until(lambda: stage(person) is Stage.LOST)
        assert "the server is closing" in person.texts()
        await person.session.send("nobody hears this")
        assert person.model.draft == "nobody hears this half a sent"
        async with Server(port=login.port):
            await person.session.connect(login)
            assert stage(person) is Stage.INSIDE
            assert "before" in person.texts()
            await person.session.close()

    run(main())


def test_what_the_server_would_refuse_is_said(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server:
            person = Person()
            await person.session.connect(to(server))
            await person.session.send("!kick bob")
            assert person.texts(Kind.ERROR) == ["There is no such command: !help lists them."]
            await person.session.close()
            await person.session.close()

    run(main())


def test_a_flood_is_told_in_batches(run: Run) -> None:
    async def main() -> None:
        lines = 5000
        async with Server(port=0, limits=Limits(rate=0)) as server, await Client.connect(*server.address, "bob") as bob:
            person = Person()
            await person.session.connect(to(server))
            for number in range(lines):
                await bob.send(str(number))
            await person.until(lambda: person.texts(Kind.SAID)[-1:] == [str(lines - 1)])
            assert person.changes < lines / 10
            await person.session.close()

    run(main())


def test_a_server_that_does_not_answer_is_left_soon(run: Run) -> None:
    async def main() -> None:
        hanging, done = asyncio.Event(), asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(b"* welcome, alice. 1 here: alice\n")
            await hanging.wait()
            writer.transport.abort()
            done.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            person = Person()
            port = server.sockets[0].getsockname()[1]
            await person.session.connect(Login("alice", "127.0.0.1", port, Lock.READABLE))
            async with asyncio.timeout(2.5):
                await person.session.leave()
            assert stage(person) is Stage.LEFT
            hanging.set()
            await done.wait()

    run(main())


def test_leaving_just_after_getting_in(run: Run) -> None:
    async def main() -> None:
        async def carry(do: Callable[[], None]) -> None:
            await asyncio.sleep(0)
            do()
            await asyncio.sleep(0)

        async with Server(port=0) as server:
            person = Person(carry=carry)
            connecting = asyncio.create_task(person.session.connect(to(server)))
            await person.until(lambda: stage(person) is Stage.INSIDE)
            await person.session.leave()
            await connecting
            assert stage(person) is Stage.LEFT
            assert person.texts(Kind.ERROR) == []

    run(main())


def test_leaving_just_before_getting_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        person = Person()
        leaving: list[asyncio.Task[None]] = []

        async def connect(*address: Any, context: None) -> Client:
            client = await Client.connect(*address, context=context)
            leaving.append(asyncio.create_task(person.session.leave()))
            return client

        monkeypatch.setattr("chat.session.Client", SimpleNamespace(connect=connect))
        async with Server(port=0) as server:
            await person.session.connect(to(server))
            await leaving[0]
            assert stage(person) is Stage.LEFT
            assert not person.texts()

    run(main())


def test_a_model_in_another_thread(run: Run) -> None:
    """Everything that touches the model happens in the thread that owns it."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        work: queue.Queue[Callable[[], object] | None] = queue.Queue()
        threads: set[int] = set()

        def owner() -> None:
            while (do := work.get()) is not None:
                do()

        async def carry(do: Callable[[], None]) -> None:
            done = asyncio.Event()
            work.put(do)
            work.put(lambda: loop.call_soon_threadsafe(done.set))
            await done.wait()

        class Watched(Model):
            def __setattr__(self, name: str, value: object) -> None:
                threads.add(threading.get_ident())
                super().__setattr__(name, value)

        model = Watched(Words("en"))
        threads.clear()
        thread = threading.Thread(target=owner)
        thread.start()
        session = Session(model, {}, carry=carry)
        async with Server(port=0) as server, await Client.connect(*server.address, "bob") as bob:
            await session.connect(to(server))
            await bob.send("hello")
            await session.send("hi")
            await session.leave()
        assert threads == {thread.ident}
        work.put(None)
        await loop.run_in_executor(None, thread.join)

    run(main())
