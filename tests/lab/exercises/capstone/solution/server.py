"""A chat server: python server.py --port 12346 --cert server.pem --key server.key [--plain]"""

import argparse
import asyncio
import contextlib
import ssl
import sys
from collections.abc import AsyncIterator

MAX_LINE = 4096  # bytes
MAX_NAME = 20  # characters
MAX_PEOPLE = 50
MAX_UNREAD = 1 << 20  # bytes that are kept for somebody who does not read
NAME_SECONDS = 30
HANDSHAKE_SECONDS = 5


class RefusedError(Exception):
    """Somebody is put out; the text says why."""


class Room:
    """Everybody who is here. One thread alone touches it, and nothing waits between asking and changing."""

    def __init__(self) -> None:
        self.people: dict[str, asyncio.StreamWriter] = {}

    def enter(self, name: str, writer: asyncio.StreamWriter) -> None:
        fits = 1 <= len(name) <= MAX_NAME and all(char.isalnum() or char in "_-." for char in name)
        if not fits:
            raise RefusedError("a name has 1 to 20 letters, digits, '_', '-' and '.'")
        if name in self.people:
            raise RefusedError("that name is taken")
        if len(self.people) >= MAX_PEOPLE:
            raise RefusedError("the room is full")
        self.people[name] = writer

    def leave(self, name: str, writer: asyncio.StreamWriter) -> None:
        if self.people.get(name) is writer:
            del self.people[name]
            self.tell_others(name, f"* {name} has left")

    def tell_others(self, name: str, line: str) -> None:
        for other, writer in list(self.people.items()):
            if other != name:
                send(writer, line)


def send(writer: asyncio.StreamWriter, line: str) -> None:
    """Send a line without waiting; who leaves too much unread is cut off, and leaves as everybody does."""
    if writer.transport.is_closing():
        return
    writer.write(f"{line}\n".encode())
    if writer.transport.get_write_buffer_size() > MAX_UNREAD:
        writer.transport.abort()


async def read_line(reader: asyncio.StreamReader) -> bytes | None:
    """Return a line without its end, None when there is no more."""
    try:
        return (await reader.readuntil(b"\n")).rstrip(b"\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise RefusedError(f"a line has at most {MAX_LINE} bytes") from None


async def lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[str]:
    while (data := await read_line(reader)) is not None:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            send(writer, "* that line is not UTF-8: send it as UTF-8")
            continue
        yield text


async def talk(room: Room, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async for text in lines(reader, writer):
        if text in ("!quit", "!salir"):
            return
        if text in ("!users", "!usuarios"):
            send(writer, f"* {len(room.people)} here: {', '.join(room.people)}")
        elif text.strip():
            room.tell_others(name, f"{name} > {text}")


async def visit(room: Room, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be with one person from the first byte to the last, however it ends."""
    name = ""
    try:
        async with asyncio.timeout(NAME_SECONDS):
            name = (await read_line(reader) or b"").decode()
        room.enter(name, writer)
        send(writer, f"* welcome, {name}")
        room.tell_others(name, f"* {name} has come in")
        await talk(room, name, reader, writer)
    except RefusedError as error:
        send(writer, f"* {error}")
    except UnicodeDecodeError:
        send(writer, "* a name is UTF-8")
    except (OSError, TimeoutError) as error:  # the connection broke
        sys.stderr.write(f"{name!r} was lost: {error!r}\n")
    finally:
        room.leave(name, writer)
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await writer.wait_closed()


async def serve(options: argparse.Namespace) -> None:
    context = None
    if not options.plain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(options.cert, options.key)
    room = Room()
    server = await asyncio.start_server(
        lambda reader, writer: visit(room, reader, writer),
        "127.0.0.1",
        options.port,
        limit=MAX_LINE,
        ssl=context,
        ssl_handshake_timeout=None if options.plain else HANDSHAKE_SECONDS,
    )
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--plain", action="store_true")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
