"""One captured frame to the TCP segment in it: link layers, VLAN tags, IPv4, IPv6 and its extension headers, TCP.

Pure. Knows headers and what Wireshark makes of broken ones; knows no file, no stream, no interface. The contract is
`capture.readers.tshark`'s: the same Segment from the same frame. What is not plain TCP right above IP is None: another
protocol, a tunnel, an error that quotes a header, a frame that ends before its TCP header does. A fragment is no
segment either; `fragment` gives it to those who put datagrams together (`capture.fragments`).
"""

import functools
import socket
import struct
from typing import NamedTuple

from capture.segment import RST, Endpoint, Segment

ETHERNET, NULL, LOOP, LINUX_SLL, LINUX_SLL2 = 1, 0, 108, 113, 276
_RAW = (12, 14, 101)  # LINKTYPE_RAW is 101 in files; systems have used their own DLT_RAW, 12 or 14, all the same
_IPV4, _IPV6 = 228, 229

# https://www.tcpdump.org/linktypes.html
LINKTYPES = {
    ETHERNET: "ETHERNET",
    NULL: "NULL",
    LOOP: "LOOP",
    **dict.fromkeys(_RAW, "RAW"),
    _IPV4: "IPV4",
    _IPV6: "IPV6",
    LINUX_SLL: "LINUX_SLL",
    LINUX_SLL2: "LINUX_SLL2",
}

# Where an EtherType stands and where what it announces begins.
_TYPED = {ETHERNET: (12, 14), LINUX_SLL: (14, 16), LINUX_SLL2: (0, 20)}
_VERSIONS = {b"\x08\x00": 4, b"\x86\xdd": 6}
_SERVICE_TAG = b"\x88\xa8"  # IEEE 802.1ad
_TAGS = (b"\x81\x00", b"\x91\x00", _SERVICE_TAG)  # 0x8100: IEEE 802.1Q; 0x9100: the same, before 802.1ad

# The address family of BSD's loopback: 2 is IPv4; IPv6 is 24, 28 or 30, as the system has it. LINKTYPE_LOOP has it in
# network byte order, LINKTYPE_NULL in that of the machine that captured.
_FAMILIES = {2: 4, 24: 6, 28: 6, 30: 6}
_LOOP = {family.to_bytes(4, "big"): version for family, version in _FAMILIES.items()}
_NULL = {**_LOOP, **{family.to_bytes(4, "little"): version for family, version in _FAMILIES.items()}}

_TCP = 6
# The extension headers of RFC 8200, section 4; any other hides TCP from us.
_HOP_BY_HOP, _ROUTING, _FRAGMENT_HEADER, _DESTINATION = 0, 43, 44, 60
_EXTENSIONS = (_HOP_BY_HOP, _ROUTING, _FRAGMENT_HEADER, _DESTINATION)

_unpack_ip4 = struct.Struct(">BxHHHxB2x8s").unpack_from  # RFC 791, section 3.1
_unpack_ip6 = struct.Struct(">B3xHBx32s").unpack_from  # RFC 8200, section 3
_unpack_fragment = struct.Struct(">BxHI").unpack_from  # RFC 8200, section 4.5
_unpack_tcp = struct.Struct(">4sIIH").unpack_from  # RFC 9293, section 3.1
# Ethernet, IPv4 without options and the first 14 bytes of TCP in one go: EtherType with version and header length,
# total length, fragment offset, protocol, addresses with ports, seq, ack, data offset with flags.
_unpack_plain = struct.Struct(">12x3sxH2xHxB2x12sIIH").unpack_from
_PLAIN = b"\x08\x00\x45"


class Datagram(NamedTuple):
    """What stands above an IP header and all its extension headers.

    Attributes:
        addresses: source and destination, as they stand in the header, joined.
        protocol: of what is above (`ip.proto`; `ipv6.nxt` of the last extension header).
        at: offset in the frame of what is above.
        length: bytes of it on the wire; negative where the header's own length cannot be.
        identification: of the datagram that this is a fragment of (`ip.id`, `ipv6.fraghdr.ident`).
        start: offset in that datagram, in bytes (`ip.frag_offset`, `ipv6.fraghdr.offset`).
        more: whether more fragments follow (`ip.flags.mf`, `ipv6.fraghdr.more`).
    """

    addresses: bytes
    protocol: int
    at: int
    length: int
    identification: int = 0
    start: int = 0
    more: bool = False


class Fragment(NamedTuple):
    """A fragment of a datagram, whole.

    Attributes:
        frame: number of the frame, from 1.
        time_ns: when it was captured, nanoseconds since 1970.
        offset: bytes from the start of the frame to the first byte of `data`.
        datagram: where `data` belongs.
        data: what the fragment carries, one byte at least.
    """

    frame: int
    time_ns: int
    offset: int
    datagram: Datagram
    data: bytes


def parse(linktype: int, frame: int, time_ns: int, wire_length: int, data: bytes) -> Segment | None:
    """Return the TCP segment of a frame, None where there is none.

    Args:
        linktype: number of the link layer; one that is not in LINKTYPES gives None.
        frame: number of the frame, from 1.
        time_ns: when it was captured, nanoseconds since 1970.
        wire_length: bytes of the frame on the wire.
        data: the captured bytes of it.
    """
    if linktype == ETHERNET and len(data) >= 54:
        kind, total, fragmented, protocol, ends, seq, ack, bits = _unpack_plain(data)
        header = bits >> 12 << 2
        length = total - 20 - header
        # Nearly every frame takes this way; what breaks a rule or carries a RST takes the other.
        if (
            kind == _PLAIN
            and protocol == _TCP
            and not fragmented & 0x3FFF
            and length >= 0
            and header >= 20
            and 14 + total <= wire_length
            and not bits & RST
        ):
            source, destination = _ends(ends)
            offset = 34 + header
            payload = data[offset : offset + length]
            # Segment(...) takes twice as long
            return tuple.__new__(
                Segment,
                (frame, time_ns, source, destination, seq, ack, bits & 0xFFF, length, payload, offset),
            )
    datagram = _datagram(linktype, wire_length, data)
    if datagram is None or datagram.start or datagram.more:
        return None
    return segment(frame, time_ns, datagram, data)


def fragment(linktype: int, frame: int, time_ns: int, wire_length: int, data: bytes) -> Fragment | None:
    """Return the fragment that a frame is, None where it is none or was not captured whole; arguments as of `parse`."""
    datagram = _datagram(linktype, wire_length, data)
    if datagram is None or not (datagram.start or datagram.more):
        return None
    at, length = datagram.at, datagram.length
    if length <= 0 or at + length > len(data):
        return None
    return Fragment(frame, time_ns, at, datagram, data[at : at + length])


def segment(frame: int, time_ns: int, datagram: Datagram, data: bytes) -> Segment | None:
    """Return the TCP segment that a datagram carries, None where it carries none.

    Args:
        frame: number of the frame, from 1.
        time_ns: when it was captured, nanoseconds since 1970.
        datagram: what stands in `data`; no fragment.
        data: the captured bytes of the frame.
    """
    at = datagram.at
    if datagram.protocol != _TCP or at + 20 > len(data):
        return None
    ports, seq, ack, bits = _unpack_tcp(data, at)
    header = bits >> 12 << 2
    length = datagram.length - header
    if header < 20 or length < 0:
        return None
    source, destination = _ends(datagram.addresses + ports)
    offset = at + header
    # what a RST carries says why it was sent (`tcp.reset_cause`); it is no payload (RFC 9293, section 3.5.3)
    payload = b"" if bits & RST else data[offset : offset + length]
    return Segment(frame, time_ns, source, destination, seq, ack, bits & 0xFFF, length, payload, offset)


# A capture has few connections and many frames.
@functools.lru_cache(maxsize=4096)
def _ends(raw: bytes) -> tuple[Endpoint, Endpoint]:
    """Return source and destination for both addresses and both ports as they stand in the headers, joined."""
    size = len(raw) // 2 - 2
    family = socket.AF_INET if size == 4 else socket.AF_INET6
    hosts = (socket.inet_ntop(family, raw[:size]), socket.inet_ntop(family, raw[size : 2 * size]))
    source, destination = struct.unpack(">HH", raw[2 * size :])
    return Endpoint(hosts[0], source), Endpoint(hosts[1], destination)


def _datagram(linktype: int, wire_length: int, data: bytes) -> Datagram | None:
    """Return what stands above the IP header of a frame, None where that header is not whole or not there."""
    found = _network(linktype, data)
    if found is None:
        return None
    at, version = found
    if at >= len(data) or data[at] >> 4 != version:
        return None
    # no frame is shorter than what was captured of it, whatever the file says
    return (_ip4 if version == 4 else _ip6)(at, max(wire_length, len(data)) - at, data)


def _network(linktype: int, data: bytes) -> tuple[int, int] | None:
    """Return where the IP header of a frame begins and its version, None where the frame carries something else."""
    if linktype in _TYPED:
        kind_at, at = _TYPED[linktype]
        kind = data[kind_at : kind_at + 2]
        served = False
        while kind in _TAGS:
            if kind == _SERVICE_TAG:
                if (
                    served
                ):  # a customer's tag stands inside a provider's; Wireshark does not tell how long two of these are
                    return None
                served = True
            kind = data[at + 2 : at + 4]
            at += 4
        version = _VERSIONS.get(kind)
    elif linktype in (NULL, LOOP):
        at, version = 4, (_NULL if linktype == NULL else _LOOP).get(data[:4])
    elif linktype in _RAW:
        at, version = 0, {4: 4, 6: 6}.get(data[0] >> 4) if data else None
    else:
        at, version = 0, {_IPV4: 4, _IPV6: 6}.get(linktype)
    return None if version is None else (at, version)


def _ip4(at: int, available: int, data: bytes) -> Datagram | None:
    if at + 20 > len(data):
        return None
    first, total, identification, fragmented, protocol, addresses = _unpack_ip4(data, at)
    header = (first & 0xF) * 4
    if header < 20:
        return None
    # 0 is a length that the network card was to fill in; more than there is, is not believed
    length = min(total or available, available) - header
    start, more = (fragmented & 0x1FFF) * 8, bool(fragmented & 0x2000)
    return Datagram(addresses, protocol, at + header, length, identification, start, more)


def _ip6(at: int, available: int, data: bytes) -> Datagram | None:
    if at + 40 > len(data):
        return None
    _, said, protocol, addresses = _unpack_ip6(data, at)
    # a length of 0 is one: unlike that of IPv4, Wireshark takes it at its word
    length = min(said, available - 40)
    return extended(Datagram(addresses, protocol, at + 40, length), data)


def extended(datagram: Datagram, data: bytes) -> Datagram | None:
    """Return what stands above IPv6 extension headers, where there are any; None where they are cut off or broken.

    Args:
        datagram: what stands above the headers known so far.
        data: the captured bytes of the frame.
    """
    addresses, protocol, at, length, *_ = datagram
    while protocol in _EXTENSIONS:
        if at + 8 > len(data):
            return None
        if protocol == _FRAGMENT_HEADER:
            protocol, bits, identification = _unpack_fragment(data, at)
            at, length = at + 8, length - 8
            start, more = bits & 0xFFF8, bool(bits & 1)
            if start or more:
                return Datagram(addresses, protocol, at, length, identification, start, more)
        else:
            size = 8 + 8 * data[at + 1]
            if protocol != _ROUTING and not _options_fit(data, at + 2, at + size, at + length):
                return None
            protocol, at, length = data[at], at + size, length - size
    return Datagram(addresses, protocol, at, length)


def _options_fit(data: bytes, at: int, end: int, packet_end: int) -> bool:
    """Return whether the options (RFC 8200, section 4.2) from `at` to `end` all end within the packet."""
    end = min(end, len(data) - 1)
    while at < end:
        at += 2 + data[at + 1] if data[at] else 1  # Pad1 is a byte without a length
    return at <= packet_end
