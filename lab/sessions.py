"""TCP connections as TLS sessions: their records, and what a key log opens of them. Pure.

A connection that is not TLS is a session too, whose bytes are readable as they are; so is what stands before TLS where
it begins later. Nothing is dropped in silence: records that end too early, break a rule or do not open are named in
`problems`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from capture.decrypt import open_connection, plaintext_stream
from capture.errors import CaptureError
from capture.keylog import KeyLog
from capture.opened import Opened
from capture.streams import ByteStream, select
from capture.tls import RecordLayer
from capture.upgrade import read_connection


@dataclass(frozen=True, slots=True)
class Session:
    """One connection.

    Attributes:
        client: the records of the client's stream.
        server: the records of the server's.
        is_tls: whether it has TLS records: from the hellos on, or from later on where the capture began too late.
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
        """The streams that can be read: as captured where it is not TLS, else as opened, and what stands before TLS.

        None where it is closed from its first byte on.
        """
        if not self.is_tls:
            return self.client.stream, self.server.stream
        if self.is_closed and not self.client.start and not self.server.start:
            return ()
        ours, theirs = self.opened or ([], [])
        return _readable(self.client, ours), _readable(self.server, theirs)

    @property
    def is_closed(self) -> bool:
        """Whether it is TLS that no key has opened."""
        return self.is_tls and self.opened is None


def sessions(streams: Sequence[ByteStream], keys: KeyLog | None) -> tuple[Session, ...]:
    """Return a session for each two streams, a client's and its server's, opened as far as `keys` go."""
    return tuple(_session(*pair, keys) for pair in zip(streams[::2], streams[1::2], strict=True))


def _session(ours: ByteStream, theirs: ByteStream, keys: KeyLog | None) -> Session:
    client, server = read_connection(ours, theirs)
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


def _readable(layer: RecordLayer, opened: list[Opened]) -> ByteStream:
    """Return what was said in the clear before TLS, and behind it what was opened."""
    after = plaintext_stream(layer.stream, opened)
    if not layer.start:
        return after
    before = select(layer.stream, [(0, layer.start)])
    pieces = (*before.pieces, *(replace(piece, start=piece.start + layer.start) for piece in after.pieces))
    return replace(before, data=before.data + after.data, pieces=pieces)
