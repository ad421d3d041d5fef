import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from certs.contexts import client_context, server_context
from certs.store import open_store
from chat import notices, protocol
from chat.client import Client
from chat.errors import ChatError
from chat.limits import Limits
from chat.server import Server
from lab.errors import LabError
from lab.play import play, side_by_side
from lab.scenario import CONVERSATION, Join, Leave, ListUsers, Paste, Pause, Say, Step, messages

Change = Callable[[str], list[str]]
LIMITS = Limits(rate=0, history=0)  # as in lab/record.py: whoever comes late hears what is said live
SHORT: tuple[Step, ...] = (Join("anna"), Join("bob"), Say("anna", "hello"), Say("bob", "bye"))


def run(main: Coroutine[Any, Any, object]) -> None:
    """Run it; fail if a task or a socket stays behind."""

    async def watched() -> None:
        try:
            async with asyncio.timeout(30):
                await main
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    try:
        asyncio.run(watched())
    finally:
        gc.collect()  # an open socket warns when it is collected, and warnings are errors


def connector(address: tuple[str, int], context: ssl.SSLContext | None = None) -> Callable[[str], Awaitable[Client]]:
    async def connect(name: str) -> Client:
        hostname = "localhost" if context else None
        return await Client.connect(*address, name, context=context, server_hostname=hostname)

    return connect


@pytest.mark.parametrize("secure", [False, True])
def test_the_whole_conversation_reaches_everybody(tmp_path: Path, secure: bool) -> None:
    theirs = ours = None
    if secure:
        store = open_store(tmp_path / "certs")
        theirs = server_context(store.server_certificate, store.server_key)
        ours = client_context(store.ca_certificate)

    async def main() -> None:
        async with Server(port=0, context=theirs, limits=LIMITS) as server:
            sent = await play(CONVERSATION, connector(server.address, ours))
            assert server.rooms.names == (), "everybody leaves at the end"
        said = messages(CONVERSATION)
        assert [(message.who, message.text) for message in sent] == [(say.who, say.text) for say in said]
        assert [message.number for message in sent] == list(range(1, len(said) + 1))
        assert [message.time_ns for message in sent] == sorted(message.time_ns for message in sent)
        # carol comes before the 5th message, bob leaves after the 9th
        everybody = [{"alice", "bob"}] * 4 + [{"alice", "bob", "carol"}] * 5 + [{"alice", "carol"}] * 3
        assert [{*message.heard_by, message.who} for message in sent] == everybody
        assert all(message.who not in message.heard_by for message in sent)

    run(main())


def test_a_name_can_come_back() -> None:
    steps = (Join("anna"), Join("bob"), Leave("bob"), Join("bob"), ListUsers("anna"), Say("bob", "again"))

    async def main() -> None:
        async with Server(port=0) as server:
            (sent,) = await play(steps, connector(server.address))
            assert (sent.who, sent.heard_by) == ("bob", ("anna",))

    run(main())


def test_what_is_pasted_reaches_everybody_line_by_line() -> None:
    lines = ("one", "two", "three")

    async def main() -> None:
        async with Server(port=0, limits=LIMITS) as server:
            sent = await play((Join("anna"), Join("bob"), Paste("anna", lines)), connector(server.address))
            assert [(message.text, message.heard_by) for message in sent] == [(line, ("bob",)) for line in lines]

    run(main())


@asynccontextmanager
async def relay(server: Server, change: Change) -> AsyncIterator[tuple[str, int]]:
    """A man in the middle who gives each line of the server as he likes."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        from_server, to_server = await asyncio.open_connection(*server.address)

        async def up() -> None:
            while line := await client.readline():
                to_server.write(line)
            to_server.write_eof()

        async def down() -> None:
            while line := await from_server.readline():
                for changed in change(line.decode().removesuffix("\n")):
                    to_client.write(protocol.encode(changed))
            to_client.close()

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(up())
                group.create_task(down())
        finally:
            to_server.close()
            to_client.close()

    listening = socket.create_server(("127.0.0.1", 0))
    middle = await asyncio.start_server(serve, sock=listening)
    try:
        yield listening.getsockname()
    finally:
        middle.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        await middle.wait_closed()


def play_through(change: Change, steps: tuple[Step, ...] = SHORT) -> None:
    async def main() -> None:
        async with Server(port=0) as server:
            async with relay(server, change) as address:
                await play(steps, connector(address))
            assert server.rooms.names == (), "nobody is left behind"

    run(main())


def test_a_pause_passes_before_the_next_step() -> None:
    async def main() -> None:
        async with Server(port=0) as server:
            steps = (Join("anna"), Join("bob"), Say("anna", "hello"), Pause(0.05), Say("bob", "bye"))
            hello, bye = await play(steps, connector(server.address))
        assert bye.time_ns - hello.time_ns >= 50_000_000

    run(main())


def swapping(old: str, *new: str) -> Change:
    return lambda line: list(new) if line == old else [line]


def test_the_man_in_the_middle_can_do_nothing() -> None:
    play_through(lambda line: [line])


@pytest.mark.parametrize(
    ("line", "changed", "complaint"),
    [
        ("anna > hello", ["eve > hello"], "bob received 'eve > hello' where 'anna > hello' was sent."),
        ("anna > hello", ["anna > hell"], "bob received 'anna > hell' where 'anna > hello' was sent."),
        ("anna > hello", ["\x1b[31m¡"], r"bob received '\x1b[31m\xa1' where 'anna > hello' was sent."),
        ("bob > bye", ["bob > bye"] * 2, "anna received 'bob > bye' where '* bob has left' was sent."),
        ("* bob has come in", ["bob > bye"], "anna received 'bob > bye' where '* bob has come in' was sent."),
    ],
)
def test_a_server_that_changes_what_is_said_is_caught(line: str, changed: list[str], complaint: str) -> None:
    with pytest.raises(LabError) as caught:
        play_through(swapping(line, *changed), (*SHORT, Leave("bob")))
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("lost", "who"),
    [
        ("anna > hello", "anna"),
        ("* bob has come in", "bob"),
        ("* anna has left", "anna"),
        ("* 2 here: anna, bob", "anna"),
    ],
)
def test_what_is_lost_is_missed(lost: str, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.play._STEP_TIMEOUT", 0.3)
    with pytest.raises(LabError) as caught:
        play_through(swapping(lost), (*SHORT, ListUsers("anna")))
    assert str(caught.value) == f"{who} did something that did not reach everybody within 0 seconds."


def test_a_wrong_list_of_users_is_caught() -> None:
    change = swapping("* 2 here: anna, bob", "* 3 here: anna, bob, eve")
    with pytest.raises(LabError) as caught:
        play_through(change, (*SHORT, ListUsers("bob")))
    assert str(caught.value) == "bob was told that anna, bob, eve are here; in truth it is anna, bob."


def test_a_server_that_hangs_up_is_caught() -> None:
    async def main() -> None:
        entered: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            name = (await reader.readline()).decode().strip()
            writer.write(protocol.encode(notices.line(notices.WELCOME, name=name, count=1, names=name)))
            entered.append(writer)
            if name == "bob":
                entered[0].close()
            await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            with pytest.raises(LabError, match=r"^anna lost the connection in the middle of the conversation: .*ended"):
                await play(SHORT, connector(server.sockets[0].getsockname()))
            await asyncio.gather(*(writer.wait_closed() for writer in entered))

    run(main())


def test_no_server_at_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
    with pytest.raises(ChatError, match="Nothing listens"):
        run(play(SHORT, connector(address)))


def test_a_name_that_is_refused() -> None:
    async def main() -> None:
        async with Server(port=0) as server:
            with pytest.raises(ChatError, match="is taken"):
                await play((Join("anna"), Join("ANNA")), connector(server.address))

    run(main())


def test_cancelled_while_somebody_leaves_nothing_stays_open() -> None:
    async def main() -> None:
        leaving = asyncio.Event()
        writers: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            await reader.readline()
            writer.write(protocol.encode(notices.line(notices.WELCOME, name="anna", count=1, names="anna")))
            await reader.readline()
            leaving.set()  # and says nothing more: the client waits for the end
            await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            playing = asyncio.create_task(play([Join("anna")], connector(server.sockets[0].getsockname())))
            await leaving.wait()
            playing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await playing
            # the client's end is closed, so this ends
            await asyncio.gather(*(writer.wait_closed() for writer in writers))

    run(main())


def test_what_runs_side_by_side_meets() -> None:
    async def main() -> None:
        first, second = asyncio.Event(), asyncio.Event()

        async def meet(mine: asyncio.Event, other: asyncio.Event) -> asyncio.Event:
            mine.set()
            await other.wait()  # in a row, this would never come
            return mine

        plays = {1: meet(first, second), 2: meet(second, first)}
        assert await side_by_side(plays) == {1: first, 2: second}

    run(main())


def test_what_fails_side_by_side_ends_the_rest() -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("the other")

    async def fail() -> None:
        await asyncio.sleep(0)
        raise LabError("It went wrong.")

    async def main() -> None:
        with pytest.raises(LabError, match=r"It went wrong\."):
            await side_by_side({"waits": wait(), "fails": fail()})

    run(main())
    assert ended == ["the other"]
