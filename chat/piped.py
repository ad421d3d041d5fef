"""The chat without a terminal: each line of standard input is sent, each line received is written, as scripts want it.

Knows: standard input and output, the client. Must not know: the model, what lines mean. Contract: what is received is
written as it came, in the server's own English, but through `visible`; refusals go to standard error; the end of input
leaves.
"""

import asyncio
import os
import ssl
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

from chat.client import Client
from chat.errors import ChatError, ConnectionLost, ProtocolError
from chat.escape import visible
from chat.lines import LineReader
from chat.protocol import is_quit

# Bytes in a line from a script; what is too long to be sent is refused by the client, in its own words.
_MAX_TYPED = 65536


async def run(host: str, port: int, name: str, context: ssl.SSLContext | None) -> int:
    """Pass lines on until the input or the connection ends; return the exit status.

    Args:
        host: the server's name or address.
        port: its TCP port.
        name: the nickname; the first line of input where it is empty.
        context: the client's side of TLS; `None` for plaintext.

    Raises:
        ChatError: there was no getting in, or the connection was lost.
    """
    typed = lines(sys.stdin.fileno())
    client = await Client.connect(host, port, name or await anext(typed, ""), context=context)
    leaving = asyncio.Event()
    async with client:
        sending = asyncio.create_task(_send_all(client, typed, leaving))
        try:
            write(visible(client.welcome))
            while True:
                write(visible(await client.receive()))
        except ConnectionLost:
            if not leaving.is_set():
                raise
        except BrokenPipeError:  # nobody reads us any more, as in `| head -1`; nor may Python try so at its end
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError, ConnectionLost):
                await sending
    return 0


async def _send_all(client: Client, typed: AsyncIterator[str], leaving: asyncio.Event) -> None:
    async for line in typed:
        if is_quit(line):
            break
        try:
            await client.send(line)
        except ConnectionLost:
            raise
        except ChatError as error:
            complain(str(error))
    leaving.set()
    await client.leave()


async def lines(descriptor: int) -> AsyncIterator[str]:
    """Yield the lines of a descriptor, a last one without an LF included, without ever blocking the loop.

    Not by a thread: one that waits in read(2) could not be told to stop when the server goes.
    """
    reader = LineReader(_MAX_TYPED)
    while data := await _read(descriptor):
        for line in reader.feed(data):
            if isinstance(line, ProtocolError):
                complain(str(line))
            else:
                yield line.decode("utf-8", "surrogateescape")
    if reader.pending:
        yield reader.pending.decode("utf-8", "surrogateescape")


async def _read(descriptor: int) -> bytes:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # a file never blocks, and epoll(7) refuses it
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(descriptor, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(descriptor)
    return os.read(descriptor, 65536)


def write(text: str) -> None:
    """Write a line to standard output; what its encoding has no letter for is written out."""
    sys.stdout.write(_written(text, sys.stdout.encoding))
    sys.stdout.flush()


def complain(text: str) -> None:
    """Write a sentence of the client itself to standard error, marked so that it is not taken for the server's."""
    sys.stderr.write(_written(f"! {visible(text)}", sys.stderr.encoding))
    sys.stderr.flush()


def _written(text: str, encoding: str) -> str:
    return text.encode(encoding, "backslashreplace").decode(encoding) + "\n"
