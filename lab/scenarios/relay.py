"""A relay between the lab's clients and the lab's own server: what an attacker on the way would have.

It listens on 127.0.0.1 and connects to 127.0.0.1, and takes ports only, never an address: it cannot be pointed at
anybody else. What happens to the bytes is the caller's; this file knows no TLS and no chat.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

_LOOPBACK = "127.0.0.1"
_READ = 1 << 16

Change = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Peer:
    """One side of a relayed connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


async def pump(source: Peer, target: Peer, change: Change = bytes) -> None:
    """Pass on what one side sends until it ends, each piece changed by `change`; then end the other side, too.

    What `change` holds back is lost unless a later piece brings it. A connection that is reset ends as one that ended.
    """
    with contextlib.suppress(ConnectionError):
        while data := await source.reader.read(_READ):
            target.writer.write(change(data))
            await target.writer.drain()
    with contextlib.suppress(OSError):
        target.writer.write_eof()


def passing(up: Callable[[], Change], down: Callable[[], Change]) -> Callable[[Peer, Peer], Awaitable[None]]:
    """Return a meeting that changes bytes on the way; `up` and `down` make a fresh change for each connection.

    Args:
        up: from the client to the server.
        down: from the server to the client.
    """

    async def meet(client: Peer, server: Peer) -> None:
        await asyncio.gather(pump(client, server, up()), pump(server, client, down()))

    return meet


@contextlib.asynccontextmanager
async def relay(
    port: int | Callable[[], int | None], meet: Callable[[Peer, Peer], Awaitable[None]]
) -> AsyncIterator[int]:
    """Relay connections to the lab's server on `port`; yield the port to connect to.

    Where `port` is a function, it is asked when a client comes: a tap before the server has a port only once it runs.
    Who comes while there is none is cut off.

    Each connection is handed to `meet(client, server)` and closed when that returns. The end of the block waits for all
    of them; what `meet` raises, but for a connection that is lost, is raised in the block.
    """
    try:
        async with asyncio.TaskGroup() as group:

            async def carry(client: Peer) -> None:
                ends = [client]
                try:
                    server = await _reach(port if isinstance(port, int) else port())
                    ends.append(server)
                    await meet(client, server)
                except ConnectionError:  # the server is gone, or the client
                    client.writer.transport.abort()
                finally:
                    for end in ends:
                        end.writer.close()
                    for end in ends:
                        with contextlib.suppress(OSError):
                            await end.writer.wait_closed()

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                group.create_task(carry(Peer(reader, writer)))

            listener = await asyncio.start_server(accept, _LOOPBACK, 0)
            try:
                yield int(listener.sockets[0].getsockname()[1])
            finally:
                listener.close()
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0]  # noqa: B904  (the others were cancelled because of it; its cause is its own)


async def _reach(port: int | None) -> Peer:
    if port is None:
        raise ConnectionRefusedError
    try:
        return Peer(*await asyncio.open_connection(_LOOPBACK, port))
    except OSError as error:
        raise ConnectionRefusedError from error
