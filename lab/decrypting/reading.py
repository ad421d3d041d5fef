"""A capture decrypted record by record: every TLS record of each connection, and what it was opened with.

Reads the files, and is pure otherwise. Nothing is dropped in silence: a record that does not open is named, those after
it stay closed, and what could not be read of a connection stands in its problems.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from capture.alert import CLOSE_NOTIFY
from capture.decrypt import open_sides
from capture.errors import CaptureError, TornCaptureError
from capture.hello import ServerHello, server_hello
from capture.inside import CLOSED, Inside, look_inside
from capture.keylog import KeyLog, read_keylog
from capture.opened import Opened, UnopenedError
from capture.protection import Protection, protection
from capture.readers import ReaderName, read_segments
from capture.schedule import TrafficKeys
from capture.secrets import carried_keys
from capture.segment import Segment
from capture.streams import Span, reassemble
from capture.tls import ALERT, TLS_1_3, VERSIONS, Record
from lab.errors import LabError
from lab.sessions import Session, sessions


@dataclass(frozen=True, slots=True)
class Row:
    """A record.

    Attributes:
        record: as it was captured.
        protection: whether it is encrypted, as the handshake says.
        opened: what is inside and what opened it; None where it is in the clear or stays closed.
        failed: whether it is the one that the keys do not open.
        inside: what it holds, where that can be read.
        after_close: whether its side had closed the connection before it: who receives it must ignore it.
    """

    record: Record
    protection: Protection
    opened: Opened | None
    failed: bool
    inside: tuple[Inside, ...]
    after_close: bool

    @property
    def spans(self) -> tuple[Span, ...]:
        """Where it stands in the capture."""
        return self.record.stream.locate(self.record.start, self.record.end)

    @property
    def from_client(self) -> bool:
        """Its direction."""
        return self.record.stream.from_client


@dataclass(frozen=True, slots=True)
class Connection:
    """A TLS connection.

    Attributes:
        session: its streams and records.
        answer: its ServerHello, None where there is none that can be read.
        rows: the records of both directions, in the order of their capture.
        problems: what could not be opened or read, a sentence each; empty where all was.
    """

    session: Session
    answer: ServerHello | None
    rows: tuple[Row, ...]
    problems: tuple[str, ...]

    @property
    def number(self) -> int:
        """Its number in the capture (`tcp.stream`)."""
        return self.session.client.stream.connection

    @property
    def keys(self) -> tuple[TrafficKeys, ...]:
        """The keys that opened something, each once, in the order of their first use."""
        return tuple({id(row.opened.keys): row.opened.keys for row in self.rows if row.opened}.values())

    @property
    def title(self) -> str:
        """Which one, and between whom."""
        stream = self.session.client.stream
        return f"Connection {self.number}: {stream.source} to {stream.destination}"

    @property
    def version(self) -> str | None:
        """The version agreed on, None where no ServerHello says one."""
        return VERSIONS.get(self.answer.version, f"0x{self.answer.version:04x}") if self.answer else None

    @property
    def how(self) -> str:
        """Version and suite; empty where no ServerHello says them."""
        return f"{self.version}, {self.answer.suite_name}" if self.answer else ""


@dataclass(frozen=True, slots=True)
class Decrypted:
    """A capture, decrypted as far as the keys go.

    Attributes:
        connections: its TLS connections.
        keys_from: where the keys came from, in words.
        problems: what could not be read of the file, a sentence each.
    """

    connections: tuple[Connection, ...]
    keys_from: str
    problems: tuple[str, ...]


def decrypt_capture(path: Path, reader: ReaderName, keylog: Path | None = None) -> Decrypted:
    """Decrypt a capture file with a key log or with the keys that it carries; a torn one up to its tear.

    Raises:
        CaptureError: the file or the key log cannot be read at all.
        LabError: there are no keys, or there is no TLS in the capture.
    """
    keys = read_keylog(keylog) if keylog is not None else carried_keys(path)
    if keys is None:
        msg = f"{path} carries no keys: give the key log of the session with --keylog."
        raise LabError(msg)
    segments: list[Segment] = []
    problems: list[str] = []
    try:
        segments.extend(read_segments(path, reader))
    except TornCaptureError as torn:
        problems.append(str(torn))
    found = tuple(decrypt(session, keys) for session in sessions(reassemble(segments), None) if session.is_tls)
    if not found:
        msg = f"There is no TLS connection in {path}."
        raise LabError(" ".join((*problems, msg)))
    source = f"the key log {keylog}" if keylog is not None else "the capture itself"
    return Decrypted(found, source, tuple(problems))


def decrypt(session: Session, keys: KeyLog) -> Connection:
    """Open a connection record by record, as far as the keys go."""
    problems = list(session.problems)
    opened: dict[tuple[bool, int], Opened] = {}
    failed: set[tuple[bool, int]] = set()
    answer = None
    try:
        answer = server_hello(session.server)
        sides = open_sides(session.client, session.server, keys)
    except CaptureError as error:
        problems.append(_said(session, error))
    else:
        for side in sides:
            try:
                for item in side:
                    opened[_place(item.record)] = item
            except UnopenedError as error:
                failed.add(_place(error.record))
                problems.append(f"{_said(session, error)} Nothing is given out of that record, nor of those after it.")
            except CaptureError as error:
                problems.append(_said(session, error))
    rows = [
        row
        for layer, states in zip(
            (session.client, session.server), protection(session.client, session.server), strict=True
        )
        for row in _rows(layer.records, states, opened, failed, tls13=answer is not None and answer.version == TLS_1_3)
    ]
    rows.sort(key=lambda row: (row.spans[0].frame, row.spans[0].first))
    return Connection(session, answer, tuple(rows), tuple(dict.fromkeys(problems)))


def _place(record: Record) -> tuple[bool, int]:
    return record.stream.from_client, record.index


def _said(session: Session, error: CaptureError) -> str:
    sentence = str(error) if str(error).endswith(".") else f"A hello breaks the rules of TLS: {error}."
    return f"Connection {session.client.stream.connection}: {sentence}"


def _rows(
    records: Sequence[Record],
    states: Sequence[Protection],
    opened: Mapping[tuple[bool, int], Opened],
    failed: Set[tuple[bool, int]],
    *,
    tls13: bool,
) -> Iterator[Row]:
    contents = []
    for record, state in zip(records, states, strict=True):
        item = opened.get(_place(record))
        if item is not None:
            contents.append((item.content_type, item.plaintext))
        else:
            contents.append((record.content_type, record.fragment) if state == "clear" else CLOSED)
    closed = False
    inside = look_inside(contents, tls13=tls13)
    for record, state, content, things in zip(records, states, contents, inside, strict=True):
        place = _place(record)
        yield Row(record, state, opened.get(place), place in failed, things, closed)
        closed |= content[0] == ALERT and content[1][1:] == bytes([CLOSE_NOTIFY])
