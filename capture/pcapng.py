"""pcapng blocks (draft-ietf-opsawg-pcapng): makes them, and walks through those of a file.

Knows how blocks are framed and what stands at their head; knows nothing of what a packet holds. Makes little-endian
blocks unless told otherwise and reads both byte orders. A classic pcap file is given as the blocks it would be, so that
who works on blocks needs to know one format. No length in a file is believed beyond `MAX_BLOCK`.
"""

import struct
from collections.abc import Iterator
from typing import IO, Literal, NamedTuple

from capture.errors import MalformedError, NotACaptureError, TornCaptureError

LINKTYPE_ETHERNET = 1  # https://www.tcpdump.org/linktypes.html
MAX_BLOCK = 16 << 20  # Wireshark reads no larger ones and calls them damage (MAX_BLOCK_SIZE)

# block types, section 11.1; the old packet block is that of appendix A
SECTION_HEADER, INTERFACE_DESCRIPTION, OLD_PACKET, SIMPLE_PACKET = 0x0A0D0D0A, 1, 2, 3
NAME_RESOLUTION, INTERFACE_STATISTICS, ENHANCED_PACKET, DECRYPTION_SECRETS = 4, 5, 6, 0x0A
CUSTOM, CUSTOM_NO_COPY = 0x00000BAD, 0x40000BAD
PACKETS = frozenset({OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET})
TLS_KEY_LOG = 0x544C534B  # secrets type, section 4.7

Order = Literal["<", ">"]

_COMMENT, _IF_NAME, _IF_TSRESOL, _IF_FCSLEN = 1, 2, 9, 13  # option codes, sections 3.5 and 4.2
_ISB_IFRECV, _ISB_IFDROP = 4, 5  # option codes, section 4.6
_END_OF_OPTIONS = b"\0\0\0\0"
_BYTE_ORDER: dict[bytes, Order] = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
# classic pcap, by its magic number: byte order, and how many decimals of a second (draft-ietf-opsawg-pcap, section 4)
_PCAP: dict[bytes, tuple[Order, int]] = {
    b"\xa1\xb2\xc3\xd4": (">", 6),
    b"\xd4\xc3\xb2\xa1": ("<", 6),
    b"\xa1\xb2\x3c\x4d": (">", 9),
    b"\x4d\x3c\xb2\xa1": ("<", 9),
}


class Block(NamedTuple):
    """One block of a file.

    Attributes:
        kind: block type.
        order: byte order of its section, as `struct` writes it.
        offset: bytes from the start of the file to its first.
        raw: the whole block, from its type to its second length.
    """

    kind: int
    order: Order
    offset: int
    raw: bytes

    @property
    def body(self) -> bytes:
        """What stands between the two lengths, padding included."""
        return self.raw[8:-4]


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def _block(kind: int, body: bytes, order: Order = "<") -> bytes:
    body += b"\0" * (-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def section_header(comment: str = "") -> bytes:
    """Return a section header block (section 4.1); Wireshark shows its `comment`, where there is one, with the file."""
    body = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    options = _option(_COMMENT, comment.encode()) + _END_OF_OPTIONS if comment else b""
    return _block(SECTION_HEADER, body + options)


def interface_description(
    name: str = "", link_type: int = LINKTYPE_ETHERNET, *, snap_length: int = 0, decimals: int = 9, fcs_length: int = 0
) -> bytes:
    """Return an interface description block (section 4.2).

    Args:
        name: the interface's name; empty where it is not known.
        link_type: what its frames begin with (https://www.tcpdump.org/linktypes.html).
        snap_length: the most bytes that were captured of a frame; 0 for no limit.
        decimals: of a second, in the time stamps: 9 for nanoseconds, 6 for microseconds.
        fcs_length: bytes of checksum at the end of each frame; 0 where it is not known.
    """
    options = _option(_IF_NAME, name.encode()) if name else b""
    options += _option(_IF_TSRESOL, bytes([decimals]))
    if fcs_length:
        options += _option(_IF_FCSLEN, bytes([fcs_length]))
    head = struct.pack("<HHI", link_type, 0, snap_length)
    return _block(INTERFACE_DESCRIPTION, head + options + _END_OF_OPTIONS)


def enhanced_packet(time: int, frame: bytes, *, interface: int = 0, wire_length: int | None = None) -> bytes:
    """Return an enhanced packet block (section 4.3).

    Args:
        time: when it was captured, in units of the interface's time stamps (nanoseconds, where nothing else was said)
            since 1970.
        frame: what was captured.
        interface: number of its interface description in the section, from 0.
        wire_length: bytes of the frame on the wire; None where it was captured whole.
    """
    length = len(frame) if wire_length is None else wire_length
    head = struct.pack("<IIIII", interface, time >> 32, time & 0xFFFFFFFF, len(frame), length)
    return _block(ENHANCED_PACKET, head + frame)


def interface_statistics(time_ns: int, received: int, dropped: int) -> bytes:
    """Return an interface statistics block (section 4.6) for the first interface.

    Args:
        time_ns: when this was counted, in units of the interface's time stamps since 1970.
        received: packets that passed the filter, the dropped among them.
        dropped: packets that passed the filter and were lost.
    """
    counts = _option(_ISB_IFRECV, struct.pack("<Q", received)) + _option(_ISB_IFDROP, struct.pack("<Q", dropped))
    return _block(
        INTERFACE_STATISTICS, struct.pack("<III", 0, time_ns >> 32, time_ns & 0xFFFFFFFF) + counts + _END_OF_OPTIONS
    )


def decryption_secrets(secrets: bytes, *, kind: int = TLS_KEY_LOG, order: Order = "<") -> bytes:
    """Return a decryption secrets block (section 4.7) for a section of that byte order.

    Args:
        secrets: for a TLS key log its lines; they open the packets that come after the block.
        kind: secrets type.
        order: byte order.
    """
    return _block(DECRYPTION_SECRETS, struct.pack(order + "II", kind, len(secrets)) + secrets, order)


def secrets_of(block: Block) -> tuple[int, bytes]:
    """Return secrets type and secrets of a decryption secrets block (section 4.7), cut where the block ends.

    Raises:
        MalformedError: it is too short to have a type and a length.
    """
    if len(block.body) < 8:
        msg = "a decryption secrets block has no room for its own head"
        raise MalformedError(msg, block.offset + 8)
    kind, length = struct.unpack_from(block.order + "II", block.body)
    return kind, block.body[8 : 8 + length]


def resized_section(header: Block, change: int) -> bytes:
    """Return a section header block for a section that became `change` bytes longer.

    Most say -1, not known, in place of a section length (section 4.1); those stay as they are. A length that no section
    has becomes -1.
    """
    (length,) = struct.unpack_from(header.order + "q", header.raw, 16)
    if length == -1 or not change:
        return header.raw
    known = 0 <= length < 1 << 62 and length + change >= 0
    return header.raw[:16] + struct.pack(header.order + "q", length + change if known else -1) + header.raw[24:]


def comments(block: Block) -> int:
    """Return how many comments (option opt_comment, section 3.5) a block of a known kind carries."""
    body, order = block.body, block.order
    if block.kind in (ENHANCED_PACKET, OLD_PACKET) and len(body) >= 20:
        (captured,) = struct.unpack_from(order + "I", body, 12)
        at = 20 + captured + -captured % 4
    elif block.kind == NAME_RESOLUTION:
        at = _after_records(body, order)
    elif block.kind in _OPTIONS_AT:
        at = _OPTIONS_AT[block.kind]
    else:
        return 0
    found = 0
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == 0:  # opt_endofopt
            break
        found += code == _COMMENT
        at += 4 + length + -length % 4
    return found


def _after_records(body: bytes, order: Order) -> int:
    """Return where the options of a name resolution block begin: after its records (section 4.5)."""
    at = 0
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        at += 4 + length + -length % 4
        if code == 0:  # nrb_record_end
            break
    return at


_OPTIONS_AT = {SECTION_HEADER: 16, INTERFACE_DESCRIPTION: 8, INTERFACE_STATISTICS: 12}


def blocks(file: IO[bytes]) -> Iterator[Block]:
    """Yield the blocks of a pcapng file, which stands at its start.

    Raises:
        MalformedError: what follows the last block yielded is none.
        TornCaptureError: the file ends within a block; everything before it was yielded.
    """
    offset = 0
    order: Order = "<"
    while head := file.read(12):
        if len(head) < 12:
            raise _torn(offset)
        if head[:4] == b"\x0a\x0d\x0d\x0a":
            if head[8:] not in _BYTE_ORDER:
                msg = f"{head[8:].hex(' ')} is not the byte-order magic of a section header block"
                raise MalformedError(msg, offset + 8)
            order = _BYTE_ORDER[head[8:]]
        elif not offset:
            msg = f"the file begins with {head[:4].hex(' ')} and not with a section header block"
            raise MalformedError(msg, 0)
        kind, length = struct.unpack_from(order + "II", head)
        if length % 4 or not (28 if kind == SECTION_HEADER else 12) <= length <= MAX_BLOCK:
            msg = f"no block is {length} bytes long"
            raise MalformedError(msg, offset + 4)
        raw = head + file.read(length - 12)
        if len(raw) < length:
            raise _torn(offset)
        if raw[-4:] != raw[4:8]:
            msg = "the two lengths of a block are not the same"
            raise MalformedError(msg, offset + length - 4)
        yield Block(kind, order, offset, raw)
        offset += length


def is_pcap(file: IO[bytes]) -> bool:
    """Tell whether a file is a classic pcap file; it stands at its start, and does so afterwards."""
    magic = file.read(4)
    file.seek(0)
    return magic in _PCAP


def pcap_blocks(file: IO[bytes]) -> Iterator[Block]:
    """Yield a classic pcap file, which stands at its start, as the blocks of one section with one interface.

    The frames, their lengths and times, and the interface's link type, snap length and time resolution are those of the
    file; the offset of a block is that of its packet in the file.

    Raises:
        NotACaptureError: it is no classic pcap file.
        MalformedError: a packet says that it is longer than any is.
        TornCaptureError: the file ends within a packet; everything before it was yielded.
    """
    header = file.read(24)
    if len(header) < 24 or header[:4] not in _PCAP:
        msg = "This is no classic pcap file."
        raise NotACaptureError(msg)
    order, decimals = _PCAP[header[:4]]
    snap_length, network = struct.unpack_from(order + "II", header, 16)
    # the upper half may say how many 16-bit words of checksum end each frame (draft-ietf-opsawg-pcap, section 4)
    fcs_length = 2 * (network >> 28) if network & 0x04000000 else 0
    described = interface_description(
        link_type=network & 0xFFFF, snap_length=snap_length, decimals=decimals, fcs_length=fcs_length
    )
    yield Block(SECTION_HEADER, "<", 0, section_header())
    yield Block(INTERFACE_DESCRIPTION, "<", 0, described)
    offset, packet = 24, struct.Struct(order + "IIII")
    while head := file.read(16):
        if len(head) < 16:
            raise _torn(offset)
        seconds, fraction, captured, wire_length = packet.unpack(head)
        if captured > MAX_BLOCK:
            msg = f"no packet is {captured} bytes long"
            raise MalformedError(msg, offset + 8)
        frame = file.read(captured)
        if len(frame) < captured:
            raise _torn(offset)
        time = seconds * 10**decimals + fraction
        yield Block(ENHANCED_PACKET, "<", offset, enhanced_packet(time, frame, wire_length=wire_length))
        offset += 16 + captured


def _torn(offset: int) -> TornCaptureError:
    msg = f"The capture is torn: it ends within the block or packet that starts at byte {offset}."
    return TornCaptureError(msg, offset)
