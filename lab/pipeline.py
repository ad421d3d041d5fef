"""The way of the words, from the scenario to the verdict; a line an arrow. The only file that knows all the others."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.decrypt import Opened, open_connection, plaintext_stream, sealed_stream
from capture.hello import server_hello
from capture.keylog import read_keylog
from capture.live import Counters
from capture.readers import read_segments
from capture.streams import ByteStream, reassemble
from capture.tls import APPLICATION_DATA, Record, RecordLayer, read_records
from lab.folder import RunFolder
from lab.overhear import overhear
from lab.play import Sent
from lab.record import Plan, Transport, record
from lab.verdict import Expected, Verdict, judge
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
        carriers: for each message the TLS record that its first byte travelled in, known through the keys; for
            plaintext
            empty.
        visible: what is visible of each TLS connection without keys; for plaintext empty.
    """

    transport: Transport
    port: int
    streams: tuple[ByteStream, ...]
    verdict: Verdict
    with_keys: Verdict | None
    carriers: tuple[Record | None, ...]
    visible: tuple[Visible, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run.

    Attributes:
        plan: what was run.
        folder: where its files are.
        counters: what the capture counted.
        chats: the outcome of each chat.
        seconds: how long the run took, from the first server to the last verdict.
        problems: why the run as a whole is not as expected, beyond the problems of its verdicts.
    """

    plan: Plan
    folder: RunFolder
    counters: Counters
    chats: Mapping[Transport, ChatOutcome]
    seconds: float
    problems: tuple[str, ...]

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
    problems = [f"The capture dropped {recording.counters.dropped} packets."] if recording.counters.dropped else []
    return Outcome(plan, folder, recording.counters, chats, time.monotonic() - started, tuple(problems))


def examine(
    transport: Transport, port: int, streams: Sequence[ByteStream], sent: Sequence[Sent], keylog: Path
) -> ChatOutcome:
    """Judge what the capture's streams tell of the chat on `port`.

    Raises:
        CaptureError: a TLS chat cannot be opened with the key log.
    """
    own = tuple(s for s in streams if port in (s.source.port, s.destination.port))
    heard = overhear(own)
    if transport is Transport.PLAIN:
        verdict = judge(sent, heard, own, own, Expected.READABLE)
        return ChatOutcome(transport, port, own, verdict, None, (), ())
    layers = {(stream.connection, stream.from_client): read_records(stream) for stream in own}
    pairs = [(layers[n, True], layers[n, False]) for n in dict.fromkeys(s.connection for s in own)]
    sealed = [sealed_stream(layer, server_hello(server)) for client, server in pairs for layer in (client, server)]
    verdict = judge(sent, heard, own, sealed, Expected.UNREADABLE)
    opened = _open(pairs, keylog)
    plain = tuple(plaintext_stream(layer.stream, records) for layer, records in opened)
    heard_with_keys = overhear(plain)
    with_keys = judge(sent, heard_with_keys, plain, plain, Expected.READABLE)
    records = {(layer.stream.connection, layer.stream.from_client): records for layer, records in opened}
    carriers = tuple(
        _carrier(records[finding.heard.stream.connection, True], finding.heard.start) if finding.heard else None
        for finding in with_keys.findings
    )
    return ChatOutcome(
        transport, port, own, verdict, with_keys, carriers, tuple(look(client, server) for client, server in pairs)
    )


def _open(pairs: Sequence[tuple[RecordLayer, RecordLayer]], keylog: Path) -> list[tuple[RecordLayer, list[Opened]]]:
    keys = read_keylog(keylog)
    opened = []
    for client, server in pairs:
        ours, theirs = open_connection(client, server, keys)
        opened += [(client, ours), (server, theirs)]
    return opened


def _carrier(opened: Sequence[Opened], start: int) -> Record | None:
    """Return the record that holds byte `start` of the plaintext stream."""
    for item in opened:
        if item.content_type == APPLICATION_DATA:
            if start < len(item.plaintext):
                return item.record
            start -= len(item.plaintext)
    return None
