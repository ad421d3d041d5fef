"""Clients that come and go at once, that speak the other port's language, or that come in crowds."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

import pytest

from chat import notices
from chat.limits import Limits
from tests.chat.conftest import ByHand, Run, Wire, program, raw
from tests.chat.hostile.conftest import connected, reset, undisturbed


@pytest.mark.usefixtures("many_descriptors")
def test_hundreds_of_connects_and_resets(run: Run, wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with undisturbed(wire) as (server, people):

            async def storm(count: int, words: bytes) -> None:
                for _ in range(count):
                    connection = await connected(server)
                    connection.send(words)
                    reset(connection)

            hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
            storms = [asyncio.create_task(storm(100, words)) for words in (b"x", b"y\n", hello, b"z\nhello\n!quit\n")]
            await people.talked()
            await asyncio.gather(*storms)
            await people.talked()
        assert server.rooms.names == ()

    run(main())
    ends = sum('event="disconnected"' in record.getMessage() for record in caplog.records)
    begins = sum('event="connected"' in record.getMessage() for record in caplog.records)
    assert begins == ends > 5


def test_sixty_resets_at_the_same_moment(run: Run, wire: Wire) -> None:
    async def main() -> None:
        limits = Limits(rate=0, per_address=100, max_pending=100)
        async with undisturbed(wire, limits) as (server, people), AsyncExitStack() as stack:
            crowd = [await stack.enter_async_context(raw(server, wire[1])) for _ in range(60)]
            for number, one in enumerate(crowd):
                one.write(b"m%d\n" % number)
            for number in range(60):
                await people.until(f"* m{number} has come in")
            for one in crowd:
                one.writer.transport.abort()
            for number in range(60):
                await people.until(f"* m{number} has left")

    run(main())


def test_plaintext_on_the_tls_port(run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    async def main() -> None:
        async with undisturbed((server_context, client_context)) as (server, people):
            for words in (
                b"m",
                b"mallory\n",
                b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
                b"\0" * 1000,
                b"\x15\x03\x01",
            ):
                async with raw(server) as mallory:
                    mallory.write(words)
                    assert await mallory.rest() == notices.line(notices.SPEAKS_TLS).encode() + b"\n"
            assert notices.line(notices.SPEAKS_TLS).startswith("* this port speaks TLS, ")
            assert not any("mallory" in line for line in people.read["alice"])

    run(main())


def test_tls_on_the_plaintext_port(run: Run, client_context: ssl.SSLContext, tool: Callable[[str], str]) -> None:
    async def main() -> None:
        async with undisturbed((None, None)) as (server, people):
            async with raw(server) as mallory:
                mallory.write(ByHand(mallory, client_context).hello())
                assert await mallory.rest() == notices.line(notices.SPEAKS_PLAINTEXT).encode() + b"\n"
            async with program(
                tool("openssl"), "s_client", "-connect", "{}:{}".format(*server.address), errors=True
            ) as (_, shown):
                assert "wrong version number" in (await shown.read()).decode()
            await people.talked()

    run(main())


def test_a_house_full_of_people_who_say_nothing_more(run: Run, wire: Wire) -> None:
    """Whoever has a name may stay: no newcomer then, and nobody inside notices."""

    async def main() -> None:
        limits = Limits(rate=0, max_clients=10, per_address=20)
        async with undisturbed(wire, limits) as (server, people):
            async with AsyncExitStack() as stack:
                crowd = [await stack.enter_async_context(raw(server, wire[1])) for _ in range(7)]
                for number, one in enumerate(crowd):
                    one.write(b"m%d\n" % number)
                    await people.until(f"* m{number} has come in")
                for _ in range(20):
                    async with raw(server, wire[1]) as late:
                        late.write(b"late\n")
                        with suppress(ConnectionResetError):
                            assert (await late.rest()).decode() == notices.line(notices.ROOM_FULL) + "\n"
                await people.talked()
            for number in range(7):
                await people.until(f"* m{number} has left")

    run(main())
