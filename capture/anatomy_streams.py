"""What ends in which frame of a connection: its TLS records, with what a key log opens of them, and other bytes.

Pure. Joins what the lab knows of a connection (`capture.upgrade`, `capture.protection`, `capture.decrypt`) and cuts
handshake messages out of its records. Builds no tree.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from capture.decrypt import open_sides
from capture.errors import CaptureError, MalformedError
from capture.hello import ServerHello, parse_server_hello
from capture.keylog import KeyLog
from capture.opened import Opened
from capture.protection import Protection, protection
from capture.streams import ByteStream, Piece
from capture.tls import HANDSHAKE, HANDSHAKE_HEADER, SERVER_HELLO, Record, RecordLayer, first_messages
from capture.upgrade import read_connection


@dataclass(frozen=True, slots=True)
class Part:
    """A handshake message in a record, or a part of one.

    Attributes:
        start: offset in what the record holds.
        size: bytes of it there.
        which: all of a message, or its end, or neither.
        message: all of it, where it ends here; else its first bytes, one at least.
    """

    start: int
    size: int
    which: Literal["whole", "fragment", "last fragment"]
    message: bytes


@dataclass(frozen=True, slots=True)
class Unit:
    """A TLS record, or bytes that are none.

    Attributes:
        frame: the one that it ends in, from 1.
        pieces: where its bytes stand.
        data: its bytes.
        record: None for bytes that are no TLS.
        state: whether the record is encrypted.
        opened: what the record held, None where it was not encrypted or did not open.
        parts: handshake messages, where they can be read.
        answer: the ServerHello of the handshake that these belong to.
        version: of the connection; None where no ServerHello says it.
    """

    frame: int
    pieces: tuple[Piece, ...]
    data: bytes
    record: Record | None = None
    state: Protection = "clear"
    opened: Opened | None = None
    parts: tuple[Part, ...] = ()
    answer: ServerHello | None = None
    version: int | None = None

    @property
    def spans(self) -> bool:
        """Whether its bytes stand in several places, or in another frame than the one that it counts in."""
        return len(self.pieces) > 1 or self.pieces[0].frame != self.frame

    @property
    def content_type(self) -> int:
        """What the record holds, as far as that is known; -1 for bytes that are no record."""
        if self.opened is not None:
            return self.opened.content_type
        return self.record.content_type if self.record is not None else -1

    @property
    def content(self) -> bytes:
        """What the record holds: opened, or as it was captured."""
        if self.opened is not None:
            return self.opened.plaintext
        return self.record.fragment if self.record is not None else self.data


def units(client: ByteStream, server: ByteStream, keys: KeyLog, *, plain: bool) -> Iterator[Unit]:
    """Yield what ends in the frames of a connection, each direction in the order sent.

    Args:
        client: what the client sent.
        server: what the server sent.
        keys: what opens TLS; may be empty.
        plain: whether nothing of it is to be taken for TLS.
    """
    layers = read_connection(client, server) if not plain else None
    if layers is None or not (layers[0].records or layers[1].records):
        for stream in (client, server):
            yield from _plain(stream, 0, len(stream.data))
        return
    for layer in layers:
        yield from _plain(layer.stream, 0, layer.start)
    yield from _records(layers, keys)
    for layer in layers:
        yield from _plain(layer.stream, layer.at, len(layer.stream.data))


def _plain(stream: ByteStream, start: int, end: int) -> Iterator[Unit]:
    if start < end:
        for piece in stream.slice(start, end):
            yield Unit(piece.frame, (piece,), stream.data[piece.start : piece.start + piece.length])


def _records(layers: tuple[RecordLayer, RecordLayer], keys: KeyLog) -> Iterator[Unit]:
    states = protection(*layers)
    opened = _opened(layers, keys)
    version = _version(layers[1])
    cutters = (_Cutter(), _Cutter())
    answer: ServerHello | None = None
    for frame, side, record in _in_order(layers):
        state, inside = states[side][record.index], opened.get((side, record.index))
        pieces = record.stream.slice(record.start, record.end)
        data = record.stream.data[record.start : record.end]
        unit = Unit(frame, pieces, data, record, state, inside, (), answer, version)
        if unit.content_type != HANDSHAKE or (state != "clear" and inside is None):
            cutters[side].break_off()
            yield unit
            continue
        parts = tuple(cutters[side].cut(unit.content))
        for part in parts:
            if part.which != "fragment" and part.message[0] == SERVER_HELLO:
                with contextlib.suppress(MalformedError):
                    answer = parse_server_hello(part.message[HANDSHAKE_HEADER:])
        yield Unit(frame, pieces, data, record, state, inside, parts, answer, version)


def _version(server: RecordLayer) -> int | None:
    """Return the version that the server chose, also where it only asked for another hello."""
    first = next(first_messages(server.records), None)
    with contextlib.suppress(MalformedError):
        if first is not None and first.msg_type == SERVER_HELLO:
            return parse_server_hello(first.body).version
    return None


def _in_order(layers: tuple[RecordLayer, RecordLayer]) -> list[tuple[int, int, Record]]:
    """Return the records of both sides as they came, with the frame that each ends in and its side."""
    found = []
    for side, layer in enumerate(layers):
        frame = 0
        for record in layer.records:
            # nothing is read before what was sent before it
            frame = max(frame, *(piece.frame for piece in record.stream.slice(record.start, record.end)))
            found.append((frame, side, record))
    return sorted(found, key=lambda item: (item[0], item[1], item[2].index))


def _opened(layers: tuple[RecordLayer, RecordLayer], keys: KeyLog) -> dict[tuple[int, int], Opened]:
    """Return what opens, by side and number of the record; what does not stays closed."""
    found: dict[tuple[int, int], Opened] = {}
    if not keys:
        return found
    with contextlib.suppress(CaptureError):
        for side, opened in enumerate(open_sides(*layers, keys)):
            with contextlib.suppress(CaptureError):
                found.update(((side, item.record.index), item) for item in opened)
    return found


class _Cutter:
    """Cuts what the records of one direction hold into handshake messages, and says which part of one stands where."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []  # of the message that has begun
        self._have = 0
        self._need = HANDSHAKE_HEADER

    def cut(self, content: bytes) -> Iterator[Part]:
        """Yield the parts of messages in what a record holds."""
        at = begin = 0
        inherited = self._have > 0
        while at < len(content):
            chunk = content[at : at + self._need - self._have]
            self._chunks.append(chunk)
            at += len(chunk)
            self._have += len(chunk)
            if self._have == self._need == HANDSHAKE_HEADER:
                header = b"".join(self._chunks)
                self._need += int.from_bytes(header[1:], "big")
            if self._have == self._need:
                yield Part(begin, at - begin, "last fragment" if inherited else "whole", b"".join(self._chunks))
                self.break_off()
                begin, inherited = at, False
        if begin < at:
            yield Part(begin, at - begin, "fragment", b"".join(self._chunks[:2])[:64])

    def break_off(self) -> None:
        """Give up the message that has begun."""
        self._chunks, self._have, self._need = [], 0, HANDSHAKE_HEADER
