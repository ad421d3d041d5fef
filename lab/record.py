"""Runs the chats of a plan while they are captured."""

import contextlib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from capture.engines import EngineName
from capture.readers import ReaderName
from capture.rights import Choice, Way
from capture.segment import Segment
from capture.sources.source import Counters
from certs.contexts import client_context, server_context
from certs.store import open_store
from chat.client import Client
from chat.limits import Limits
from chat.server import Server
from lab.capturing import captured
from lab.folder import RunFolder
from lab.play import Connect, play, side_by_side
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
    real: dict[Transport, int] = {}
    async with contextlib.AsyncExitStack() as stack:
        for transport in plan.transports:
            server = loopback_server(
                server_tls if transport is Transport.TLS else None, port=0 if tapped else plan.ports[transport]
            )
            await stack.enter_async_context(server)
            real[transport] = server.address[1]
        shown = {port: plan.ports[transport] for transport, port in real.items()}
        # pyshark reads along: on a file that is there already it takes as long again
        engine: EngineName | None = "pyshark" if plan.reader == "pyshark" and not tapped else None
        async with captured(folder.capture, plan.choice, tuple(real.values()), shown=shown, engine=engine) as wire:
            ports = {transport: wire.ports[port] for transport, port in real.items()}
            contexts = {Transport.PLAIN: None, Transport.TLS: client_tls}
            sent = await side_by_side(
                {transport: play(plan.steps, connector(port, contexts[transport])) for transport, port in ports.items()}
            )
    recording = Recording(sent, ports, wire.counters, wire.segments)
    folder.write(
        folder.transcript, {str(t): [asdict(message) for message in sent] for t, sent in recording.sent.items()}
    )
    return recording


def loopback_server(
    context: ssl.SSLContext | None, *, port: int = 0, identify: Callable[[bytes], str | None] | None = None
) -> Server:
    """Return a server as every demo has it: on 127.0.0.1 alone, without limits of rate, segments as on an Ethernet.

    Args:
        context: its side of TLS; None for plaintext.
        port: 0 for any that is free.
        identify: as `Server` takes it.
    """
    return Server(
        hosts=("127.0.0.1",),
        port=port,
        context=context,
        limits=LIMITS,
        receive_buffer=_RECEIVE_BUFFER,
        identify=identify,
    )


def connector(port: int, context: ssl.SSLContext | None) -> Connect:
    """Return what connects a client of the given name to the lab's server on `port`; `context` is its side of TLS."""

    async def connect(name: str) -> Client:
        # "localhost" is asked for by name, so that the certificate is checked for it and SNI shows in the capture
        return await Client.connect(
            "127.0.0.1", port, name, context=context, server_hostname="localhost" if context else None
        )

    return connect
