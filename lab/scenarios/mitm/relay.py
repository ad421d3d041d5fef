"""The one in the middle: TLS with the client under a certificate of its own, TLS with the server, plaintext between.

Knows TLS without sockets (`chat.wire.Tls`) and what `lab.scenarios.relay` hands over; where that listens and connects
is not decided here. Contract: the server is spoken to only after the client has accepted the certificate.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable

from chat.wire import Tls
from lab.errors import LabError
from lab.scenarios.relay import Change, Peer

_READ = 1 << 16


def terminating(near: ssl.SSLContext, far: ssl.SSLContext, change: Change) -> Callable[[Peer, Peer], Awaitable[None]]:
    """Return a meeting that ends the client's TLS in the relay and speaks its own with the server.

    Args:
        near: towards the client: with the certificate that it is shown.
        far: towards the server.
        change: what becomes of the client's words on the way; each call gets whole lines, as the chat's clients send
            one in one record.
    """

    async def meet(client: Peer, server: Peer) -> None:
        inner = Tls(near, server_side=True)
        said = await _shake_hands(client, inner)
        if not inner.ready or inner.ended:  # refused, by an alert or after the handshake
            client.writer.write(inner.end())
            return
        outer = Tls(far, server_hostname="localhost")
        server.writer.write(outer.start())
        answered = await _shake_hands(server, outer)
        if outer.failure is not None:
            raise LabError(f"The relay does not trust the lab's own server ({outer.failure.reason}).")
        server.writer.write(outer.send(change(said)))
        client.writer.write(inner.send(answered))
        await asyncio.gather(
            _carry(client, inner, server, outer, change),
            _carry(server, outer, client, inner, bytes),
        )

    return meet


async def _shake_hands(peer: Peer, wire: Tls) -> bytes:
    """Bring a handshake to its end, or as far as it goes; return the words that came with its last bytes."""
    words = b""
    while not wire.ready and wire.failure is None and (data := await peer.reader.read(_READ)):
        words += wire.receive(data)
        peer.writer.write(wire.outgoing())
    return words


async def _carry(source: Peer, opened: Tls, target: Peer, sealed: Tls, change: Change) -> None:
    """Open what one side sends, change it and seal it for the other, until it ends; then say so to the other."""
    with contextlib.suppress(ConnectionError):
        while not opened.ended and opened.failure is None and (data := await source.reader.read(_READ)):
            words = opened.receive(data)
            source.writer.write(opened.outgoing())
            target.writer.write(sealed.send(change(words)))
            await target.writer.drain()
    target.writer.write(sealed.end())
