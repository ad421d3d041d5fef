"""The traces of RFC 8448 as streams and key logs, and the key schedule above the traffic secrets, done by hand."""

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path

from capture.keylog import KeyLog
from capture.segment import Endpoint
from capture.streams import ByteStream, Piece
from capture.tls import RecordLayer, read_records

FILE = Path(__file__).parent.parent / "data" / "rfc8448.txt"
_EMPTY = hashlib.sha256().digest()


@dataclass
class Trace:
    """A section: its records in the order sent, its secrets by label, the keys made of them, other secrets by name."""

    title: str
    records: list[tuple[bool, bytes]] = field(default_factory=list)
    secrets: dict[str, bytes] = field(default_factory=dict)
    keys: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    others: dict[str, bytes] = field(default_factory=dict)

    def sent(self, *, from_client: bool) -> list[bytes]:
        return [record for client, record in self.records if client == from_client]

    def layers(self) -> tuple[RecordLayer, RecordLayer]:
        client, server = (layer(self.sent(from_client=side), from_client=side) for side in (True, False))
        return client, server

    def keylog(self) -> KeyLog:
        random = self.records[0][1][11:43]  # after the headers of record and handshake, and the version
        return {(label, random): secret for label, secret in self.secrets.items()}


def layer(records: list[bytes], *, from_client: bool) -> RecordLayer:
    """The record layer of records that stand one after the other in frame 1, from byte 66 on."""
    data = b"".join(records)
    ends = Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 443)
    source, destination = ends if from_client else ends[::-1]
    return read_records(ByteStream(0, source, destination, from_client, data, (Piece(0, len(data), 1, 66, 0),), ()))


def traces() -> dict[int, Trace]:
    found: dict[int, Trace] = {}
    trace, last = Trace(""), ""
    for line in FILE.read_text("ascii").splitlines():
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if words[0] == "section":
            trace = found[int(words[1])] = Trace(" ".join(words[2:]))
        elif words[0] in "<>":
            trace.records.append((words[0] == ">", b""))
        elif words[0] == "key":
            trace.keys[last] = bytes.fromhex(words[1]), bytes.fromhex(words[3])
        elif words[0].isupper():
            last = words[0]
            trace.secrets[last] = bytes.fromhex(words[1])
        elif len(words[-1]) == 64:
            trace.others[" ".join(words[:-1])] = bytes.fromhex(words[-1])
        else:
            client, before = trace.records[-1]
            trace.records[-1] = client, before + bytes.fromhex(line)
    return found


def expand_label(secret: bytes, label: str, context: bytes, length: int = 32, algorithm: str = "sha256") -> bytes:
    """HKDF-Expand-Label of RFC 8446, section 7.1, for no more than one block of the hash."""
    name = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(name)]) + name + bytes([len(context)]) + context
    return hmac.digest(secret, info + b"\1", algorithm)[:length]


def master_of(handshake_secret: bytes) -> bytes:
    """The master secret that follows a handshake secret."""
    return hmac.digest(expand_label(handshake_secret, "derived", _EMPTY), bytes(32), "sha256")
