"""Runs the two chats of exercise 14, with a relay in each of them that flips one bit of one message.

    speaker -> relay -> server <- reader

The relay takes ports of the lab's own servers only and listens on loopback. What comes of the bit is not known here: it
is read from the capture.
"""

import contextlib
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.rights import Choice, Way
from chat import notices, protocol
from chat.client import Client
from chat.errors import ConnectionLost
from lab.capturing import captured
from lab.exercises import cast, live
from lab.exercises.draw import Draw
from lab.exercises.work import CAPTURE, KEYLOG
from lab.play import side_by_side
from lab.record import loopback_server
from lab.scenarios.relay import passing, relay
from lab.scenarios.running import run_in_time
from lab.scenarios.tamper.changes import Flip, OnTheWay, Tampering, Target, Transport

MESSAGES = 6  # in each chat
_LETTERS = range(ord("a"), ord("z") + 1)


@dataclass(frozen=True, slots=True)
class Attacked:
    """One chat and what is done to it.

    Attributes:
        transport: how it travels.
        target: what is said, and which bit of it is flipped.
        port: of the server, as the capture shows it.
        server: the server's side of TLS; None for plaintext.
        client: the clients' side.
    """

    transport: Transport
    target: Target
    port: int
    server: ssl.SSLContext | None = None
    client: ssl.SSLContext | None = None


def people(draw: Draw) -> tuple[str, str]:
    """Return who speaks, and who reads."""
    speaker, reader = cast.nicknames(draw, 2)
    return speaker, reader


def target(draw: Draw, transport: Transport) -> Target:
    """Return what is said in a chat, and a bit of it that makes another letter of one."""
    labels = [f"{transport} {number}" for number in range(MESSAGES)]
    words = tuple(cast.sentence(draw, label) for label in labels)
    at = draw.number(f"{transport} message", 1, MESSAGES - 3)  # one at least before it, two after it
    begin = words[at].encode().index(cast.secret(draw, labels[at]).encode())
    letters = range(begin, begin + cast.secret(draw, labels[at]).index("-"))
    data = words[at].encode()
    flips = [Flip(byte, bit) for byte in letters for bit in range(8) if data[byte] ^ 1 << bit in _LETTERS]
    return Target(words, at, draw.choice(f"{transport} bit", flips))


def record(draw: Draw, folder: Path, choice: Choice) -> None:
    """Run both chats while they are captured, and leave the capture and the server's key log.

    Raises:
        LabError, CaptureError, CertsError, ChatError: as their texts say.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".run-") as private:
        place = Path(private)
        made = live.secure(place, cast.host(draw), version=ssl.TLSVersion.TLSv1_3, keylog=place / KEYLOG)
        port, plain = live.ports(draw, "port", "plain")
        chats = (
            Attacked(Transport.PLAIN, target(draw, Transport.PLAIN), plain),
            Attacked(Transport.TLS_1_3, target(draw, Transport.TLS_1_3), port, made.server, made.client),
        )
        run_in_time(_record(place / CAPTURE, choice, chats, draw))
        for name in (CAPTURE, KEYLOG):
            (place / name).replace(folder / name)


async def _record(path: Path, choice: Choice, chats: Sequence[Attacked], draw: Draw) -> None:
    tapped = choice.way is Way.TAP
    shown: dict[int, int] = {}
    async with contextlib.AsyncExitStack() as servers:
        real, relays = [], []
        for chat in chats:
            server = loopback_server(chat.server, port=0 if tapped else chat.port)
            await servers.enter_async_context(server)
            real.append(server.address[1])
        # the relays end within the capture, so that it holds the end of every connection
        async with contextlib.AsyncExitStack() as stack:
            for chat, port in zip(chats, real, strict=True):
                relays.append(await stack.enter_async_context(_relay(chat, port, shown)))
            wanted = {port: chat.port for port, chat in zip(real, chats, strict=True)}
            async with captured(path, choice, [*real, *relays], shown=wanted) as wire:
                shown.update(wire.ports)
                talks = zip(chats, real, relays, strict=True)
                await side_by_side(
                    {chat.transport: _talk(chat, shown[port], shown[by], draw) for chat, port, by in talks}
                )
                await stack.aclose()
    live.check_whole(wire.counters)


def _relay(chat: Attacked, port: int, shown: dict[int, int]) -> contextlib.AbstractAsyncContextManager[int]:
    def change() -> OnTheWay:
        return OnTheWay(chat.transport, Tampering.FLIP, chat.target)

    return relay(lambda: shown.get(port), passing(change, lambda: bytes))


async def _talk(chat: Attacked, straight: int, crooked: int, draw: Draw) -> None:
    """Let one say everything by way of the relay, and the other read until the first has left."""
    host = cast.host(draw) if chat.client is not None else None
    speaker, reader = people(draw)

    async def connect(port: int, name: str) -> Client:
        return await Client.connect("127.0.0.1", port, name, context=chat.client, server_hostname=host)

    listening = await connect(straight, reader)
    try:
        speaking = await connect(crooked, speaker)
        try:
            for text in chat.target.words[: chat.target.at]:
                await speaking.send(text)
                await _until(listening, protocol.said(speaker, text))
            # from here on nobody knows what will arrive
            with contextlib.suppress(ConnectionLost):
                for text in chat.target.words[chat.target.at :]:
                    await speaking.send(text)
            await speaking.leave()
            await _until(listening, notices.line(notices.LEFT, name=speaker))
        finally:
            await speaking.close()
        await listening.leave()
    finally:
        await listening.close()


async def _until(client: Client, line: str) -> None:
    while await client.receive() != line:
        pass
