"""People who talk all the while and must notice nothing, and what attackers are made of."""

import asyncio
import resource
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from chat.client import Client
from chat.limits import Limits
from chat.server import Server
from tests.chat.conftest import join

# What is said here is said faster than anybody types.
UNHURRIED = Limits(rate=0, history=0)
NAMES = ("alice", "bob", "carol")
_DESCRIPTORS = 4096


class People:
    """Three who take turns, each when the line of the one before has come. All must get every line, in order."""

    def __init__(self, server: Server, context: ssl.SSLContext | None, clients: list[Client]) -> None:
        self._server, self._context, self._clients = server, context, clients
        self._rounds = self._newcomers = 0
        self._enough = False
        self._news = asyncio.Event()
        self.read: dict[str, list[str]] = {name: [] for name in NAMES}  # what came that is not of these three

    async def talk(self) -> None:
        number = 0
        while not self._enough or number % len(NAMES):
            speaker = self._clients[number % len(NAMES)]
            await speaker.send(f"line {number}")
            for client in self._clients:
                if client is not speaker:
                    while (line := await client.receive()) != f"{speaker.name} > line {number}":
                        assert line.partition(" > ")[0] not in NAMES, f"{client.name} read {line!r}, not {number}"
                        self.read[client.name].append(line)
            number += 1
            self._rounds = number
            self._news.set()

    def wake(self, talking: asyncio.Task[None]) -> None:
        self._talking = talking
        talking.add_done_callback(lambda _: self._news.set())

    async def talked(self, lines: int = 30) -> None:
        """Wait until so many more lines have been said, and read by all."""
        goal = self._rounds + lines
        while self._rounds < goal:
            if self._talking.done():
                self._talking.result()
            self._news.clear()
            await self._news.wait()

    async def until(self, line: str) -> None:
        """Wait until all three have read this line, which is not theirs."""
        while not all(line in read for read in self.read.values()):
            await self.talked(1)

    async def welcome_somebody(self) -> None:
        """Let a newcomer in, who hears and is heard."""
        self._newcomers += 1
        async with await join(self._server, f"newcomer{self._newcomers}", self._context) as newcomer:
            await newcomer.send("may I?")
            await self.until(f"{newcomer.name} > may I?")
            while not (await newcomer.receive()).startswith("alice > line "):
                pass

    async def stop(self) -> None:
        self._enough = True
        await self._talking
        assert (await self._clients[0].users())[: len(NAMES)] == NAMES


@asynccontextmanager
async def undisturbed(
    context: tuple[ssl.SSLContext | None, ssl.SSLContext | None], limits: Limits = UNHURRIED
) -> AsyncIterator[tuple[Server, People]]:
    """A server with three people in it who talk during the block; newcomers enter before it ends and after it."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server(port=0, context=context[0], limits=limits))
        clients = [await stack.enter_async_context(await join(server, name, context[1])) for name in NAMES]
        people = People(server, context[1], clients)
        talking = asyncio.create_task(people.talk())
        people.wake(talking)
        try:
            await people.welcome_somebody()
            yield server, people
            await people.talked()
            await people.welcome_somebody()
            await people.stop()
        finally:
            if not talking.done():
                talking.cancel()
                await asyncio.wait([talking])


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Let this process open some thousands, where its user may."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if before[1] == resource.RLIM_INFINITY else min(_DESCRIPTORS, before[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], wanted), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def connected(server: Server) -> socket.socket:
    """A socket that is connected and that nobody serves."""
    made = socket.socket()
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, server.address)
    except BaseException:
        made.close()
        raise
    return made


def reset(connection: socket.socket) -> None:
    """Close a connection with a reset instead of a goodbye (socket(7), SO_LINGER)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@asynccontextmanager
async def trickle(writer: asyncio.StreamWriter, data: bytes, every: float = 0.01) -> AsyncIterator[None]:
    """Send a byte at a time during the block, beginning anew at the end."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle
    sent = 0

    def send() -> None:
        nonlocal timer, sent
        if not writer.transport.is_closing():
            writer.write(data[sent % len(data) :][:1])
            sent += 1
            timer = loop.call_later(every, send)

    timer = loop.call_soon(send)  # type: ignore[assignment]
    try:
        yield
    finally:
        timer.cancel()
