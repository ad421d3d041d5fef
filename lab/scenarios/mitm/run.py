"""Lets every client meet every certificate while it is captured, one pair after the other, and notes what was said.

Sockets and TLS, nothing read yet: what the capture has of it is for `lab.scenarios.mitm.read`.
"""

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from capture.sources.source import Counters
from certs.contexts import client_context, server_context
from certs.pinning import PinError
from chat import notices, protocol
from chat.client import Client
from chat.errors import ChatError
from lab.capturing import captured
from lab.errors import LabError
from lab.record import connector, loopback_server
from lab.scenarios.mitm.cast import Cast, Shown, Who, client_contexts, make_cast
from lab.scenarios.mitm.openssl import Opinion, ask, strict
from lab.scenarios.mitm.relay import terminating
from lab.scenarios.relay import Change, Peer, passing, relay
from lab.scenarios.s_client import find_openssl
from lab.scenarios.shape import Setting

WORDS: Final = ("Bob, are we alone here?", "Then pay 100 euros to Anna, please.")
OLD, NEW = b"100 euros to Anna", b"900 euros to Mallory"
SPEAKER: Final = "alice"
TLS_1_3, TLS_1_2 = "TLS 1.3", "TLS 1.2"  # as capture.tls has them
VERSIONS: Final = {TLS_1_3: ssl.TLSVersion.TLSv1_3, TLS_1_2: ssl.TLSVersion.TLSv1_2}
_TIMEOUT = 30.0  # seconds for one pair, which takes milliseconds; for machines that swap

Meeting = Callable[[Peer, Peer], Awaitable[None]]
Pair = tuple[str, Shown, Who]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a client went away, by its own account.

    Attributes:
        code: OpenSSL's verify error (X509_V_ERR_… in openssl/x509_vfy.h), None where it was not OpenSSL that refused.
        words: the same in words.
    """

    code: int | None
    words: str


@dataclass(frozen=True, slots=True)
class Visit:
    """What became of one client before one certificate, as those know it who took part.

    Attributes:
        version: the only version of TLS that the client speaks.
        shown: the certificate.
        who: the client.
        port: of the relay, as the capture shows it; each pair has its own.
        onward: the port from which the relay went on to the server.
        refusal: why the client went away; None where it spoke.
        sent: what it said.
        delivered: what somebody else in the room then heard from it.
    """

    version: str
    shown: Shown
    who: Who
    port: int
    onward: int
    refusal: Refusal | None
    sent: tuple[str, ...]
    delivered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """What a run leaves beside its capture.

    Attributes:
        cast: the files of those who took part.
        visits: one for each pair.
        port: of the server, as the capture shows it.
        attacker: the key log of the relay: all that an attacker has.
        server: the key log of the server, for the proof.
        opinions: what openssl says of each certificate as the strict client; None where it is not installed.
        counters: what the capture counted.
    """

    cast: Cast
    visits: tuple[Visit, ...]
    port: int
    attacker: Path
    server: Path
    opinions: Mapping[Shown, Opinion | None] | None
    counters: Counters


async def record(setting: Setting) -> Recording:
    """Make the certificates, run all pairs while they are captured, then ask openssl.

    Raises:
        LabError, CaptureError, CertsError, ChatError: as their texts say; what was captured stays in the folder.
    """
    cast = make_cast(setting.folder, datetime.now(UTC).replace(microsecond=0))
    attacker, server_log = setting.folder.path / "attacker.keylog", setting.folder.path / "server.keylog"
    meetings = _meetings(cast, attacker)
    genuine = cast.shown[Shown.GENUINE]
    room = loopback_server(server_context(genuine, genuine, keylog=server_log))
    async with room, contextlib.AsyncExitStack() as stack:
        here = room.address[1]
        contexts = _contexts(cast)
        onward: dict[Pair, int] = {}
        ports: dict[Pair, int] = {}
        shown: dict[int, int] = {}
        for pair in itertools.product(VERSIONS, Shown, Who):
            meeting = _noting(meetings[pair[1]], pair, onward)
            ports[pair] = await stack.enter_async_context(relay(lambda: shown.get(here), meeting))
        visits = []
        async with captured(setting.folder.capture, setting.choice, (here, *ports.values())) as wire:
            shown.update(wire.ports)
            bob = await connector(wire.ports[here], contexts[TLS_1_3, Who.STRICT])("bob")
            try:
                for pair, port in ports.items():
                    refusal, delivered = await _visit(wire.ports[port], contexts[pair[0], pair[2]], bob)
                    sent = () if refusal is not None else WORDS
                    visits.append(Visit(*pair, wire.ports[port], onward[pair], refusal, sent, delivered))
                await bob.leave()
            finally:
                await bob.close()
        opinions = await _ask_openssl(cast, meetings, here)
    setting.folder.write(setting.folder.transcript, {"visits": [asdict(visit) for visit in visits]})
    return Recording(cast, tuple(visits), wire.ports[here], attacker, server_log, opinions, wire.counters)


def _contexts(cast: Cast) -> dict[tuple[str, Who], ssl.SSLContext]:
    """Return what each client connects with in each version of TLS."""
    found = {}
    for name, version in VERSIONS.items():
        for who, context in client_contexts(cast).items():
            context.minimum_version = context.maximum_version = version
            found[name, who] = context
    return found


def _meetings(cast: Cast, keylog: Path) -> dict[Shown, Meeting]:
    """Return what the attacker does with each certificate; of the genuine one it has no key, so it passes all on."""
    far = client_context(cast.ca)
    found: dict[Shown, Meeting] = {Shown.GENUINE: passing(_untouched, _untouched)}
    for shown, file in cast.shown.items():
        if shown is not Shown.GENUINE:
            near = server_context(file, file, keylog=keylog)
            found[shown] = terminating(near, far, lambda words: words.replace(OLD, NEW))
    far.keylog_filename = str(keylog)  # made by now, and closed to others
    return found


def _untouched() -> Change:
    return bytes


def _noting(meeting: Meeting, pair: Pair, onward: dict[Pair, int]) -> Meeting:
    """Return the same meeting, noting the port from which the relay goes on to the server."""

    async def meet(client: Peer, server: Peer) -> None:
        onward[pair] = server.writer.get_extra_info("sockname")[1]
        await meeting(client, server)

    return meet


async def _visit(port: int, context: ssl.SSLContext, bob: Client) -> tuple[Refusal | None, tuple[str, ...]]:
    """Let somebody come in by way of the relay on `port`, say her words and leave; return what `bob` hears of it."""
    try:
        async with asyncio.timeout(_TIMEOUT):
            try:
                alice = await connector(port, context)(SPEAKER)
            except ChatError as error:
                return _refusal(error), ()
            async with alice:
                for words in WORDS:
                    await alice.send(words)
            heard = []
            while (line := await bob.receive()) != notices.line(notices.LEFT, name=SPEAKER):
                heard.append(line)
    except TimeoutError:
        msg = f"{SPEAKER} and the relay did not come to an end within {_TIMEOUT:.0f} seconds."
        raise LabError(msg) from None
    said = [protocol.parse_said(line) for line in heard]
    return None, tuple(words for who, words in filter(None, said) if who == SPEAKER)


def _refusal(error: ChatError) -> Refusal:
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Refusal(cause.verify_code, cause.verify_message)
    if isinstance(cause, PinError):
        return Refusal(None, PinError.reason)
    raise error  # it did not come to the certificate at all


async def _ask_openssl(
    cast: Cast, meetings: Mapping[Shown, Meeting], server: int
) -> dict[Shown, Opinion | None] | None:
    program = await find_openssl()
    if program is None:
        return None
    async with contextlib.AsyncExitStack() as stack:
        ports = [await stack.enter_async_context(relay(server, meetings[shown])) for shown in Shown]
        asked = (ask(program, port, strict(cast)) for port in ports)
        return dict(zip(Shown, await asyncio.gather(*asked), strict=True))
