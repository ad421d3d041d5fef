"""TCP connections as TLS sessions: their records, and what a key log opens of them. Pure.

A connection that is not TLS is a session too, whose bytes are readable as they are. Nothing is dropped in silence:
records that end too early, break a rule or do not open are named in `problems`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from capture.decrypt import Opened, open_connection, plaintext_stream
from capture.errors import CaptureError
from capture.keylog import KeyLog
from capture.streams import ByteStream
from capture.tls import RecordLayer, read_records


@dataclass(frozen=True, slots=True)
class Session:
    """One connection.

    Attributes:
        client: the records of the client's stream.
        server: the records of the server's.
        is_tls: whether it begins with TLS records: with the hellos, or later where the capture began too late.
        opened: the opened records of the client and of the server; None where no key opened them, or none was needed.
        problems: what of it could not be read, a sentence each.
    """

    client: RecordLayer
    server: RecordLayer
    is_tls: bool
    opened: tuple[list[Opened], list[Opened]] | None
    problems: tuple[str, ...]

    @property
    def readable(self) -> tuple[ByteStream, ...]:
        """The streams that can be read: as captured where it is not TLS, else as opened; none where it is closed."""
        if not self.is_tls:
            return self.client.stream, self.server.stream
        if self.opened is None:
            return ()
        ours, theirs = self.opened
        return plaintext_stream(self.client.stream, ours), plaintext_stream(self.server.stream, theirs)


def sessions(streams: Sequence[ByteStream], keys: KeyLog | None) -> tuple[Session, ...]:
    """Return a session for each two streams, a client's and its server's, opened as far as `keys` go."""
    return tuple(_session(*pair, keys) for pair in zip(streams[::2], streams[1::2], strict=True))


def _session(ours: ByteStream, theirs: ByteStream, keys: KeyLog | None) -> Session:
    client, server = read_records(ours), read_records(theirs)
    problems = []
    missing = sum(gap.length for gap in (*ours.gaps, *theirs.gaps))
    if missing:
        problems.append(f"{missing} bytes between {ours.source} and {ours.destination} are not in the capture.")
    if not client.records and not server.records:
        return Session(client, server, False, None, tuple(problems))
    for layer in (client, server):
        if layer.end != "complete":
            problems.append(f"TLS from {layer.stream.source} to {layer.stream.destination}: {layer.reason}")
    opened = None
    if keys is not None:
        try:
            opened = open_connection(client, server, keys)
        except CaptureError as error:
            problems.append(str(error))
    return Session(client, server, True, opened, tuple(problems))
