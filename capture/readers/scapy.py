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
    from scapy.layers.inet6 import IPv6
    from scapy.utils import PcapReader


def read(path: Path) -> Iterator[Segment]:
    """Yield the TCP segments of the whole capture file at `path`."""
    with PcapReader(str(path)) as packets:
        for number, packet in enumerate(packets, start=1):
            segment = _segment(number, packet)
            if segment is not None:
                yield segment


def _segment(number: int, packet: Any) -> Segment | None:
    ip = packet.getlayer(IP) or packet.getlayer(IPv6)
    tcp = packet.getlayer(TCP)
    # an ICMP error quotes TCP as TCPerror, which is not asked for; in a tunnel the first IP is not the one of the TCP
    if ip is None or tcp is None:
        return None
    frame: bytes = packet.original
    at = len(frame) - len(ip.original)
    if isinstance(ip, IP):
        if not isinstance(ip.payload, TCP):
            return None
        at += ip.ihl * 4
        tcp_bytes = ip.len - ip.ihl * 4
    else:
        extensions = len(ip.payload.original) - len(tcp.original)
        if extensions and ip.payload.haslayer(IP):
            return None
        at += 40 + extensions
        tcp_bytes = ip.plen - extensions
    at += tcp.dataofs * 4
    length = tcp_bytes - tcp.dataofs * 4
    return Segment(
        frame=number,
        time_ns=int(packet.time * 1_000_000_000),
        source=Endpoint(ip.src, tcp.sport),
        destination=Endpoint(ip.dst, tcp.dport),
        seq=tcp.seq,
        ack=tcp.ack,
        flags=tcp.reserved << 9 | int(tcp.flags),
        length=length,
        payload=frame[at : at + length],
        offset=at,
    )
