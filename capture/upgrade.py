"""The TLS records of a connection, which may begin in the clear and change to TLS later: STARTTLS, a proxy, a greeting.

Pure. Where a side does not begin with records, its TLS begins at the first segment that does: for the client that must
be a ClientHello, whole and by all its rules; for the server, a ServerHello or an alert. Nothing less is taken for TLS,
and what stands before is in the clear. A ClientHello in the form of SSL 2.0, as old clients send it, is passed
over: records follow.
"""

import contextlib
import re
import struct
from dataclasses import replace

from capture.errors import MalformedError
from capture.hello import parse_client_hello
from capture.streams import ByteStream
from capture.tls import (
    CLIENT_HELLO,
    HANDSHAKE,
    HEADER,
    VERSIONS,
    HandshakeReader,
    RecordLayer,
    parse_header,
    read_records,
)

# The header of a record that a ServerHello begins in, and its type; or that of an alert.
_ANSWER = re.compile(rb"\x16\x03[\0-\x04][\0-\x48].\x02|\x15\x03[\0-\x04]\0\x02", re.DOTALL)
_MAX_HELLO = 1 << 17  # bytes that are looked through for one hello: twice as many as its longest fields have


def read_connection(client: ByteStream, server: ByteStream) -> tuple[RecordLayer, RecordLayer]:
    """Return the records of the client and of the server of a connection, from where its TLS begins.

    `RecordLayer.start` is the end of the stream where a side never came to speak TLS after words in the clear.
    """
    ours, theirs = read_records(client), read_records(server)
    if old := _old_hello(client.data):
        return replace(read_records(client, old), start=0), theirs
    if not ours.records:
        start = _first_record(client)
        if not _is_hello(client, start):
            return ours, theirs
        ours = read_records(client, start)
    if not theirs.records:
        answer = _first_record(server)
        # a server that speaks another protocol than its client from the first byte on breaks the rules of TLS
        silent = answer == len(server.data) and ours.start > 0
        if silent or _ANSWER.match(server.data, answer):
            theirs = read_records(server, answer)
    return ours, theirs


def _first_record(stream: ByteStream) -> int:
    """Return the offset of the first segment that begins like a record, the end of the stream where none does."""
    for piece in stream.pieces:
        with contextlib.suppress(MalformedError):
            if parse_header(stream.data, piece.start) is not None:
                return piece.start
    return len(stream.data)


def _old_hello(data: bytes) -> int:
    """Return how long the ClientHello of SSL 2.0 is that `data` begins with, 0 without (RFC 5246, appendix E.2)."""
    if len(data) < 11:
        return 0
    length, kind, version, suites, session_id, challenge = struct.unpack_from("!HBHHHH", data)
    fits = length == 0x8000 + 9 + suites + session_id + challenge and length - 0x8000 + 2 <= len(data)
    return length - 0x8000 + 2 if fits and kind == CLIENT_HELLO and version in VERSIONS else 0


def _is_hello(client: ByteStream, start: int) -> bool:
    """Whether the bytes from `start` on are the records of a whole ClientHello that breaks no rule."""
    data = client.data
    if data[start : start + 2] != b"\x16\x03" or data[start + HEADER : start + HEADER + 1] != bytes([CLIENT_HELLO]):
        return False
    reader = HandshakeReader()
    at = start
    try:
        while at - start < _MAX_HELLO:
            header = parse_header(data, at)
            # a fragment of the handshake is never empty (RFC 8446, section 5.1)
            if header is None or header[0] != HANDSHAKE or not header[2]:
                return False
            end = at + HEADER + header[2]
            if end > len(data) or any(start < gap.at < end for gap in client.gaps):
                return False
            for message in reader.feed(data[at + HEADER : end]):
                parse_client_hello(message.body)
                return True
            at = end
    except MalformedError:
        pass
    return False
