"""A server as a process of its own: `python -m tests.chat.hostile.serving PORT [PEM]`.

It prints its port, and "stopped" when SIGINT or SIGTERM has ended it gracefully.
"""

import asyncio
import signal
import ssl
import sys
from collections.abc import Sequence

from chat import loop
from chat.errors import ChatError
from chat.server import Server


async def serve(port: int, context: ssl.SSLContext | None) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with Server(port=port, context=context) as server:
        print(server.address[1], flush=True)  # noqa: T201
        await stopped.wait()
    print("stopped", flush=True)  # noqa: T201


def main(arguments: Sequence[str]) -> None:
    port, *certificate = arguments
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate[0])
    try:
        loop.run(serve(int(port), context))
    except ChatError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main(sys.argv[1:])
