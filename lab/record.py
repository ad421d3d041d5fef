"""Runs the chats of a plan while they are captured. The only file where servers, clients and captures meet."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from capture.engines import EngineName
from capture.live import open_capture
from capture.readers import ReaderName
from capture.rights import Choice, Way
from capture.segment import Segment
from capture.sources.source import Counters
from capture.tap import open_tap
from certs.contexts import client_context, server_context
from certs.store import open_store
from chat.client import Client
from chat.limits import Limits
from chat.server import Server
from lab.folder import RunFolder
from lab.play import Connect, play
from lab.scenario import Sent, Step

# A segment on loopback holds 64 KiB, so no message would ever span two. A receive buffer this small (Linux doubles it,
# socket(7)) keeps the server's window, and with it the segments, as small as on an Ethernet: 1,448 bytes of payload.
_RECEIVE_BUFFER = 2896
# A scenario speaks as fast as it can, and whoever comes late in it is to hear what was said live or not at all.
LIMITS = Limits(rate=0, history=0)


class Transport(StrEnum):
    """How a chat travels."""

    PLAIN = "plain"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run.

    Attributes:
        transports: which chats, side by side in one capture.
        steps: the scenario, the same for each.
        ports: the port of each chat, 0 for any that is free.
        version: the TLS version.
        reader: what reads the capture; pyshark reads it while it is made, where there is a live one.
        choice: the way of capturing.
        certificates: the folder of the CA and the server's certificate.
    """

    transports: tuple[Transport, ...]
    steps: Sequence[Step]
    ports: Mapping[Transport, int]
    version: ssl.TLSVersion
    reader: ReaderName
    choice: Choice
    certificates: Path


@dataclass(frozen=True, slots=True)
class Recording:
    """What a run left behind beside the capture file.

    Attributes:
        sent: the messages of each chat.
        ports: the port of each chat, as the capture shows it.
        counters: what the capture counted.
        segments: what a reader that read along has read; None where the file is still to be read.
    """

    sent: Mapping[Transport, tuple[Sent, ...]]
    ports: Mapping[Transport, int]
    counters: Counters
    segments: tuple[Segment, ...] | None


_Ports = Mapping[Transport, int]
_Sent = dict[Transport, tuple[Sent, ...]]
_Talk = Callable[[_Ports], Awaitable[_Sent]]


async def record(plan: Plan, folder: RunFolder) -> Recording:
    """Run the chats of the plan while they are captured into the folder; then write the transcript beside the capture.

    Raises:
        LabError, CaptureError, CertsError, ChatError: as their texts say; what was captured stays in the folder.
    """
    server_tls = client_tls = None
    if Transport.TLS in plan.transports:
        store = open_store(plan.certificates)
        # The server writes the keys: OpenSSL logs them before the first byte under them leaves.
        server_tls = server_context(
            store.server_certificate, store.server_key, keylog=folder.keylog, version=plan.version
        )
        client_tls = client_context(store.ca_certificate, version=plan.version)
    tapped = plan.choice.way is Way.TAP

    async def talk(ports: _Ports) -> _Sent:
        try:
            async with asyncio.TaskGroup() as group:
                playing = {
                    transport: group.create_task(
                        play(plan.steps, _connector(port, client_tls if transport is Transport.TLS else None))
                    )
                    for transport, port in ports.items()
                }
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0]  # noqa: B904  (the others were cancelled because of it; its cause is its own)
        return {transport: task.result() for transport, task in playing.items()}

    async with contextlib.AsyncExitStack() as stack:
        real = {}
        for transport in plan.transports:
            server = Server(
                port=0 if tapped else plan.ports[transport],
                context=server_tls if transport is Transport.TLS else None,
                hosts=("127.0.0.1",),
                limits=LIMITS,
                receive_buffer=_RECEIVE_BUFFER,
            )
            await stack.enter_async_context(server)
            real[transport] = server.address[1]
        capturing = _through_tap if tapped else _on_loopback
        recording = await capturing(plan, folder, real, talk)
    folder.write(
        folder.transcript, {str(t): [asdict(message) for message in sent] for t, sent in recording.sent.items()}
    )
    return recording


def _connector(port: int, context: ssl.SSLContext | None) -> Connect:
    async def connect(name: str) -> Client:
        # "localhost" is asked for by name, so that the certificate is checked for it and SNI shows in the capture
        return await Client.connect(
            "127.0.0.1", port, name, context=context, server_hostname="localhost" if context else None
        )

    return connect


async def _through_tap(plan: Plan, folder: RunFolder, real: _Ports, talk: _Talk) -> Recording:
    async with open_tap(folder.capture) as tap:
        ports = {transport: await tap.listen(plan.ports[transport], port) for transport, port in real.items()}
        sent = await talk(ports)
    assert tap.counters is not None
    return Recording(sent, ports, tap.counters, None)


async def _on_loopback(plan: Plan, folder: RunFolder, real: _Ports, talk: _Talk) -> Recording:
    # pyshark reads along: on a file that is there already it takes as long again
    engine: EngineName | None = "pyshark" if plan.reader == "pyshark" else None
    async with open_capture(folder.capture, tuple(real.values()), engine=engine, source=plan.choice.source) as capture:
        sent = await talk(real)
    segments = tuple([seen.segment async for seen in capture]) if engine is not None else None
    assert capture.counters is not None
    return Recording(sent, real, capture.counters, segments)
