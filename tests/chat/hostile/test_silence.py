"""Clients that say too little: nothing, half a line, a byte at a time."""

import asyncio
import ssl
from contextlib import AsyncExitStack, suppress

import pytest

from chat import notices
from chat.limits import Limits
from tests.chat.conftest import ByHand, Run, Wire, raw
from tests.chat.hostile.conftest import connected, trickle, undisturbed


def test_half_a_line_then_silence(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            undisturbed(wire, Limits(rate=0, idle_timeout=0.4)) as (server, people),
            raw(server, wire[1]) as mallory,
            raw(server, wire[1]) as nameless,
        ):
            reading = [silent.read_on() for silent in (mallory, nameless)]
            nameless.write(b"half a na")
            mallory.write(b"mallory\nhalf a li")
            await people.until("* mallory has come in")
            await people.welcome_somebody()
            await people.until("* mallory has left")
            for silent in reading:
                said = (await silent).decode().splitlines()
                assert said[-1] == notices.line(notices.IDLE, minutes=0)
            assert not any("half" in line for line in people.read["alice"])

    run(main())


def test_a_name_a_byte_at_a_time(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            undisturbed(wire, Limits(rate=0, nickname_timeout=0.3)) as (server, people),
            raw(server, wire[1]) as mallory,
            trickle(mallory.writer, b"m"),
        ):
            await people.welcome_somebody()
            assert (await mallory.rest()).decode() == notices.line(notices.NAME_TIMEOUT) + "\n"

    run(main())


def test_a_line_a_byte_at_a_time(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            undisturbed(wire, Limits(rate=0, idle_timeout=0.5)) as (server, people),
            raw(server, wire[1]) as slow,
            raw(server, wire[1]) as endless,
        ):
            reading = endless.read_on()
            slow.write(b"slow\n")
            endless.write(b"endless\n")
            await people.until("* slow has come in")
            await people.until("* endless has come in")
            async with trickle(slow.writer, b"ol\xc3\xa9\n", 0.002), trickle(endless.writer, b"x", 0.002):
                await people.until("* endless has left")
                await people.welcome_somebody()
            assert people.read["alice"].count("slow > olé") > 5
            assert notices.line(notices.IDLE, minutes=0) in (await reading).decode()
            assert not any(line.startswith("endless > ") for line in people.read["alice"])

    run(main())


def test_a_handshake_a_byte_at_a_time(
    run: Run,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        limits = Limits(rate=0, handshake_timeout=0.3)
        async with (
            undisturbed((server_context, client_context), limits) as (server, people),
            raw(server) as mallory,
            trickle(mallory.writer, ByHand(mallory, client_context).hello()),
        ):
            await people.welcome_somebody()
            with suppress(ConnectionResetError):
                assert await mallory.rest() == b""

    run(main())
    assert sum('why="not done in time"' in record.getMessage() for record in caplog.records) == 1


def test_a_slow_handshake_that_ends_in_time_is_one(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    async def main() -> None:
        async with (
            undisturbed((server_context, client_context)) as (server, people),
            raw(server) as slow,
        ):
            hand = ByHand(slow, client_context)
            for byte in hand.hello():
                slow.write(bytes([byte]))
                await people.talked(1)  # the server has read it alone
            await hand.shake_hands()
            slow.write(hand.sealed(b"slow\n"))
            assert (await hand.line()).startswith("* welcome, slow")
            await people.until("* slow has come in")

    run(main())


@pytest.mark.usefixtures("many_descriptors")
def test_five_hundred_who_say_nothing(run: Run, wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with undisturbed(wire) as (server, people), AsyncExitStack() as stack:
            silent = await asyncio.gather(*(connected(server) for _ in range(500)))
            for one in silent:
                stack.callback(one.close)
            for _ in range(3):
                await people.welcome_somebody()
            await people.talked()
            for one in silent:
                one.close()

    run(main())
    messages = [record.getMessage() for record in caplog.records]
    assert sum('why="others were waiting"' in message for message in messages) >= 450
    assert sum('event="disconnected"' in message for message in messages) == 500 + 3 + 5


@pytest.mark.usefixtures("many_descriptors")
def test_five_hundred_handshakes_at_once(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    """All of them wait for an answer at the same moment, and say no name then."""

    async def main() -> None:
        limits = Limits(rate=0, per_address=600, max_pending=600)
        async with undisturbed((server_context, client_context), limits) as (server, people), AsyncExitStack() as stack:
            silent = await asyncio.gather(*(connected(server) for _ in range(500)))
            for one in silent:
                stack.callback(one.close)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            with suppress(ssl.SSLWantReadError):
                client_context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
            hello = outgoing.read()
            for one in silent:
                one.send(hello)
            await people.welcome_somebody()
            loop = asyncio.get_running_loop()
            answers = await asyncio.gather(*(loop.sock_recv(one, 5) for one in silent))
            assert {answer[0] for answer in answers} == {22}

    run(main())
