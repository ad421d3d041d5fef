"""Mutual TLS: the chat asks its clients for certificates, in TLS 1.2 and in 1.3. Runs it and reads the capture.

What is measured is judged by `judge` and shown by `page`; `seen` reads a connection.
"""

import contextlib
import ssl
import tempfile
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from capture.keylog import KeyLog, read_keylog
from capture.readers import read_segments
from capture.sources.source import Counters
from capture.streams import ByteStream, on_port, reassemble
from certs.contexts import client_context, explain, server_context
from certs.store import Store
from chat.client import Client
from chat.errors import ChatError
from lab import verdict
from lab.capturing import captured
from lab.errors import LabError
from lab.identity import identify
from lab.overhear import overhear
from lab.play import play
from lab.record import connector, loopback_server
from lab.scenario import Join, Say, Sent, Step
from lab.scenarios.mutual.cast import ALICE, BOB, Person, cast
from lab.scenarios.mutual.judge import QUESTIONS, Chat, Result, judge
from lab.scenarios.mutual.page import show
from lab.scenarios.mutual.seen import see
from lab.scenarios.running import run_in_time
from lab.scenarios.shape import Scenario, Setting
from lab.sessions import sessions
from lab.verdict import Expected

VERSIONS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
TALK: tuple[Step, ...] = (
    Join("alice"),
    Join("bob"),
    Say("alice", "Bob, is it really you?"),
    Say("bob", "It is: the server has seen my certificate."),
)


@dataclass(frozen=True, slots=True)
class _Played:
    """What was done in the chat of one version: what was said, and what was told to those who were not let in."""

    port: int
    sent: tuple[Sent, ...]
    told: Mapping[str, str]


def run(setting: Setting, *, require: bool = True, bind: bool = True) -> Result:
    """Run both chats while they are captured, and read the capture.

    Args:
        setting: how.
        require: whether the servers ask for certificates; without it they are the course's own.
        bind: whether the servers hold a client to the name in its certificate.

    Raises:
        LabError, CaptureError, CertsError, ChatError: as their texts say; what was captured stays in the folder.
    """
    # keys that are of no use to anybody after the run do not outlive it
    with tempfile.TemporaryDirectory(dir=setting.folder.path) as certificates:
        store, people = cast(Path(certificates))
        counters, played = run_in_time(_record(setting, store, people, require=require, bind=bind))
    setting.folder.write(
        setting.folder.transcript,
        {
            version: {"sent": [asdict(message) for message in done.sent], "told": dict(done.told)}
            for version, done in played.items()
        },
    )
    streams = reassemble(read_segments(setting.folder.capture, setting.reader))
    keys = read_keylog(setting.folder.keylog)
    chats = tuple(_read(streams, keys, version, done, people) for version, done in played.items())
    return Result(chats, counters, setting.folder.capture, setting.folder.keylog)


async def _record(
    setting: Setting, store: Store, people: tuple[Person, ...], *, require: bool, bind: bool
) -> tuple[Counters, dict[str, _Played]]:
    async with contextlib.AsyncExitStack() as stack:
        servers = {}
        for name, version in VERSIONS.items():
            context = server_context(
                store.server_certificate,
                store.server_key,
                version=version,
                client_ca=store.ca_certificate if require else None,
            )
            servers[name] = await stack.enter_async_context(
                loopback_server(context, identify=identify if require and bind else None)
            )
        ports = [server.address[1] for server in servers.values()]
        async with captured(setting.folder.capture, setting.choice, ports) as wire:
            played = {
                name: await _play(setting, store, people, VERSIONS[name], wire.ports[server.address[1]])
                for name, server in servers.items()
            }
    return wire.counters, played


async def _play(
    setting: Setting, store: Store, people: tuple[Person, ...], version: ssl.TLSVersion, port: int
) -> _Played:
    """Let alice and bob talk, and then, when nobody is in the room, everybody else try to come in; one at a time."""

    def enter(person: Person) -> Awaitable[Client]:
        # the clients write the keys: a server that refuses a certificate in TLS 1.3 has not made all of them yet
        context = client_context(store.ca_certificate, version=version, own=person.files, keylog=setting.folder.keylog)
        return connector(port, context)(person.says)

    sent = await play(TALK, lambda name: enter(next(person for person in people if person.who == name)))
    told = {}
    for person in people:
        if person.who not in (ALICE, BOB):
            try:
                await (await enter(person)).leave()
            except ChatError as error:
                cause = error.__cause__
                told[person.who] = explain(cause) if isinstance(cause, ssl.SSLError) else str(error)
    return _Played(port, sent, told)


def _read(streams: Sequence[ByteStream], keys: KeyLog, version: str, done: _Played, people: tuple[Person, ...]) -> Chat:
    found = sessions(on_port(streams, done.port), keys)
    if len(found) != len(people):
        msg = f"The capture shows {len(found)} connections to the {version} chat, and {len(people)} were made."
        raise LabError(msg)
    # each came when the one before had gone or was in
    seen = tuple(see(session, person) for session, person in zip(found, people, strict=True))
    plain = [stream for session in found for stream in session.readable]
    read = verdict.judge(done.sent, overhear(plain), plain, plain, Expected.READABLE)
    return Chat(version, done.port, seen, done.sent, read, done.told)


SCENARIO: Scenario[Result] = Scenario(
    name="mutual",
    title="Mutual TLS: the server wants to know who you are, too",
    setting=(
        "A certificate says whose key this is, signed by a CA; whoever shows it must sign the handshake with that key. "
        "Servers always show one. Here the chat asks its clients for one, too, and lets nobody speak under another "
        "name than the one in it; once in TLS 1.2, once in TLS 1.3. Alice and bob have theirs from the lab's CA, and "
        "talk. When they have left, four others want to come in as alice: mallory, whose certificate is for mallory; a "
        "stranger, whose own CA says he is alice; a guest without any; and a thief, who has copied alice's certificate "
        "but not her key. An eavesdropper captures it all."
    ),
    questions=QUESTIONS,
    run=run,
    judge=judge,
    show=show,
)
