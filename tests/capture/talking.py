"""A server that answers, a client that waits for it, and a limit on the time they take."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Coroutine
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    async def soon() -> T:
        async with asyncio.timeout(45):
            return await main

    return asyncio.run(soon())


@contextlib.asynccontextmanager
async def echo(host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that sends everything back; gives its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, host, port, ssl=tls)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


def unexpected(error: Exception) -> NoReturn:
    """What a source or an engine is given to say that it failed, where it must not."""
    raise error


async def talk(port: int, messages: list[bytes], host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None) -> None:
    """Send each message and wait for it to come back."""
    reader, writer = await asyncio.open_connection(host, port, ssl=tls, server_hostname="localhost" if tls else None)
    for message in messages:
        writer.write(message)
        await writer.drain()
        assert await reader.readexactly(len(message)) == message
    writer.close()
    await writer.wait_closed()
