"""The way of the words, from the scenario to the verdict; a line an arrow. The only file that knows all the others."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.decrypt import sealed_stream
from capture.hello import server_hello
from capture.keylog import read_keylog
from capture.readers import read_segments
from capture.sources.source import Counters
from capture.streams import ByteStream, on_port, reassemble
from capture.tls import APPLICATION_DATA, Record
from lab.folder import RunFolder
from lab.overhear import overhear
from lab.record import Plan, Transport, record
from lab.scenario import Sent
from lab.sessions import Session, sessions
from lab.verdict import Expected, Finding, Verdict, judge
from lab.visible import Visible, look


@dataclass(frozen=True, slots=True)
class ChatOutcome:
    """What the capture tells of one chat.

    Attributes:
        transport: how it travelled.
        port: the server's port.
        streams: its byte streams.
        verdict: what was read without any key.
        with_keys: what was read with the key log; None for plaintext.
        carriers: for each message the TLS record that its first byte travelled in, known through the keys; empty for
            plaintext.
        visible: what is visible of each TLS connection without keys; empty for plaintext.
        problems: what of its TLS could not be read to the end, or not be opened.
    """

    transport: Transport
    port: int
    streams: tuple[ByteStream, ...]
    verdict: Verdict
    with_keys: Verdict | None
    carriers: tuple[Record | None, ...]
    visible: tuple[Visible, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run.

    Attributes:
        plan: what was run.
        folder: where its files are.
        counters: what the capture counted.
        chats: the outcome of each chat.
        seconds: how long the run took, from the first server to the last verdict.
    """

    plan: Plan
    folder: RunFolder
    counters: Counters
    chats: Mapping[Transport, ChatOutcome]
    seconds: float

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the run as a whole is not as expected, beyond the problems of its verdicts."""
        dropped = self.counters.dropped
        lost = (f"The capture dropped {dropped} packet{'' if dropped == 1 else 's'}.",) if dropped else ()
        return lost + tuple(problem for chat in self.chats.values() for problem in chat.problems)

    @property
    def ok(self) -> bool:
        """Whether every verdict is the expected one and the capture is whole."""
        verdicts = [v for chat in self.chats.values() for v in (chat.verdict, chat.with_keys) if v is not None]
        return not self.problems and all(verdict.ok for verdict in verdicts)


def run(plan: Plan, folder: RunFolder) -> Outcome:
    """Run the chats, capture them, read the capture, judge it.

    Raises:
        LabError, CaptureError, CertsError, ChatError: as their texts say; what was captured stays in the folder.
    """
    started = time.monotonic()
    recording = asyncio.run(record(plan, folder))
    segments = recording.segments
    if segments is None:
        segments = tuple(read_segments(folder.capture, plan.reader))
    streams = reassemble(segments)
    chats = {
        transport: examine(transport, recording.ports[transport], streams, sent, folder.keylog)
        for transport, sent in recording.sent.items()
    }
    return Outcome(plan, folder, recording.counters, chats, time.monotonic() - started)


def examine(
    transport: Transport, port: int, streams: Sequence[ByteStream], sent: Sequence[Sent], keylog: Path
) -> ChatOutcome:
    """Judge what the capture's streams tell of the chat on `port`.

    Raises:
        KeyLogError: the key log cannot be read.
    """
    own = on_port(streams, port)
    heard = overhear(own)
    if transport is Transport.PLAIN:
        verdict = judge(sent, heard, own, own, Expected.READABLE)
        return ChatOutcome(transport, port, own, verdict, None, (), (), ())
    found = sessions(own, read_keylog(keylog))
    sealed = [sealed_stream(x, server_hello(s.server)) for s in found for x in (s.client, s.server)]
    verdict = judge(sent, heard, own, sealed, Expected.UNREADABLE)
    plain = [stream for session in found for stream in session.readable]
    with_keys = judge(sent, overhear(plain), plain, plain, Expected.READABLE)
    return ChatOutcome(
        transport=transport,
        port=port,
        streams=own,
        verdict=verdict,
        with_keys=with_keys,
        carriers=tuple(_carrier(finding, found) for finding in with_keys.findings),
        visible=tuple(look(session.client, session.server) for session in found if session.is_tls),
        problems=tuple(problem for session in found for problem in session.problems),
    )


def _carrier(finding: Finding, found: Sequence[Session]) -> Record | None:
    """Return the TLS record that the first byte of a message was read from."""
    if finding.heard is None:
        return None
    start = finding.heard.start
    session = next(s for s in found if s.client.stream.connection == finding.heard.stream.connection)
    for item in session.opened[0] if session.opened else ():
        if item.content_type == APPLICATION_DATA:
            if start < len(item.plaintext):
                return item.record
            start -= len(item.plaintext)
    return None
