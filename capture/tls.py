"""Byte streams to TLS records, and records to handshake messages.

Pure. Knows the record layer (RFC 8446, section 5.1) and the framing of handshake messages (section 4); opens nothing.
Need-more is None, malformed is an error with the offset; neither is ever taken for "encrypted".
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from capture.errors import MalformedError
from capture.streams import ByteStream

HEADER = 5  # content type, legacy version (2), length (2): RFC 8446, section 5.1
HANDSHAKE_HEADER = 4  # message type, length (3): RFC 8446, section 4
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = 20, 21, 22, 23, 24
CONTENT_TYPES = {
    20: "change_cipher_spec",
    21: "alert",
    22: "handshake",
    23: "application_data",
    24: "heartbeat",  # RFC 6520
}
VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}

_RIGHT = b"\x16\x03\0\0\0"  # the header of some record
TLS_1_2, TLS_1_3 = 0x0303, 0x0304
# Handshake message types: RFC 8446, section 4; RFC 5246, section 7.4.
HELLO_REQUEST, CLIENT_HELLO, SERVER_HELLO, NEW_SESSION_TICKET, END_OF_EARLY_DATA = 0, 1, 2, 4, 5
ENCRYPTED_EXTENSIONS, CERTIFICATE, SERVER_KEY_EXCHANGE, CERTIFICATE_REQUEST, SERVER_HELLO_DONE = 8, 11, 12, 13, 14
CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE, FINISHED, KEY_UPDATE = 15, 16, 20, 24
CERTIFICATE_STATUS = 22  # RFC 6066, section 8

_MAX_FRAGMENT = (1 << 14) + 2048  # TLSCiphertext in TLS 1.2 (RFC 5246, section 6.2.3); TLS 1.3 allows 256 over 2^14


@dataclass(frozen=True, slots=True)
class Record:
    """One TLS record of a stream.

    Attributes:
        stream: the stream it stands in.
        index: number of the record in its stream, from 0.
        content_type: the outer type; in TLS 1.3 every encrypted record says application_data
            (`tls.record.opaque_type`).
        version: the legacy version in the header (`tls.record.version`).
        start: offset of the header in the stream.
        fragment: the bytes after the header.
    """

    stream: ByteStream
    index: int
    content_type: int
    version: int
    start: int
    fragment: bytes

    @property
    def end(self) -> int:
        """Offset in the stream of the first byte after the record."""
        return self.start + HEADER + len(self.fragment)

    @property
    def header(self) -> bytes:
        """The five bytes before the fragment."""
        return self.stream.data[self.start : self.start + HEADER]


@dataclass(frozen=True, slots=True)
class RecordLayer:
    """The records of one stream, and how reading them ended.

    Attributes:
        stream: the stream.
        records: what was read, in order.
        end: "complete", or "need more" where the stream ends within a record, or "malformed".
        at: offset in the stream of the first byte that is not part of a record in `records`.
        reason: for "need more" and "malformed", a sentence; else empty.
        start: offset in the stream where its TLS begins; what stands before is in the clear (STARTTLS).
    """

    stream: ByteStream
    records: tuple[Record, ...]
    end: Literal["complete", "need more", "malformed"]
    at: int
    reason: str = ""
    start: int = 0


def parse_header(data: bytes, at: int = 0) -> tuple[int, int, int] | None:
    """Return content type, legacy version and fragment length of the record header at `at`; None: need more bytes.

    Raises:
        MalformedError: no TLS record starts here.
    """
    part = data[at : at + HEADER]
    # even a part of a header can be wrong already: what is not there yet is taken to be right
    content_type, version, length = struct.unpack("!BHH", part + _RIGHT[len(part) :])
    if content_type not in CONTENT_TYPES:
        msg = f"{content_type:02x} is not a TLS content type"
        raise MalformedError(msg, at)
    if version not in VERSIONS:
        msg = f"{part[1:3].hex()} is not a TLS version"
        raise MalformedError(msg, at + 1)
    if length > _MAX_FRAGMENT:
        msg = f"{part[3:].hex()} is a greater length than TLS allows"
        raise MalformedError(msg, at + 3)
    return (content_type, version, length) if len(part) == HEADER else None


def read_records(stream: ByteStream, start: int = 0) -> RecordLayer:
    """Return the TLS records of a stream, up to its end, its first gap or the first byte that breaks a rule.

    Args:
        stream: what one side sent.
        start: offset of the first record; gaps before it do not matter.
    """
    gap = min((gap for gap in stream.gaps if gap.at > start or not start), key=lambda gap: gap.at, default=None)
    whole = len(stream.data) if gap is None else gap.at
    data = stream.data[:whole]
    records: list[Record] = []
    at = start
    while at < whole:
        try:
            header = parse_header(data, at)
        except MalformedError as error:
            return RecordLayer(stream, tuple(records), "malformed", at, f"{error}.", start)
        if header is None or at + HEADER + header[2] > whole:
            break
        content_type, version, length = header
        fragment = data[at + HEADER : at + HEADER + length]
        records.append(Record(stream, len(records), content_type, version, at, fragment))
        at += HEADER + length
    if gap is not None:
        reason = f"{gap.length} bytes were not captured after byte {whole}."
        return RecordLayer(stream, tuple(records), "need more", at, reason, start)
    if at < whole:
        reason = f"the stream ends {whole - at} bytes into a record."
        return RecordLayer(stream, tuple(records), "need more", at, reason, start)
    return RecordLayer(stream, tuple(records), "complete", at, "", start)


@dataclass(frozen=True, slots=True)
class HandshakeMessage:
    """A handshake message.

    Attributes:
        msg_type: its type (RFC 8446, section 4; `tls.handshake.type`).
        body: what follows its four bytes of header.
        start: offset of its header in the joined fragments.
    """

    msg_type: int
    body: bytes
    start: int = 0

    @property
    def end(self) -> int:
        """Offset in the joined fragments of the first byte after the message."""
        return self.start + HANDSHAKE_HEADER + len(self.body)


class HandshakeReader:
    """Cuts plaintext handshake fragments into messages: one may span fragments, several may share one.

    Nothing is joined before it is whole, so that a message that comes in many fragments costs no more than its length;
    its length field (24 bits) bounds what is kept.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._have = 0  # bytes in the parts
        self._need = HANDSHAKE_HEADER  # bytes from which on something is whole: a header, or a message
        self._start = 0  # offset of the parts in all that was fed

    def feed(self, fragment: bytes) -> list[HandshakeMessage]:
        """Return the messages that are whole with this fragment."""
        self._parts.append(fragment)
        self._have += len(fragment)
        if self._have < self._need:
            return []
        data = b"".join(self._parts)
        found = []
        at = 0
        self._need = HANDSHAKE_HEADER
        while len(data) - at >= HANDSHAKE_HEADER:
            self._need = HANDSHAKE_HEADER + int.from_bytes(data[at + 1 : at + HANDSHAKE_HEADER], "big")
            if len(data) - at < self._need:
                break
            body = data[at + HANDSHAKE_HEADER : at + self._need]
            found.append(HandshakeMessage(data[at], body, self._start + at))
            at += self._need
            self._need = HANDSHAKE_HEADER
        self._start += at
        self._parts, self._have = [data[at:]], len(data) - at
        return found

    def break_off(self) -> None:
        """Give up the message that has begun: it will not become whole."""
        self._start += self._have
        self._parts, self._have, self._need = [], 0, HANDSHAKE_HEADER


def first_messages(records: Iterable[Record]) -> Iterator[HandshakeMessage]:
    """Yield the handshake messages in records of one direction, as if none of them were encrypted.

    One that a record of another type breaks into is none: nothing comes between the records of a message (RFC 8446,
    section 5.1), and after a change_cipher_spec its rest would be taken from what is encrypted.
    """
    reader = HandshakeReader()
    for record in records:
        if record.content_type == HANDSHAKE:
            yield from reader.feed(record.fragment)
        else:
            reader.break_off()


def handshake_messages(fragments: Iterable[bytes]) -> Iterator[HandshakeMessage]:
    """Yield the handshake messages of plaintext handshake fragments; one may span fragments, several may share one."""
    reader = HandshakeReader()
    for fragment in fragments:
        yield from reader.feed(fragment)
