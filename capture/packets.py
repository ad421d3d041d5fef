"""Capture files to packets: pcap and pcapng framing, zipped or not. Knows where packets begin, not what is in them.

Reads in chunks, from a file or from a pipe that a capture still comes through, and keeps no more than a chunk and one
block. Torn or damaged anywhere: every packet before is given, then the error with the offset of the first byte that
belongs to no whole packet. Frames are numbered as Wireshark numbers them. Sources: draft-ietf-opsawg-pcap,
draft-ietf-opsawg-pcapng.
"""

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from capture.errors import CaptureError, NotACaptureError, TornCaptureError

_CHUNK = 1 << 18
_MAX_PACKET = 1 << 18  # Wireshark reads no larger ones (WTAP_MAX_PACKET_SIZE_STANDARD) and calls them damage
_MAX_BLOCK = 16 << 20  # nor larger blocks (MAX_BLOCK_SIZE)

GZIP = b"\x1f\x8b"
# pcap: magic number -> byte order, nanoseconds in a unit of its time stamps (draft-ietf-opsawg-pcap, section 4)
_PCAP = {
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
}
_PCAPNG = b"\x0a\x0d\x0d\x0a"
_PCAPNG_ORDER = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}

# Block types (draft-ietf-opsawg-pcapng, section 11.1).
_SECTION, _INTERFACE, _PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_CUSTOM = (0x00000BAD, 0x40000BAD)
_RIVERBED = 10949  # the private enterprise number whose custom blocks Wireshark understands, and does not count
# What else Wireshark counts as a frame: an entry of systemd's journal, and events of sysdig.
_COUNTED = (0x9, 0x204, 0x208, 0x216, 0x217, 0x221, 0x222)
_NO_NETWORK = -1  # the link type of such a frame
_IF_TSRESOL, _IF_TSOFFSET = 9, 14  # option codes, section 4.2


class Packet(NamedTuple):
    """A packet as it stands in a capture file.

    Attributes:
        frame: number of the frame, from 1 (`frame.number`).
        time_ns: when it was captured, nanoseconds since 1970 (`frame.time_epoch`); 0 where the file does not say.
        linktype: number of its link layer (https://www.tcpdump.org/linktypes.html).
        wire_length: bytes on the wire (`frame.len`).
        data: the captured bytes.
    """

    frame: int
    time_ns: int
    linktype: int
    wire_length: int
    data: bytes


class Source(Protocol):
    """Where bytes come from: a file, a pipe. As `io.BufferedIOBase`: what is there now, b"" at the end."""

    def read1(self, size: int, /) -> bytes:
        """Return `size` bytes at most."""
        ...


class _Interface(NamedTuple):
    """An interface of a section; a time stamp counts `numerator / denominator` nanoseconds from `since_ns`."""

    linktype: int
    snap_length: int
    numerator: int
    denominator: int
    since_ns: int


def packets(path: Path) -> Iterator[Packet]:
    """Yield the packets of the capture file at `path`, zipped or not, in their order.

    Raises:
        CaptureError: the file cannot be read.
        NotACaptureError: it is empty or of another kind.
        TornCaptureError: it ends within a packet, or is damaged; raised after everything before has been yielded.
    """
    with _readable(path):
        file = path.open("rb")
    with file:
        with _readable(path):
            zipped = file.peek(2)[:2] == GZIP
        if zipped:
            with gzip.GzipFile(fileobj=file) as unzipped:
                yield from read_packets(unzipped, path)
        else:
            yield from read_packets(file, path)


@contextmanager
def _readable(path: object) -> Iterator[None]:
    """Turn the system's refusal to read `path` into a CaptureError."""
    try:
        yield
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}."
        raise CaptureError(msg) from error


def read_packets(source: Source, name: object) -> Iterator[Packet]:
    """Yield the packets of a capture that comes from `source`, each as soon as all of it is there.

    Args:
        source: the start of a capture file, unzipped; one that unzips may be torn itself.
        name: what errors call it.

    Raises:
        CaptureError, NotACaptureError, TornCaptureError: as `packets`.
    """
    ahead = _Ahead(source, name)
    head = ahead.fill(0, 24)
    magic = head[:4]
    if not head:
        msg = f"{name} is empty: nothing was captured into it."
        raise NotACaptureError(msg)
    if magic == _PCAPNG:
        yield from _pcapng(ahead)
    elif magic in _PCAP and len(head) >= 24:
        yield from _pcap(ahead, *_PCAP[magic])
    elif any(known.startswith(magic) for known in (_PCAPNG, *_PCAP)):
        raise ahead.unusable()
    else:
        msg = f"{name} is not a capture file: it starts with {magic.hex(' ')}, which is neither pcap nor pcapng."
        raise NotACaptureError(msg)


class _Ahead:
    """Reads ahead of those who take a file apart, a chunk at a time.

    Attributes:
        buffer: what was read and is still wanted.
        start: offset in the file of its first byte.
        torn: whether what was zipped ended before its end.
    """

    def __init__(self, source: Source, name: object) -> None:
        self._source = source
        self._name = name
        self.buffer = b""
        self.start = 0
        self.torn = False

    def fill(self, at: int, wanted: int) -> bytes:
        """Let go of the first `at` bytes, and return a buffer of at least `wanted` bytes; fewer at the end."""
        chunks = [self.buffer[at:]]
        there = len(chunks[0])
        while there < wanted and (chunk := self._read()):
            chunks.append(chunk)
            there += len(chunk)
        self.start += at
        self.buffer = b"".join(chunks)
        return self.buffer

    def _read(self) -> bytes:
        if self.torn:
            return b""
        try:
            with _readable(self._name):
                return self._source.read1(_CHUNK)
        except (EOFError, zlib.error):
            pass
        except CaptureError as error:
            if not isinstance(error.__cause__, gzip.BadGzipFile):
                raise
        self.torn = True
        return b""

    def finish(self, at: int) -> None:
        """Raise what is to be said of what is left after whole packets up to `at`, if anything is."""
        if not self.start + at:
            raise self.unusable()
        if at < len(self.buffer) or self.torn:
            raise torn(self._name, self.start + at)

    def damaged(self, at: int, why: str) -> CaptureError:
        """Return what is to be said of bytes at `at` that cannot be, whatever follows."""
        offset = self.start + at
        if not offset:
            msg = f"{self._name} is damaged in its file header: {why}; nothing of the capture can be read."
            return NotACaptureError(msg)
        msg = f"{self._name} is damaged at byte {offset}: {why}; everything before that was read."
        return TornCaptureError(msg, offset)

    def unusable(self) -> NotACaptureError:
        msg = f"{self._name} ends within its file header: nothing of the capture is left to read."
        return NotACaptureError(msg)


def torn(name: object, offset: int) -> TornCaptureError:
    """Return the error of a file that ends within the packet that begins at `offset`."""
    msg = f"{name} is torn: it ends within a packet at byte {offset}; everything before that was read."
    return TornCaptureError(msg, offset)


def _pcap(ahead: _Ahead, order: str, unit: int) -> Iterator[Packet]:
    unpack = struct.Struct(order + "IIII").unpack_from
    new = tuple.__new__  # Packet(...) takes twice as long
    (network,) = struct.unpack_from(order + "I", ahead.buffer, 20)
    linktype = network & 0x03FFFFFF  # above are the bytes of the frame check sequence
    buffer, at, frame = ahead.buffer, 24, 0
    while True:
        start = at + 16
        if start > len(buffer):
            buffer, at, start = ahead.fill(at, 16), 0, 16
            if len(buffer) < 16:
                break
        seconds, fraction, captured, wire_length = unpack(buffer, at)
        end = start + captured
        if end > len(buffer):
            if captured > _MAX_PACKET:
                raise ahead.damaged(at, f"no packet has {captured} bytes")
            buffer, at, start, end = ahead.fill(at, 16 + captured), 0, 16, 16 + captured
            if len(buffer) < end:
                break
        frame += 1
        time_ns = seconds * 1_000_000_000 + fraction * unit
        yield new(Packet, (frame, time_ns, linktype, wire_length, buffer[start:end]))
        at = end
    ahead.finish(at)


def _pcapng(ahead: _Ahead) -> Iterator[Packet]:
    frame, order, unpack = 0, "", struct.Struct("IIIII").unpack_from  # both are the section's, which comes first
    interfaces: list[_Interface] = []
    new = tuple.__new__  # Packet(...) takes twice as long
    for kind, at, end in _blocks(ahead):
        if kind == _ENHANCED and end - at >= 32:  # what nearly all blocks are
            buffer = ahead.buffer
            number, high, low, captured, wire_length = unpack(buffer, at + 8)
            if captured > end - at - 32 or captured > _MAX_PACKET or number >= len(interfaces):
                raise ahead.damaged(at, "a packet is longer than its block, or of an interface that is not there")
            linktype, _, numerator, denominator, since_ns = interfaces[number]
            time_ns = (high << 32 | low) * numerator // denominator + since_ns
            start = at + 28
            frame += 1
            yield new(Packet, (frame, time_ns, linktype, wire_length, buffer[start : start + captured]))
            continue
        if kind == _SECTION:
            order = _order(ahead, at)
            unpack = struct.Struct(order + "IIIII").unpack_from
        try:
            packet = _other_block(kind, ahead.buffer[at + 8 : end - 4], order, frame + 1, interfaces)
        except (struct.error, IndexError) as error:  # it ends too early, or its interface is not there
            raise ahead.damaged(at, f"a block of type {kind} breaks the rules of its kind") from error
        if packet is not None:
            frame += 1
            if packet.linktype != _NO_NETWORK:
                yield packet


def _blocks(ahead: _Ahead) -> Iterator[tuple[int, int, int]]:
    """Yield the type of each block of a pcapng file (section 3.1), and where in `ahead.buffer` it begins and ends."""
    buffer, at = ahead.buffer, 0
    unpack_head = unpack_tail = struct.Struct("<II").unpack_from
    while True:
        if at + 12 > len(buffer):
            buffer, at = ahead.fill(at, 12), 0
            if len(buffer) < 12:
                break
        kind, length = unpack_head(buffer, at)
        if kind == _SECTION:  # the same in both byte orders
            order = _order(ahead, at)
            unpack_head, unpack_tail = struct.Struct(order + "II").unpack_from, struct.Struct(order + "I").unpack_from
            kind, length = unpack_head(buffer, at)
        if length < 12 or length % 4 or length > _MAX_BLOCK:
            raise ahead.damaged(at, f"no block has {length} bytes")
        end = at + length
        if end > len(buffer):
            buffer, at, end = ahead.fill(at, length), 0, length
            if len(buffer) < end:
                break
        if unpack_tail(buffer, end - 4)[0] != length:
            raise ahead.damaged(at, "a block's two lengths differ")
        yield kind, at, end
        at = end
    ahead.finish(at)


def _order(ahead: _Ahead, at: int) -> str:
    """Return the byte order of the section that begins at `at` (section 4.1)."""
    order = _PCAPNG_ORDER.get(ahead.buffer[at + 8 : at + 12])
    if order is None:
        raise ahead.damaged(at, "a section has no byte order")
    return order


def is_frame(kind: int, body: bytes, order: str) -> bool:
    """Return whether Wireshark counts a block as a frame: packets, and some that are none.

    Args:
        kind: block type.
        body: what stands between the two lengths of the block.
        order: byte order of its section.

    Raises:
        struct.error: a custom block does not say whose it is.
    """
    if kind in _CUSTOM:
        return struct.unpack_from(order + "I", body) != (_RIVERBED,)
    return kind in (_PACKET, _SIMPLE, _ENHANCED, *_COUNTED)


def _other_block(kind: int, body: bytes, order: str, frame: int, interfaces: list[_Interface]) -> Packet | None:
    """Return the packet of a block that is no enhanced packet block, None where it is no frame; keep an interface.

    Raises:
        struct.error: the block ends within a field.
        IndexError: the interface of its packet is not there.
    """
    if kind == _SECTION:
        (version,) = struct.unpack_from(order + "4xH8x", body)
        if version != 1:
            raise IndexError  # there is no other yet
        interfaces.clear()  # each section counts its own, from 0
    elif kind == _INTERFACE:
        interfaces.append(interface(body, order))
    elif kind == _PACKET:
        return _packet(body, order, frame, interfaces)
    elif kind == _SIMPLE:
        return _simple(body, order, frame, interfaces)
    elif kind == _ENHANCED:
        raise IndexError  # shorter than its own fields
    elif is_frame(kind, body, order):
        return Packet(frame, 0, _NO_NETWORK, 0, b"")
    return None


def interface(body: bytes, order: str) -> _Interface:
    """Read an interface description block (section 4.2).

    Raises:
        struct.error: it ends within a field.
    """
    linktype, snap_length = struct.unpack_from(order + "HxxI", body)
    numerator, denominator, since_ns = 1000, 1, 0  # microseconds, where nothing else is said
    at = 8
    while at < len(body):
        code, size = struct.unpack_from(order + "HH", body, at)
        if code == 0:
            break
        at += 4
        if code == _IF_TSRESOL and size == 1:
            (resolution,) = struct.unpack_from("B", body, at)
            numerator = 1_000_000_000
            # the highest bit tells powers of 2 from powers of 10
            denominator = 1 << (resolution & 0x7F) if resolution & 0x80 else 10**resolution
        elif code == _IF_TSOFFSET and size == 8:
            (seconds,) = struct.unpack_from(order + "q", body, at)
            since_ns = seconds * 1_000_000_000
        at += size + -size % 4
    return _Interface(linktype, snap_length, numerator, denominator, since_ns)


def _packet(body: bytes, order: str, frame: int, interfaces: list[_Interface]) -> Packet:
    """Read a packet block, obsolete (appendix A of the draft).

    Raises:
        struct.error: it ends within a field.
        IndexError: its interface is not there.
    """
    number, high, low, captured, wire_length = struct.unpack_from(order + "HxxIIII", body)
    (data,) = struct.unpack_from(f"{captured}s", body, 20)
    linktype, _, numerator, denominator, since_ns = interfaces[number]
    return Packet(frame, (high << 32 | low) * numerator // denominator + since_ns, linktype, wire_length, data)


def _simple(body: bytes, order: str, frame: int, interfaces: list[_Interface]) -> Packet:
    """Read a simple packet block (section 4.4): always of the first interface, without a time.

    Raises:
        struct.error: it ends within a field.
        IndexError: there is no interface.
    """
    (wire_length,) = struct.unpack_from(order + "I", body)
    linktype, snap_length, *_ = interfaces[0]
    (data,) = struct.unpack_from(f"{min(wire_length, snap_length or wire_length)}s", body, 4)
    return Packet(frame, 0, linktype, wire_length, data)
