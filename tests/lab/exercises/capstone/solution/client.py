"""A chat client: python client.py --port 12346 --name alice --ca ca.pem"""

import argparse
import asyncio
import os
import ssl
import sys
import threading
from collections.abc import Callable

MAX_LINE = 1 << 20  # bytes


def read_keyboard(typed: Callable[[bytes | None], object]) -> None:
    """Hand on what is typed, None at the end. By os.read: nothing is locked when the program ends meanwhile."""
    while data := os.read(0, 4096):
        typed(data)
    typed(None)


async def receive(reader: asyncio.StreamReader) -> None:
    while line := await reader.readline():
        sys.stdout.write(line.decode(errors="replace").rstrip("\r\n") + "\n")
        sys.stdout.flush()


async def chat(options: argparse.Namespace) -> None:
    context = ssl.create_default_context(cafile=options.ca)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", options.port, ssl=context, server_hostname="localhost", limit=MAX_LINE
    )
    loop, leaving = asyncio.get_running_loop(), False

    def typed(data: bytes | None) -> None:
        nonlocal leaving
        leaving = leaving or data is None or data.strip() in (b"!quit", b"!salir")
        if not writer.is_closing():
            writer.write(b"!quit\n" if data is None else data)

    writer.write(f"{options.name}\n".encode())
    threading.Thread(
        target=read_keyboard, args=(lambda data: loop.call_soon_threadsafe(typed, data),), daemon=True
    ).start()
    try:
        await receive(reader)
    finally:
        writer.transport.abort()
    if not leaving:
        raise ConnectionError("the server has ended the connection")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--ca", required=True)
    try:
        asyncio.run(chat(parser.parse_args()))
    except (OSError, ValueError) as error:  # a certificate that is refused is an OSError, too
        sys.stderr.write(f"The chat has ended: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
