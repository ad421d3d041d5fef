"""Reads a capture file with scapy, for machines without tshark.

scapy is GPL-2.0-only and slow to import: nothing imports this module unless this reader is asked for.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from capture.segment import Endpoint, Segment

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # scapy's own use of what cryptography has deprecated is not the reader's fault
    from scapy.layers import l2  # noqa: F401  (registers Ethernet, 802.1Q and the loopback link layers)
    from scapy.layers.inet import IP, TCP
    from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, _IPv6ExtHdr
    from scapy.utils import PcapReader


def read(path: Path) -> Iterator[Segment]:
    """Yield the TCP segments of the whole capture file at `path`."""
    with PcapReader(str(path)) as packets:
        for number, packet in enumerate(packets, start=1):
            segment = _segment(number, packet)
            if segment is not None:
                yield segment


def _segment(number: int, packet: Any) -> Segment | None:
    ip = packet
    while ip and not isinstance(ip, (IP, IPv6)):
        ip = ip.payload
    tcp = _tcp(ip)
    if tcp is None or tcp.dataofs < 5:
        return None
    frame: bytes = packet.original
    at = len(frame) - len(ip.original)
    # a length of 0 is one that the network card was to fill in; one that is more than there is is not believed
    available = packet.wirelen - at
    if isinstance(ip, IP):
        ip_length, said = ip.ihl * 4, ip.len
    else:
        ip_length, said = 40 + len(ip.payload.original) - len(tcp.original), ip.plen and 40 + ip.plen
    offset = at + ip_length + tcp.dataofs * 4
    length = min(said or available, available) - ip_length - tcp.dataofs * 4
    if length < 0:
        return None
    return Segment(
        frame=number,
        time_ns=int(packet.time * 1_000_000_000),
        source=Endpoint(ip.src, tcp.sport),
        destination=Endpoint(ip.dst, tcp.dport),
        seq=tcp.seq,
        ack=tcp.ack,
        flags=tcp.reserved << 9 | int(tcp.flags),
        length=length,
        # what a RST carries says why it was sent (`tcp.reset_cause`); it is no payload (RFC 9293, section 3.5.3)
        payload=b"" if tcp.flags.R else frame[offset : offset + length],
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
