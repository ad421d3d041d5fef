"""Writes pcapng blocks (draft-ietf-opsawg-pcapng). Pure: values in, bytes out."""

import struct

LINKTYPE_ETHERNET = 1  # https://www.tcpdump.org/linktypes.html

_COMMENT, _IF_NAME, _IF_TSRESOL = 1, 2, 9  # option codes, sections 3.5 and 4.2
_END_OF_OPTIONS = b"\0\0\0\0"


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def _block(kind: int, body: bytes) -> bytes:
    body += b"\0" * (-len(body) % 4)
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


def section_header(comment: str) -> bytes:
    """Return a section header block (section 4.1) that carries `comment`, which Wireshark shows with the file."""
    body = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    return _block(0x0A0D0D0A, body + _option(_COMMENT, comment.encode()) + _END_OF_OPTIONS)


def interface_description(name: str) -> bytes:
    """Return an interface description block (section 4.2) of an Ethernet interface with nanosecond time stamps."""
    options = _option(_IF_NAME, name.encode()) + _option(_IF_TSRESOL, b"\x09")
    return _block(1, struct.pack("<HHI", LINKTYPE_ETHERNET, 0, 0) + options + _END_OF_OPTIONS)


def enhanced_packet(time_ns: int, frame: bytes) -> bytes:
    """Return an enhanced packet block (section 4.3) for a frame captured whole at `time_ns` (ns since 1970)."""
    head = struct.pack("<IIIII", 0, time_ns >> 32, time_ns & 0xFFFFFFFF, len(frame), len(frame))
    return _block(6, head + frame)
