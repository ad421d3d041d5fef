"""Our chat server as the program that is measured: `python -m lab.bench.chat_server LOOP [CERTIFICATE KEY]`.

It prints its port and serves until it is killed, on asyncio's own loop or on the fastest there is.
"""

import argparse
import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path

from certs.contexts import server_context
from chat import loop
from chat.limits import Limits
from chat.server import Server

# What the load asks for: a room of 500 behind one address, all of whom talk without a pause. All else is as always.
_MOST = 600
LIMITS = Limits(max_clients=_MOST, per_address=_MOST, max_pending=_MOST, rate=0)


async def serve(context: ssl.SSLContext | None, limits: Limits = LIMITS) -> None:
    """Print the port and serve until cancelled."""
    async with Server(hosts=("127.0.0.1",), port=0, context=context, limits=limits) as server:
        print(server.address[1], flush=True)  # noqa: T201
        await asyncio.Event().wait()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the server."""
    parser = argparse.ArgumentParser(prog="python -m lab.bench.chat_server")
    parser.add_argument("loop", choices=("fastest", "asyncio"))
    parser.add_argument("files", type=Path, nargs="*", help="certificate and key, for TLS")
    asked = parser.parse_args(argv)
    context = server_context(*asked.files) if asked.files else None
    (asyncio.run if asked.loop == "asyncio" else loop.run)(serve(context))


if __name__ == "__main__":
    main()
