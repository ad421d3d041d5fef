"""Reads a capture, a file or one still being made, with scapy. It knows the headers; the framing is our own.

scapy is GPL-2.0-only and slow to import: nothing imports this module unless this reader is asked for.
"""

import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from capture.frames import LINKTYPES
from capture.packets import Packet, packets, read_packets
from capture.segment import Endpoint, Segment

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # scapy's own use of what cryptography has deprecated is not the reader's fault
    from scapy.config import conf
    from scapy.layers import l2
    from scapy.layers.inet import IP, TCP
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, IPv46, _IPv6ExtHdr
    from scapy.packet import bind_layers

_LAYERS = {number: conf.l2types.num2layer.get(number, IPv46) for number in LINKTYPES}  # of raw IP it knows two of three
# What Wireshark knows and scapy 2.8 does not: IPv6 of other systems' loopback, and tags it has not bound.
for family in (24, 28, 30):
    bind_layers(l2.Loopback, IPv6, type=family)
for below, field in ((l2.Ether, "type"), (l2.Dot1Q, "type"), (l2.Dot1AD, "type"), (l2.CookedLinux, "proto")):
    bind_layers(below, l2.Dot1Q, **{field: 0x9100})
bind_layers(l2.CookedLinux, l2.Dot1AD, proto=0x88A8)


def read(path: Path) -> Iterator[Segment]:
    """Yield the TCP segments of the capture file at `path`, zipped or not, whole or not.

    Raises:
        CaptureError, NotACaptureError, TornCaptureError: as `capture.packets.packets`.
    """
    return _segments(packets(path))


def read_live(pipe: int) -> Iterator[Segment]:
    """Yield the TCP segments of a capture while it is made.

    Args:
        pipe: the reading end of a pipe that pcap or pcapng comes through; closed when the reading has ended.
    """
    with os.fdopen(pipe, "rb") as file:
        yield from _segments(read_packets(file, "the live capture"))


def _segments(captured: Iterable[Packet]) -> Iterator[Segment]:
    # scapy 2.8's own reader of files mixes up the interfaces of several sections, invents times, and numbers frames
    # otherwise than Wireshark where other blocks stand between them
    for packet in captured:
        layer = _LAYERS.get(packet.linktype)
        segment = _segment(packet, layer(packet.data)) if layer is not None else None
        if segment is not None:
            yield segment


def _segment(packet: Packet, frame: Any) -> Segment | None:
    ip, service_tags = frame, 0
    while ip and not isinstance(ip, (IP, IPv6)):
        service_tags += isinstance(ip, l2.Dot1AD)
        ip = ip.payload
    if service_tags > 1:  # tshark cannot say where such a frame's payload stands
        return None
    tcp = _tcp(ip)
    if tcp is None or tcp.dataofs < 5:
        return None
    at = len(packet.data) - len(ip.original)
    # a length of 0 is one that the network card was to fill in; one that is more than there is is not believed
    available = max(packet.wire_length, len(packet.data)) - at
    if isinstance(ip, IP):
        ip_length, said = ip.ihl * 4, ip.len
    else:
        ip_length, said = 40 + len(ip.payload.original) - len(tcp.original), 40 + ip.plen
    offset = at + ip_length + tcp.dataofs * 4
    length = min(said or available, available) - ip_length - tcp.dataofs * 4
    if length < 0:
        return None
    return Segment(
        frame=packet.frame,
        time_ns=packet.time_ns,
        source=Endpoint(ip.src, tcp.sport),
        destination=Endpoint(ip.dst, tcp.dport),
        seq=tcp.seq,
        ack=tcp.ack,
        flags=tcp.reserved << 9 | int(tcp.flags),
        length=length,
        # what a RST carries says why it was sent (`tcp.reset_cause`); it is no payload (RFC 9293, section 3.5.3)
        payload=b"" if tcp.flags.R else packet.data[offset : offset + length],
        offset=offset,
    )


def _tcp(ip: Any) -> Any:
    """Return the TCP layer right above `ip`, None where there is another or only a fragment, or a part of a header."""
    if isinstance(ip, IP) and (ip.version != 4 or ip.flags.MF or ip.frag):
        return None
    above = ip.payload
    while isinstance(above, _IPv6ExtHdr):
        if isinstance(above, IPv6ExtHdrFragment) and (above.m or above.offset):
            return None
        above = above.payload
    return above if isinstance(above, TCP) else None
