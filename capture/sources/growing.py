"""Captures that come through a pipe, taken apart as they grow: pcap as tcpdump writes it, pcapng as dumpcap does.

Pure: bytes in, packets out. Knows the framing of one section with one interface; `capture.packets` reads all the rest.
"""

import struct

from capture.errors import CaptureError
from capture.packets import interface
from capture.sources.source import Captured

_FILE_HEADER, _RECORD_HEADER = 24, 16  # bytes, draft-ietf-opsawg-pcap, sections 4 and 5
_NANOSECONDS = 0xA1B23C4D
_LARGEST = 1 << 18  # bytes; what tcpdump and dumpcap take for the largest packet
# block types and the byte-order magic (draft-ietf-opsawg-pcapng, sections 4.1 to 4.3)
_SECTION, _INTERFACE, _ENHANCED, _MAGIC = 0x0A0D0D0A, 1, 6, 0x1A2B3C4D


class PcapStream:
    """Takes a growing pcap stream apart."""

    def __init__(self) -> None:
        self._rest = b""
        self._record = struct.Struct("")
        self._fraction = 1  # nanoseconds in a unit of the fraction of a second

    def feed(self, data: bytes) -> list[Captured]:
        """Return the packets that are whole with `data`.

        Raises:
            CaptureError: this is no pcap stream.
        """
        data = self._rest + data
        at = 0
        if not self._record.size:
            if len(data) < _FILE_HEADER:
                self._rest = data
                return []
            order = "<" if data[0] in (0xD4, 0x4D) else ">"
            magic = struct.unpack_from(order + "I", data)[0]
            if magic not in (_NANOSECONDS, 0xA1B2C3D4):
                msg = f"The capturing program writes no pcap (it began with {data[:4].hex(' ')})."
                raise CaptureError(msg)
            self._record = struct.Struct(order + "IIII")
            self._fraction = 1 if magic == _NANOSECONDS else 1000
            at = _FILE_HEADER
        packets: list[Captured] = []
        while len(data) >= at + _RECORD_HEADER:
            seconds, fraction, captured, wire_length = self._record.unpack_from(data, at)
            if captured > _LARGEST:
                msg = f"The capturing program writes no pcap (a packet of {captured} bytes)."
                raise CaptureError(msg)
            end = at + _RECORD_HEADER + captured
            if end > len(data):
                break
            time_ns = seconds * 1_000_000_000 + fraction * self._fraction
            packets.append((time_ns, wire_length, data[at + _RECORD_HEADER : end]))
            at = end
        self._rest = data[at:]
        return packets


class PcapngStream:
    """Takes a growing pcapng stream apart."""

    def __init__(self) -> None:
        self._rest = b""
        self._order = "<"
        self._unit = (1000, 1)  # nanoseconds in a unit of the time stamps

    def feed(self, data: bytes) -> list[Captured]:
        """Return the packets that are whole with `data`.

        Raises:
            CaptureError: this is no pcapng stream.
        """
        data = self._rest + data
        at = 0
        packets: list[Captured] = []
        while len(data) >= at + 12:
            (kind,) = struct.unpack_from("<I", data, at)
            if kind == _SECTION:  # the same in both byte orders
                self._order = "<" if struct.unpack_from("<I", data, at + 8)[0] == _MAGIC else ">"
            kind, length = struct.unpack_from(self._order + "II", data, at)
            if length < 12 or length % 4 or length > _LARGEST + 1024:
                msg = f"The capturing program writes no pcapng (a block of {length} bytes)."
                raise CaptureError(msg)
            if at + length > len(data):
                break
            try:
                packets += self._block(kind, data[at + 8 : at + length - 4])
            except struct.error as error:
                msg = f"The capturing program writes no pcapng (a block of kind {kind} ends too early)."
                raise CaptureError(msg) from error
            at += length
        self._rest = data[at:]
        return packets

    def _block(self, kind: int, body: bytes) -> list[Captured]:
        if kind == _INTERFACE:
            described = interface(body, self._order)
            self._unit = described.numerator, described.denominator
        if kind != _ENHANCED:
            return []
        _, high, low, captured, wire_length = struct.unpack_from(self._order + "IIIII", body)
        (data,) = struct.unpack_from(f"{captured}s", body, 20)
        return [((high << 32 | low) * self._unit[0] // self._unit[1], wire_length, data)]
