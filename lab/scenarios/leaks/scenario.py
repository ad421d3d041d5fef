"""What leaks from an encrypted chat: lengths, times, names in the handshake; what padding hides of it, at what price.

Knows how to run it all in one capture: the hidden conversation over three chats at once, each padding in its own way,
and a few visits whose handshakes are looked at. What the attack makes of it is in `guess`, what is claimed in
`judge`. Contract: the attack is handed the capture and what is public; no key and no truth.
"""

import contextlib
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from capture.readers import read_segments
from capture.sources.source import Counters
from capture.streams import on_port, reassemble
from certs.contexts import client_context, server_context
from certs.store import Store, open_store
from chat.server import Server
from lab.capturing import captured
from lab.errors import LabError
from lab.play import side_by_side
from lab.record import loopback_server
from lab.scenario import Sent, Step
from lab.scenarios.leaks.guess import tap
from lab.scenarios.leaks.judge import QUESTIONS, judge
from lab.scenarios.leaks.open import Openly, openly
from lab.scenarios.leaks.page import show
from lab.scenarios.leaks.plot import draw_pictures
from lab.scenarios.leaks.result import PADDINGS, Handshakes, Padding, Result, attack, blind
from lab.scenarios.leaks.talk import COUNT, NAMES, Line, draw, steps
from lab.scenarios.leaks.visit import visit, visit_by_openssl
from lab.scenarios.running import run_in_time
from lab.scenarios.s_client import find_openssl
from lab.scenarios.shape import Scenario, Setting
from lab.scenarios.talker import Job, Talker, talker
from lab.sessions import Session, sessions

_TLS12, _TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
_VISITS = {_TLS12: 2, _TLS13: 3}  # by Python


@dataclass(frozen=True, slots=True)
class _Recording:
    """What was recorded beside the capture: the ports in it, what was sent, what was counted."""

    chats: Mapping[Padding, int]
    visited: Mapping[ssl.TLSVersion, tuple[int, int]]  # with how many visits there were
    sent: tuple[Sent, ...]
    counters: Counters


def run(setting: Setting) -> Result:
    """Run it, read the capture, and draw the pictures.

    Raises:
        LabError, CaptureError, CertsError, ChatError: as their texts say; what was captured stays in the folder.
    """
    lines = draw(setting.seed)
    with tempfile.TemporaryDirectory(dir=setting.folder.path) as work:
        store = open_store(Path(work))
        certificate = load_pem_x509_certificate(store.server_certificate.read_bytes()).public_bytes(Encoding.DER)
        recording = run_in_time(_record(setting, steps(lines), store))
    setting.folder.write(setting.folder.transcript, {"sent": [asdict(message) for message in recording.sent]})
    streams = reassemble(read_segments(setting.folder.capture, setting.reader))

    def on(port: int) -> tuple[Session, ...]:
        return sessions(on_port(streams, port), None)

    chats = {padding: on(port) for padding, port in recording.chats.items()}
    visits = {version: on(port) for version, (port, _) in recording.visited.items()}
    if any(len(visits[version]) != made for version, (_, made) in recording.visited.items()):
        raise LabError("The capture does not hold the visits that were made, and no others: run it again.")
    every = [session for found in (*chats.values(), *visits.values()) for session in found]

    def read(found: Sequence[Session]) -> tuple[Openly, ...]:
        return tuple(openly(session, certificate) for session in found)

    first, second = read(visits[_TLS12])
    once, again, once_more, *by_openssl = read(visits[_TLS13])
    truth = _truth(lines, recording.sent)
    result = Result(
        truth=truth,
        attacked=attack(truth, {padding: tap(found, COUNT) for padding, found in chats.items()}),
        blind=blind(truth),
        handshakes=Handshakes(
            chat=read([session for found in chats.values() for session in found]),
            openssl=by_openssl[0] if by_openssl else None,
            tls12=(first, second),
            tls13=(once, again, once_more),
        ),
        certificate=certificate,
        capture=setting.folder.capture,
        counters=recording.counters,
        problems=tuple(problem for session in every for problem in session.problems),
    )
    return replace(result, pictures=draw_pictures(result, setting.folder.path))


def _truth(lines: Sequence[Line], sent: Sequence[Sent]) -> tuple[Line, ...]:
    """Return the lines as they were sent."""
    return tuple(
        replace(line, speaker=NAMES.index(message.who), phrase=message.text)
        for line, message in zip(lines, sent, strict=True)
    )


async def _record(setting: Setting, conversation: Sequence[Step], store: Store) -> _Recording:
    work = store.server_key.parent
    async with contextlib.AsyncExitStack() as stack:
        talkers: dict[Padding, Talker] = {}
        for padding in PADDINGS:
            folder = work / str(padding.block)
            folder.mkdir()
            job = Job(
                store.server_certificate,
                store.server_key,
                store.ca_certificate,
                setting.folder.keylog,
                _TLS13,
                {"RecordPadding": str(padding.block)} if padding.block > 1 else {},
            )
            talkers[padding] = await stack.enter_async_context(talker(job, folder))
        servers: dict[ssl.TLSVersion, Server] = {}
        for version in _VISITS:
            context = server_context(
                store.server_certificate, store.server_key, keylog=setting.folder.keylog, version=version
            )
            servers[version] = await stack.enter_async_context(loopback_server(context))
        listening = [child.port for child in talkers.values()] + [server.address[1] for server in servers.values()]
        async with captured(setting.folder.capture, setting.choice, listening) as wire:
            visited = {}
            for version, server in servers.items():
                port = wire.ports[server.address[1]]
                visited[version] = port, await _visits(version, port, store)
            chats = {padding: wire.ports[child.port] for padding, child in talkers.items()}
            sent = await _talk(talkers, chats, conversation)
    return _Recording(chats, visited, sent, wire.counters)


async def _visits(version: ssl.TLSVersion, port: int, store: Store) -> int:
    """Visit a server, that of TLS 1.3 once more with openssl where it is installed; return how often."""
    context = client_context(store.ca_certificate, version=version)
    session = await visit(port, context)
    for _ in range(_VISITS[version] - 1):
        await visit(port, context, session)
    if version is _TLS13 and (program := await find_openssl()) is not None:
        await visit_by_openssl(port, program, store.ca_certificate)
        return _VISITS[version] + 1
    return _VISITS[version]


async def _talk(
    talkers: Mapping[Padding, Talker], ports: Mapping[Padding, int], conversation: Sequence[Step]
) -> tuple[Sent, ...]:
    """Hold the same conversation over each chat at once; return what was sent over the first."""
    sent = await side_by_side({padding: child.talk(ports[padding], conversation) for padding, child in talkers.items()})
    return next(iter(sent.values()))


SCENARIO = Scenario(
    name="leaks",
    title="What leaks: an encrypted chat, read by its lengths and times",
    setting=(
        f"Four people say {COUNT} messages, drawn at random from a public list of phrases. Three chats over TLS 1.3 "
        "carry the same conversation: one as it is, one that pads every record to a multiple of 32 bytes, one that "
        "makes all records the same size. The attacker has the capture, the list of phrases and the list of names, "
        "and no key: all there is to see is how long each record is, on which connection, and when."
    ),
    questions=QUESTIONS,
    run=run,
    judge=judge,
    show=show,
)
