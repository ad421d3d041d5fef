"""Runs the chats that are tampered with, each with a server and an attacker of its own, all in one capture.

    alice -> the attacker's relay -> the server -> bob

Knows sockets and TLS contexts. Must not know what comes of it: that is read from the capture.
"""

import contextlib
import random
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from capture.sources.source import Counters
from certs.contexts import client_context, server_context
from certs.store import open_store
from chat import notices, protocol
from chat.client import Client
from chat.errors import ConnectionLost
from lab.capturing import captured
from lab.play import side_by_side
from lab.record import connector, loopback_server
from lab.scenarios.codecs import Framed, RepeatingXor, framed
from lab.scenarios.relay import passing, relay
from lab.scenarios.shape import Setting
from lab.scenarios.tamper.changes import OnTheWay, Tampering, Target, Transport
from lab.scenarios.tunnel import built_in, far_end, near_end

SPEAKER, READER = "alice", "bob"
_VERSIONS = {Transport.TLS_1_2: ssl.TLSVersion.TLSv1_2, Transport.TLS_1_3: ssl.TLSVersion.TLSv1_3}

Pairing = tuple[Transport, Tampering]
PAIRINGS: tuple[Pairing, ...] = tuple((transport, tampering) for tampering in Tampering for transport in Transport)


class XorLines:
    """`RepeatingXor` begun anew for each line, with the length in front: each is sealed by itself, as a TLS record is.

    Otherwise a line that is left out would also shift the key for all that come after it.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._arrived = Framed()

    def seal(self, line: bytes) -> bytes:
        """As `Codec.seal`."""
        return framed(RepeatingXor(self._key).seal(line))

    def open(self, data: bytes) -> list[bytes]:
        """As `Codec.open`."""
        return [line for sealed in self._arrived.feed(data) for line in RepeatingXor(self._key).open(sealed)]


@dataclass(frozen=True, slots=True)
class Hops:
    """The ports of one chat as the capture shows them.

    Attributes:
        relay: the attacker's; alice connects to it.
        server: the server's, or of XOR the far end's of its tunnel; the attacker and bob connect to it.
    """

    relay: int
    server: int


@dataclass(frozen=True, slots=True)
class Recording:
    """What the run left behind beside the capture and the key log.

    Attributes:
        hops: the ports of each chat.
        key: the key of the XOR chats.
        counters: what the capture counted.
    """

    hops: Mapping[Pairing, Hops]
    key: bytes
    counters: Counters


@dataclass(frozen=True, slots=True)
class _Tls:
    """Both sides' contexts."""

    server: ssl.SSLContext
    client: ssl.SSLContext


async def record(setting: Setting, target: Target) -> Recording:
    """Run every transport with every tampering at once, captured into the setting's folder.

    Raises:
        LabError, CaptureError, CertsError, ChatError: as their texts say; what was captured stays in the folder.
    """
    key = random.Random(setting.seed).randbytes(16)  # noqa: S311  (drawn again with the same seed; XOR keeps no secret)
    tls = _contexts(setting)
    shown: dict[int, int] = {}
    async with contextlib.AsyncExitStack() as servers:
        real = {}
        for pairing in PAIRINGS:
            real[pairing] = await servers.enter_async_context(_server(pairing[0], tls, key))
        # the relays end within the capture, so that it holds the end of every connection
        async with contextlib.AsyncExitStack() as relays:
            relaying = {
                pairing: await relays.enter_async_context(_attacker(pairing, target, real[pairing], shown))
                for pairing in PAIRINGS
            }
            async with captured(setting.folder.capture, setting.choice, [*real.values(), *relaying.values()]) as wire:
                shown.update(wire.ports)
                hops = {pairing: Hops(shown[relaying[pairing]], shown[real[pairing]]) for pairing in PAIRINGS}
                await side_by_side({pairing: _talk(pairing, target, hops[pairing], tls, key) for pairing in PAIRINGS})
                await relays.aclose()
    return Recording(hops, key, wire.counters)


def _contexts(setting: Setting) -> Mapping[Transport, _Tls]:
    # the keys of these certificates are of no use after the run
    with tempfile.TemporaryDirectory(dir=setting.folder.path) as folder:
        store = open_store(Path(folder) / "certs")
        found = {}
        for transport, version in _VERSIONS.items():
            server = server_context(
                store.server_certificate, store.server_key, keylog=setting.folder.keylog, version=version
            )
            client = client_context(store.ca_certificate, version=version)
            if transport is Transport.TLS_1_2:
                client.set_ciphers("ECDHE+AESGCM")
            found[transport] = _Tls(server, client)
        return found


@contextlib.asynccontextmanager
async def _server(transport: Transport, tls: Mapping[Transport, _Tls], key: bytes) -> AsyncIterator[int]:
    """Run a server; yield the port that is captured."""
    context = tls[transport].server if transport in tls else None
    async with loopback_server(context) as server:
        port = server.address[1]
        if transport is not Transport.XOR:
            yield port
            return
        async with far_end(port, built_in(lambda: XorLines(key))) as far:
            yield far


def _attacker(
    pairing: Pairing, target: Target, server: int, shown: Mapping[int, int]
) -> contextlib.AbstractAsyncContextManager[int]:
    def change() -> OnTheWay:
        return OnTheWay(*pairing, target)

    return relay(lambda: shown.get(server), passing(change, lambda: bytes))


@contextlib.asynccontextmanager
async def _way(pairing: Pairing, port: int, key: bytes) -> AsyncIterator[int]:
    """Yield the port that a client connects to, to reach the captured one."""
    if pairing[0] is not Transport.XOR:
        yield port
        return
    async with near_end(port, built_in(lambda: XorLines(key))) as near:
        yield near


async def _talk(pairing: Pairing, target: Target, hops: Hops, tls: Mapping[Transport, _Tls], key: bytes) -> None:
    """Let alice say everything by way of the attacker, and bob read until she has left."""
    context = tls[pairing[0]].client if pairing[0] in tls else None
    async with _way(pairing, hops.server, key) as straight, _way(pairing, hops.relay, key) as crooked:
        bob = await connector(straight, context)(READER)
        try:
            alice = await connector(crooked, context)(SPEAKER)
            try:
                await _say(alice, bob, target)
                # She says !quit and waits for the server's goodbye; where that cannot arrive she only closes.
                await (alice.close() if pairing[1] is Tampering.CUT else alice.leave())
                await _until(bob, notices.line(notices.LEFT, name=SPEAKER))
            finally:
                await alice.close()
            await bob.leave()
        finally:
            await bob.close()


async def _say(alice: Client, bob: Client, target: Target) -> None:
    for text in target.words[: target.at]:
        await alice.send(text)
        await _until(bob, protocol.said(SPEAKER, text))
    # from here on nobody knows what will arrive
    for text in target.words[target.at :]:
        with contextlib.suppress(ConnectionLost):
            await alice.send(text)


async def _until(client: Client, line: str) -> None:
    while await client.receive() != line:
        pass
