"""You, in the middle: a relay that ends the client's TLS, reads what it says, and passes it on to the server.

`lab exercise 10` starts it as `python middle.py PORT SERVER HOST`, against the lab's own server and its own clients. It
listens and connects on loopback alone: it takes ports, never an address. Against anybody else it would be a crime.

Three functions are missing. The rest needs no change.
"""

import asyncio
import ssl
import sys
from pathlib import Path
from typing import BinaryIO

LOOPBACK = "127.0.0.1"


def towards_the_client() -> ssl.SSLContext:
    """Return the context of the server that you claim to be: it shows own.pem, which holds certificate and key."""
    raise NotImplementedError("towards_the_client is still missing")


def towards_the_server() -> ssl.SSLContext:
    """Return the context of a client of the real server, whose CA is in ca.pem."""
    raise NotImplementedError("towards_the_server is still missing")


async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter, heard: BinaryIO | None) -> None:
    """Pass on what comes from `source` to `target`, at once, until it ends; then close `target`.

    What passes is written into `heard` as well, where there is one.
    """
    raise NotImplementedError("pass_on is still missing")


async def main(port: int, server: int, host: str, heard: BinaryIO) -> None:
    """Be in the middle until the standard input ends."""
    near, far = towards_the_client(), towards_the_server()

    async def meet(from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(LOOPBACK, server, ssl=far, server_hostname=host)
        await asyncio.gather(pass_on(from_client, to_server, heard), pass_on(from_server, to_client, None))

    async with await asyncio.start_server(meet, LOOPBACK, port, ssl=near):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    with Path("heard.txt").open("wb", buffering=0) as file:
        asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], file))
