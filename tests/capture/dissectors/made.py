"""Captures made by hand, of what no capture in tests/data has: messages that are rare today."""

import struct
from collections.abc import Iterable
from pathlib import Path

Conversation = list[tuple[bool, bytes]]  # whether the client sends, and a record


def write(path: Path, conversations: Iterable[Conversation]) -> None:
    """Write a capture of conversations, each between two ports of its own, a segment for each record."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1)
    for number, conversation in enumerate(conversations):
        sent = {True: 1000, False: 5000}
        for from_client, payload in [(True, None), (False, None), *conversation]:
            out += _packet(40000 + number, sent, payload, from_client=from_client)
    path.write_bytes(out)


def _packet(port: int, sent: dict[bool, int], payload: bytes | None, *, from_client: bool) -> bytes:
    data = payload or b""
    ports = (port, 12346) if from_client else (12346, port)
    flags = 0x18 if payload is not None else 0x02 if from_client else 0x12
    tcp = struct.pack("!HHIIBBHHH", *ports, sent[from_client], sent[not from_client], 0x50, flags, 8192, 0, 0) + data
    sent[from_client] += len(data) or 1
    ends = (b"\x0a\0\0\1", b"\x0a\0\0\2")
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + b"".join(ends[:: 1 if from_client else -1])
    frame = bytes(range(12)) + b"\x08\0" + ip + tcp
    return struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame


def vector(size: int, *parts: bytes) -> bytes:
    """Parts with their length in front, a number of `size` bytes."""
    body = b"".join(parts)
    return len(body).to_bytes(size, "big") + body


def extension(kind: int, *parts: bytes) -> bytes:
    return kind.to_bytes(2, "big") + vector(2, *parts)


def message(kind: int, *parts: bytes) -> bytes:
    """A handshake message."""
    return bytes([kind]) + vector(3, *parts)


def record(*parts: bytes, kind: int = 22) -> bytes:
    return bytes([kind]) + b"\3\3" + vector(2, *parts)


# Of a client that knows much that is not in use any more, and of what browsers say and OpenSSL does not.
EXTENSIONS = [
    extension(1, b"\2"),
    extension(5, b"\1", vector(2), vector(2)),
    extension(13, vector(2, b"\4\1\5\1")),
    extension(15, b"\1"),
    extension(17, vector(2, b"\2", vector(2, vector(2), vector(2)))),
    extension(21, bytes(7)),
    extension(27, vector(1, b"\0\1\0\2")),
    extension(28, b"\x40\1"),
    extension(35),
    extension(0x1234, b"nobody knows"),
    extension(0xFF01, vector(1)),
    extension(0x2A2A, b"\0"),
]


def hellos(suite: int, *, extensions: Iterable[bytes] = (), version: bytes = b"\3\3") -> Conversation:
    """A ClientHello and a ServerHello that chooses a suite."""
    asked = version, bytes(range(32)), vector(1), vector(2, suite.to_bytes(2, "big")), vector(1, b"\0")
    answer = version, bytes(range(32, 64)), vector(1, b"name"), suite.to_bytes(2, "big"), b"\0"
    return [(True, record(message(1, *asked, vector(2, *extensions)))), (False, record(message(2, *answer)))]


def handshakes() -> list[Conversation]:
    """Handshakes of TLS 1.2 and 1.1 in the clear, one for each kind of key exchange; no key or signature is right."""
    group = vector(2, bytes(range(64))) + vector(2, b"\5") + vector(2, bytes(range(1, 65)))
    name = bytes.fromhex("30 0f 31 0d 30 0b 06 03 55 04 03 0c 04") + b"name"
    asked = vector(1, b"\1\x40"), vector(2, b"\4\1\4\3"), vector(2, vector(2, name))
    hint, identity = vector(2, b"hint"), vector(2, b"identity")
    signature = b"\4\1" + vector(2, b"signature")
    return [
        [
            *hellos(0x009E, extensions=EXTENSIONS),  # DHE_RSA
            (False, record(message(22, b"\1", vector(3, b"\x30\3\x0a\1\6")))),  # OCSP: tryLater is 3, 6 unauthorized
            (False, record(message(12, group, signature), message(13, *asked), message(14))),
            (True, record(message(11, vector(3)), message(16, vector(2, bytes(range(64)))), message(15, signature))),
            (True, record(b"\1", vector(2, b"a beating heart"), bytes(16), kind=24)),
            (True, record(b"\2\x28", kind=21)),
        ],
        [
            *hellos(0x0033, version=b"\3\2"),  # DHE_RSA before TLS 1.2: no algorithm before the signature
            (False, record(message(12, group, vector(2, b"signature")), message(0))),
        ],
        [*hellos(0x00A8), (False, record(message(12, hint))), (True, record(message(16, identity)))],  # PSK
        [*hellos(0x0034), (False, record(message(12, group)))],  # DH_anon
    ]
