"""Clients that do not read, and clients that say too much."""

import asyncio
import socket

import pytest

from chat.limits import Limits
from tests.chat.conftest import ByHand, Raw, Run, Wire, raw
from tests.chat.hostile.conftest import connected, undisturbed


@pytest.mark.parametrize("limits", [Limits(rate=0, max_backlog=64 * 1024), Limits(rate=0, stall_timeout=0.3)])
def test_who_never_reads_while_the_room_talks_is_dropped_alone(run: Run, wire: Wire, limits: Limits) -> None:
    async def main() -> None:
        async with (
            undisturbed(wire, limits) as (server, people),
            raw(server, wire[1]) as deaf,
            raw(server, wire[1]) as loud,
        ):
            deaf.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.write(b"deaf\n")
            await people.until("* deaf has come in")
            loud.write(b"loud\n")
            said = 0
            while "* deaf has left" not in people.read["alice"]:
                loud.write(b"".join(b"%d %s\n" % (said + number, b"x" * 4000) for number in range(50)))
                said += 50
                await people.until(f"loud > {said - 1} " + "x" * 4000)
                assert said < 10_000
            await people.welcome_somebody()
            for read in people.read.values():
                loud_said = [line for line in read if line.startswith("loud > ")]
                assert loud_said == [f"loud > {number} " + "x" * 4000 for number in range(said)]

    run(main())


def test_who_asks_and_never_reads_the_answers_is_dropped_alone(run: Run, wire: Wire) -> None:
    async def main() -> None:
        limits = Limits(rate=0, stall_timeout=0.3)
        async with undisturbed(wire, limits) as (server, people), raw(server, wire[1]) as deaf:
            deaf.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.write(b"deaf\n")
            await people.until("* deaf has come in")
            while "* deaf has left" not in people.read["alice"]:
                deaf.write(b"!help\n" * 1000)
                await people.talked(1)

    run(main())


def test_floods_are_slowed_and_lose_nothing(run: Run, wire: Wire) -> None:
    async def main() -> None:
        limits = Limits(rate=1000, burst=100)
        async with (
            undisturbed(wire, limits) as (server, people),
            raw(server, wire[1]) as one,
            raw(server, wire[1]) as other,
        ):
            loop = asyncio.get_running_loop()
            began = loop.time()
            for flood, word in ((one, b"one\n"), (other, b"other\n")):
                flood.write(word + b"".join(b"%d\n" % number for number in range(500)))
            await people.until("* one has come in")
            await people.welcome_somebody()
            for name in ("one", "other"):
                await people.until(f"{name} > 499")
                for read in people.read.values():
                    assert [line for line in read if line.startswith(f"{name} > ")] == [
                        f"{name} > {number}" for number in range(500)
                    ]
            assert loop.time() - began > (500 - 100) / 1000 * 0.9

    run(main())


def test_a_flood_at_full_speed_that_the_rate_does_not_let_in(run: Run, wire: Wire) -> None:
    """It never ends: the kernel keeps it from being sent, and the people do not hear it."""

    async def main() -> None:
        limits = Limits(rate=1000, burst=10)
        async with undisturbed(wire, limits) as (server, people):
            flood = await connected(server)
            with flood:
                words = b"flood\n" + b"x\n" * 8_000_000
                if wire[1] is not None:
                    reader, writer = await asyncio.open_connection(sock=flood.dup())
                    hand = ByHand(Raw(reader, writer), wire[1])
                    await hand.shake_hands()
                    words = hand.sealed(words)
                    writer.transport.abort()
                sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(flood, words))
                await people.until("* flood has come in")
                for _ in range(2):
                    await people.welcome_somebody()
                assert not sending.done()
                sending.cancel()
                await asyncio.wait([sending])

    run(main())
