"""A tunnel for the plaintext chat: a near end beside the client, a far end beside the server, sealed lines in between.

Client and server stay as they are, and speak plaintext to the end beside them. Knows lines and how to run a relay.
Must not know: how a line is sealed (`codecs`), what it means. Contract: each whole line that one side sends goes onto
the wire sealed, in order; what was cut off before its LF does not.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from lab.scenarios.codecs import Codec
from lab.scenarios.relay import Change, Peer, pump, relay

MakeCodec = Callable[[], Codec]
# What the two ends do first on a new connection: from the peer on the wire to the codecs that seal and open.
Agree = Callable[[Peer], Awaitable[tuple[Codec, Codec]]]


def built_in(make_codec: MakeCodec) -> Agree:
    """Return an agreement that needs no word: both ends have the key built in; `make_codec` makes each codec."""

    async def agree(_: Peer) -> tuple[Codec, Codec]:
        return make_codec(), make_codec()

    return agree


def near_end(port: int, agree: Agree) -> contextlib.AbstractAsyncContextManager[int]:
    """Run the near end to a far end on `port`; yield the port that plaintext clients connect to.

    What a codec cannot open is raised in the block: LabError.
    """
    return relay(port, lambda client, wire: _carry(client, wire, agree))


def far_end(port: int, agree: Agree) -> contextlib.AbstractAsyncContextManager[int]:
    """Run the far end to the plaintext server on `port`; yield the port that near ends connect to. As `near_end`."""
    return relay(port, lambda wire, server: _carry(server, wire, agree))


async def _carry(plain: Peer, wire: Peer, agree: Agree) -> None:
    sealing, opening = await agree(wire)
    await asyncio.gather(pump(plain, wire, _sealed(sealing)), pump(wire, plain, _opened(opening)))


def _sealed(codec: Codec) -> Change:
    rest = b""

    def change(data: bytes) -> bytes:
        nonlocal rest
        *ended, rest = (rest + data).split(b"\n")
        return b"".join(codec.seal(line) for line in ended)

    return change


def _opened(codec: Codec) -> Change:
    return lambda data: b"".join(line + b"\n" for line in codec.open(data))
