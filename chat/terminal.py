"""A client for the terminal: the input line stays below the transcript; without a terminal, plain lines in and out.

Knows: prompt_toolkit, standard input and output. Must not know: what lines mean or how they are worded (`transcript`
does). Contract: `run` returns an exit status: 0 when the person left, 1 when there was no getting in, the name was
refused, or the connection was lost. Whatever was received is shown through `visible`.
"""

import asyncio
import os
import ssl
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.patch_stdout import patch_stdout

from chat import transcript
from chat.client import Client
from chat.errors import ChatError, ConnectionLost, NicknameError, ProtocolError
from chat.protocol import LineReader, is_quit

Connect = Callable[[str], Awaitable[Client]]

# The 8 colours of every terminal, less black and white, one of which is the background.
_COLOURS = ("ansired", "ansigreen", "ansiyellow", "ansiblue", "ansimagenta", "ansicyan")
# Bytes in a line from a script; what is too long to be sent is refused by the client, in its own words.
_MAX_TYPED = 65536


async def run(
    host: str,
    port: int,
    name: str | None = None,
    *,
    context: ssl.SSLContext | None = None,
    server_hostname: str | None = None,
    explain: Callable[[ChatError], str] = str,
) -> int:
    """Chat until the person leaves or the server is gone; return the exit status.

    With a terminal on both standard input and output there is an input line with a history; Ctrl-D, Ctrl-C and `!quit`
    leave. Otherwise each line of standard input is sent, each line received is written to standard output, and the end
    of input leaves. Refusals and errors go to standard error there.

    Args:
        host: the server's name or address.
        port: its TCP port.
        name: the nickname; asked for when `None` (without a terminal: the first line of input).
        context: the client's side of TLS; `None` for plaintext.
        server_hostname: the name to check the certificate for, where it is not `host`.
        explain: words what ended the chat; whoever made the TLS context can say more of a certificate than the error.
    """

    async def connect(as_name: str) -> Client:
        return await Client.connect(host, port, as_name, context=context, server_hostname=server_hostname)

    try:
        if sys.stdin.isatty() and sys.stdout.isatty():
            return await _interactive(connect, name)
        return await _plain(connect, name)
    except ChatError as error:
        _complain(explain(error))
        return 1


async def _plain(connect: Connect, name: str | None) -> int:
    typed = _lines(sys.stdin.fileno())
    client = await connect(await anext(typed, "") if name is None else name)
    leaving = asyncio.Event()
    async with client:
        sending = asyncio.create_task(_send_all(client, typed, leaving))
        try:
            _write(transcript.entry(client.welcome))
            while True:
                _write(transcript.entry(await client.receive()))
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
        except ProtocolError as error:
            _complain(error)
    leaving.set()
    await client.leave()


async def _lines(descriptor: int) -> AsyncIterator[str]:
    """Yield the lines of a descriptor, a last one without an LF included, without ever blocking the loop.

    Not by a thread: one that waits in read(2) could not be told to stop when the server goes.
    """
    reader = LineReader(_MAX_TYPED)
    while data := await _read(descriptor):
        for line in reader.feed(data):
            if isinstance(line, ProtocolError):
                _complain(line)
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


async def _interactive(connect: Connect, name: str | None) -> int:
    session = _session(InMemoryHistory())
    with patch_stdout():
        try:
            client = await _enter(connect, name)
        except EOFError:
            return 0
        async with client:
            _show(transcript.entry(client.welcome))
            showing = asyncio.create_task(_show_all(client, session))
            try:
                await _type_all(client, session, showing)
                if not showing.done():
                    return 0
                lost, typed = showing.result()
                if typed:
                    _show(transcript.unsent(typed))
                raise lost
            finally:
                showing.cancel()
                with suppress(asyncio.CancelledError):
                    await showing


async def _enter(connect: Connect, name: str | None) -> Client:
    while True:
        if name is None:
            name = await _session(None).prompt_async(transcript.ASK_NAME)
        try:
            return await connect(name)
        except NicknameError as error:
            _show(transcript.own_notice(str(error)))
            name = None


async def _type_all(
    client: Client, session: PromptSession[str], showing: asyncio.Task[tuple[ConnectionLost, str]]
) -> None:
    while not showing.done():
        try:
            typed = await session.prompt_async(client.name + transcript.PROMPT)
            if is_quit(typed):
                return
            if typed.strip():
                await client.send(typed)
        except ProtocolError as error:
            _show(transcript.own_notice(str(error)))
        except ConnectionLost:
            # The other task reads that too, after the last lines, and tells the person.
            await asyncio.wait({showing})
        except EOFError:
            return


async def _show_all(client: Client, session: PromptSession[str]) -> tuple[ConnectionLost, str]:
    """Show all that is received; return why there is no more, and what was in the input line at that moment."""
    while True:
        try:
            line = await client.receive()
        except ConnectionLost as error:
            future = session.app.future
            if future is None or future.done():
                return error, ""
            typed = session.default_buffer.text
            session.app.exit(exception=EOFError())
            return error, typed
        _show(transcript.entry(line))


def _session(history: InMemoryHistory | None) -> PromptSession[str]:
    # Ctrl-C leaves as Ctrl-D does. KeyboardInterrupt would tear through the event loop instead.
    return PromptSession(history=history, color_depth=_colour_depth(), interrupt_exception=EOFError)


def _colour_depth() -> ColorDepth | None:
    return ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None  # None: what the terminal can do


def _show(entry: transcript.Entry) -> None:
    if entry.name is None:
        parts = [("italic", entry.text)]
    else:
        style = f"bold {_COLOURS[transcript.hue(entry.name, len(_COLOURS))]}"
        parts = [(style, entry.name), ("", transcript.PROMPT + entry.text)]
    print_formatted_text(FormattedText(parts), color_depth=_colour_depth())


def _write(entry: transcript.Entry) -> None:
    sys.stdout.write(f"{entry}\n")
    sys.stdout.flush()


def _complain(error: ChatError | str) -> None:
    sys.stderr.write(f"{transcript.own_notice(str(error))}\n")
    sys.stderr.flush()
