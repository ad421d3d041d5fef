"""Makes the captures of this folder: `python tests/data/make.py` for all of them, or with the names of some.

The .pcap files are built frame by frame with scapy, and so are the .pcapng files named in BLOCKS; they come out the
same every time. The other .pcapng files are recorded on the loopback interface by dumpcap (needs the right to capture)
while real programs talk, and each .keys.txt is the key log of the recording beside it: test material, worth nothing to
anyone. Names say what a capture is about.
"""

import asyncio
import contextlib
import dataclasses
import datetime
import gzip
import ipaddress
import itertools
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import CookedLinux, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw

FOLDER = Path(__file__).parent
LINES = [b"anna\n", b"hello, who is here?\n", "¿qué tal?\n".encode(), b"!users\n", b"bye\n"]

CLIENT, SERVER = "10.0.0.1", "10.0.0.2"
C, S = 1000, 5000  # the initial sequence numbers of client and server


# --- built with scapy ------------------------------------------------------------------------------------------------


def pcap(frames: list[Any], *, order: str = "<", nano: bool = False, link: int = 1, cut: int = 1 << 16) -> bytes:
    """A pcap file (draft-ietf-opsawg-pcap) of the frames, a little over a second apart, cut to `cut` bytes each."""
    out = struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, cut, link)
    for number, frame in enumerate(frames):
        data = bytes(frame)
        fraction = (123456789 * number) % 10**9 // (1 if nano else 1000)
        kept = data[:cut]
        out += struct.pack(order + "IIII", 1_700_000_000 + number, fraction, len(kept), len(data)) + kept
    return out


def up(seq: int, data: bytes = b"", flags: str = "PA", *, ack: int = S + 1, **more: Any) -> Any:
    """What the client sends."""
    return (
        IP(src=CLIENT, dst=SERVER)
        / TCP(sport=40000, dport=12345, seq=seq % 2**32, ack=ack % 2**32, flags=flags, **more)
        / data
    )


def down(seq: int, data: bytes = b"", flags: str = "PA", *, ack: int = C + 1, **more: Any) -> Any:
    """What the server sends."""
    return (
        IP(src=SERVER, dst=CLIENT)
        / TCP(sport=12345, dport=40000, seq=seq % 2**32, ack=ack % 2**32, flags=flags, **more)
        / data
    )


def opened(c: int = C, s: int = S) -> list[Any]:
    """The three segments that open a connection (RFC 9293, section 3.5)."""
    return [up(c, flags="S", ack=0), down(s, flags="SA", ack=c + 1), up(c + 1, flags="A", ack=s + 1)]


def ethernet(*packets: Any) -> list[Any]:
    return [Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet for packet in packets]


def short_chat() -> list[Any]:
    return [*opened(), up(C + 1, b"hello\n"), down(S + 1, b"hi there\n"), up(C + 7, b"bye\n"), down(S + 10, b"", "FA")]


def v6(data: bytes, *extensions: Any) -> Any:
    head = IPv6(src="2001:db8::1", dst="2001:db8::2")
    for extension in extensions:
        head /= extension
    return head / TCP(sport=40000, dport=12345, seq=C, ack=S, flags="PA") / data


def overlapping() -> bytes:
    parts = [(0, b"AAAAAA"), (4, b"bbbbbb"), (14, b"dddd"), (8, b"CCCCCCCCCCCCCC"), (2, b"xx"), (0, b"zzzzzzzzzzzz")]
    return pcap(ethernet(*opened(), *(up(C + 1 + at, data) for at, data in parts)))


def reordered() -> bytes:
    at = [(6, b"second"), (0, b"first,"), (18, b"fourth"), (12, b"third,"), (24, b".")]
    back = [(5, b"world"), (0, b"hello")]
    return pcap(ethernet(*opened(), *(up(C + 1 + n, d) for n, d in at), *(down(S + 1 + n, d) for n, d in back)))


def retransmitted() -> bytes:
    return pcap(
        ethernet(
            *opened(), up(C, flags="S", ack=0), up(C + 1, b"one "), up(C + 1, b"one "), up(C + 5, b"two "),
            up(C + 1, b"one two three"), down(S + 1, b"ok"), down(S + 1, b"ok"), up(C + 9, b"three four")
        )
    )  # fmt: skip


def keep_alive() -> bytes:
    return pcap(
        ethernet(
            *opened(), up(C, b"\0", "A"), down(S + 1, b"", "A"), up(C + 1, b"still here\n"), down(S, b"\0", "A"),
            up(C + 11, b"\n", "A", ack=S + 1), up(C + 12, b"yes\n")
        )
    )  # fmt: skip


def sequence_wrap() -> bytes:
    c, s = 2**32 - 10, 2**32 - 1
    sent = [(0, b"before wr"), (18, b"and after it"), (9, b"ap, over "), (30, b"."), (0, b"before wr")]
    return pcap(
        ethernet(*opened(c, s), *(up(c + 1 + at, data, ack=0) for at, data in sent), down(0, b"answer", ack=21))
    )


def lost_segment() -> bytes:
    return pcap(
        ethernet(*opened(), up(C + 1, b"kept "), up(C + 15, b"kept too"), down(S + 1, b"all"), down(S + 9, b"", "FA"))
    )


def vlan() -> bytes:
    tagged = [Ether() / Dot1Q(vlan=7) / packet for packet in [*opened(), up(C + 1, b"tagged once")]]
    twice = Ether() / Dot1Q(vlan=7) / Dot1Q(vlan=8) / up(C + 12, b", tagged twice")
    return pcap([*tagged, twice, Ether() / Dot1Q(vlan=9) / v6(b"version 6")])


def icmp_quotes() -> bytes:
    quoted = up(C + 1, b"quoted, not sent again")
    return pcap(
        ethernet(
            *opened(),
            IP(src=SERVER, dst=CLIENT) / ICMP(type=3, code=3) / bytes(quoted)[:40],
            IP(src=SERVER, dst=CLIENT) / ICMP(type=3, code=3) / bytes(quoted),
            IPv6(src="2001:db8::2", dst="2001:db8::1") / ICMPv6DestUnreach(code=4) / bytes(v6(b"quoted")),
            IP(src=CLIENT, dst=SERVER) / UDP(sport=40000, dport=12345) / b"not TCP",
            up(C + 1, b"sent"),
        )
    )


def fragments() -> bytes:
    whole = bytes(up(C + 1, b"0123456789abcdef" * 3))[20:]
    head = {"src": CLIENT, "dst": SERVER, "proto": 6, "id": 77}
    return pcap(
        ethernet(
            *opened(),
            IP(**head, flags="MF") / Raw(whole[:32]),
            IP(**head, frag=4, flags="MF") / Raw(whole[32:56]),
            IP(**head, frag=7) / Raw(whole[56:]),
            up(C + 49, b"whole again"),
        )
    )


def ipv6_extensions() -> bytes:
    return pcap(
        ethernet(
            v6(b"no extension"),
            v6(b"hop by hop", IPv6ExtHdrHopByHop()),
            v6(b"two of them", IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt()),
            v6(b"an atomic fragment", IPv6ExtHdrFragment(id=5)),
            v6(b"a first fragment", IPv6ExtHdrFragment(id=6, m=1)),
            IPv6(src="2001:db8::1", dst="2001:db8::2")
            / IPv6ExtHdrFragment(id=6, m=0, offset=5, nh=6)
            / b"and its rest",
        )
    )


def stacked_extensions() -> bytes:
    routing = IPv6ExtHdrRouting(addresses=["2001:db8::3"], segleft=0)
    good = v6(b"all of them", IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(), routing, IPv6ExtHdrFragment(id=5))
    still_to_go = v6(b"one more hop", IPv6ExtHdrRouting(addresses=["2001:db8::3"], segleft=1))
    not_plain = [IPv6(src="2001:db8::1", dst="2001:db8::2", nh=nh) / bytes(good)[40:] for nh in (51, 59, 135, 253)]
    return pcap(ethernet(good, still_to_go, *not_plain))


def cut(packet: Any, *ends: int, identification: int = 7) -> list[bytes]:
    """An IPv4 or IPv6 packet without options in fragments, cut at offsets of what it carries, multiples of 8."""
    whole = bytes(packet)
    header = 40 if whole[0] >> 4 == 6 else 20
    head, body = whole[:header], whole[header:]
    bounds = [0, *ends, len(body)]
    found = []
    for start, end in itertools.pairwise(bounds):
        more, part = end < len(body), body[start:end]
        if header == 40:
            fragment = struct.pack(">BBHI", head[6], 0, start | more, identification)
            found.append(head[:4] + struct.pack(">HB", 8 + len(part), 44) + head[7:] + fragment + part)
        else:
            field = struct.pack(">HHH", 20 + len(part), identification, start // 8 | more << 13)
            found.append(head[:2] + field + head[8:] + part)
    return found


def bare(packets: list[bytes]) -> list[bytes]:
    """IPv4 and IPv6 packets in Ethernet frames."""
    kinds = {4: b"\x08\x00", 6: b"\x86\xdd"}
    return [bytes(12) + kinds[packet[0] >> 4] + packet for packet in packets]


def fragments_put_together() -> bytes:
    """Reordered, twice, two datagrams mixed, cut in the TCP header, never whole, and a SYN and a FIN with data."""
    syn = cut(up(C, b"early words.", "S", ack=0), 24, identification=1)
    one = cut(up(C + 13, b"0123456789abcdef" * 3), 8, 24, 40, identification=2)
    two = cut(down(S + 1, b"ABCDEFGHIJKLMNOP" * 3), 32, 48, identification=2)
    no_payload = cut(up(C + 61, b"", "A"), 8, 16, identification=3)
    last = cut(up(C + 61, b"the end of it all", "FA"), 16, 32, identification=4)
    lost = cut(down(S + 49, b"only half of this came"), 24, identification=5)[:1]
    accepted = bytes(down(S, b"", "SA", ack=C + 13))
    mixed = [one[3], two[0], one[1], one[1], two[2], one[2], one[0], two[1]]
    after = cut(down(S + 49, b"and this did"), 8, identification=6)
    return pcap(bare([*syn, accepted, *mixed, *no_payload, *no_payload, *lost, *reversed(last), *after]))


def fragments_of_6() -> bytes:
    above = bytes(IPv6ExtHdrDestOpt(nh=6)) + bytes(v6(b"options among the fragments"))[40:]
    first = cut(v6(b"version 6 in fragments"), 8, 24, identification=1)
    other = IPv6(src="2001:db8::1", dst="2001:db8::2", nh=60) / Raw(above)
    last = cut(v6(b"unlike in name only"), 8, identification=2)
    return pcap(bare([*first, *reversed(cut(other, 16, 32, identification=3)), *last]))


def fragments_that_overlap() -> bytes:
    good = cut(up(C + 1, b"0123456789abcdef" * 3), 24, 48)
    other = cut(up(C + 1, b"################" * 3), 32)
    return pcap([*ethernet(*opened()), *bare([good[0], good[1], other[0], good[2]]), *ethernet(up(C + 49, b"after"))])


def link_layers() -> list[tuple[int, bytes]]:
    """A chat, each packet of it over another link layer; the last ones in version 6."""
    four = iter([bytes(packet) for packet in short_chat()])
    six = [bytes(v6(words)) for words in (b"raw", b"IPv6", b"BSD 24", b"BSD 28", b"BSD 30", b"tagged", b"cooked 2")]
    tag = struct.pack(">HHHH", 7, 0x8100, 8, 0x0800)
    cooked = struct.pack(">HHH8s", 0, 1, 6, b"\2\0\0\0\0\1\0\0")
    cooked_2 = struct.pack(">HIHBB8s", 0, 1, 1, 0, 6, b"\2\0\0\0\0\1\0\0")
    return [
        (1, bytes(12) + b"\x88\xa8" + tag + next(four)),
        (276, b"\x08\x00" + cooked_2 + next(four)),
        (276, b"\x81\x00" + cooked_2 + tag[:2] + tag[6:] + next(four)),
        (108, struct.pack(">I", 2) + next(four)),
        (0, struct.pack(">I", 2) + next(four)),
        (228, next(four)),
        (113, cooked + b"\x88\xa8" + tag[:2] + tag[6:] + next(four)),
        (101, six[0]),
        (229, six[1]),
        (0, struct.pack("<I", 24) + six[2]),
        (0, struct.pack("<I", 28) + six[3]),
        (108, struct.pack(">I", 30) + six[4]),
        (1, bytes(12) + b"\x91\x00" + struct.pack(">HH", 9, 0x86DD) + six[5]),
        (276, b"\x86\xdd" + cooked_2 + six[6]),
        (1, bytes(12) + b"\x88\xa8" + struct.pack(">HHHH", 7, 0x88A8, 8, 0x86DD) + six[5]),
        (195, six[0]),
    ]


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block (draft-ietf-opsawg-pcapng, section 3.1)."""
    body += b"\0" * (-len(body) % 4)
    length = 12 + len(body)
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def section(order: str = "<", options: bytes = b"") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options, order)


def interface(link: int = 1, snap: int = 0, options: bytes = b"", order: str = "<") -> bytes:
    return block(1, struct.pack(order + "HHI", link, 0, snap) + options, order)


def packet(data: Any, time: int, number: int = 0, order: str = "<", options: bytes = b"", cut: int = 1 << 16) -> bytes:
    """An enhanced packet block; `time` in the units of its interface."""
    whole = bytes(data)
    kept = whole[:cut]
    head = struct.pack(order + "IIIII", number, time >> 32, time & 0xFFFFFFFF, len(kept), len(whole))
    return block(6, head + kept + b"\0" * (-len(kept) % 4) + options, order)


NOW = 1_700_000_000


def several_link_layers() -> bytes:
    frames = link_layers()
    links = sorted({link for link, _ in frames})
    blocks = [packet(data, (NOW + at) * 10**6, links.index(link)) for at, (link, data) in enumerate(frames)]
    return section() + b"".join(interface(link) for link in links) + b"".join(blocks)


def big_endian_blocks() -> bytes:
    comment = option(1, b"a comment", ">") + option(0, b"", ">")
    frames = [packet(f, NOW * 10**6 + 77 * n, 0, ">", comment) for n, f in enumerate(ethernet(*short_chat()))]
    return section(">", comment) + interface(order=">", options=comment) + b"".join(frames)


def several_sections() -> bytes:
    frames = ethernet(*short_chat())
    one = section() + interface() + b"".join(packet(f, NOW * 10**6) for f in frames[:3])
    two = section(">") + interface(101, order=">") + packet(frames[3].payload, NOW * 10**6 + 1, 0, ">")
    # interfaces are counted from 0 in every section
    three = section() + interface(101) + interface() + b"".join(packet(f, NOW * 10**6 + 2, 1) for f in frames[4:])
    return one + two + three


def time_stamps() -> bytes:
    """Units of time of all kinds, and times that count from another moment than 1970."""
    frames = iter(ethernet(*short_chat(), up(C + 11, b"even more"), down(S + 10, b"still there")))
    ticks = {0: NOW, 3: NOW * 10**3 + 1, 9: NOW * 10**9 + 123456789, 10: NOW * 10**10 + 1234567899,
             0x80 | 20: NOW << 20 | 0x54321, 0x80 | 30: NOW << 30 | 0x1234567, 0x80: NOW}  # fmt: skip
    interfaces = [interface(options=option(9, bytes([resolution]))) for resolution in ticks]
    interfaces += [interface(options=option(14, struct.pack("<q", since))) for since in (NOW, -5)]
    packets = [packet(next(frames), time, number) for number, time in enumerate(ticks.values())]
    packets += [packet(next(frames), 1_500_000, 7), packet(next(frames), (NOW + 9) * 10**6, 8)]
    return section() + b"".join(interfaces) + b"".join(packets)


def simple_packets() -> bytes:
    """Packets that say neither their time nor their interface, cut to its snap length; and packet blocks, obsolete."""
    frames = [bytes(frame) for frame in ethernet(*short_chat())]
    simple = [block(3, struct.pack("<I", len(frame)) + frame[:57]) for frame in frames[:5]]
    old = [
        block(2, struct.pack("<HHIIII", 1, 0, *divmod(NOW * 10**9, 1 << 32), len(frame), len(frame)) + frame)
        for frame in frames[5:]
    ]
    return section() + interface(snap=57) + interface(options=option(9, b"\x09")) + b"".join([*simple, *old])


def other_blocks() -> bytes:
    """What stands between packets: names, statistics, secrets, what nobody knows, and what counts as a frame."""
    frames = [packet(frame, NOW * 10**6 + n) for n, frame in enumerate(ethernet(*short_chat()))]
    between = [
        block(4, struct.pack("<HH", 1, 16) + b"\x0a\0\0\1example.org\0" + bytes(4)),
        block(
            5, struct.pack("<III", 0, *divmod(NOW * 10**6, 1 << 32)) + option(4, struct.pack("<Q", 9)) + option(0, b"")
        ),
        block(10, struct.pack("<II", 0x544C534B, 12) + b"# no secret\n"),
        block(0x0BAD, struct.pack("<I", 1) + b"somebody's own"),
        block(0x80000001, b"nobody knows"),
        block(9, b"__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE=hello\n"),
    ]
    mixed = [part for pair in zip(between, frames, strict=False) for part in pair]
    return section() + interface() + b"".join([*mixed, *frames[len(between) :]])


def same_ports() -> bytes:
    def once(c: int, s: int, words: bytes) -> list[Any]:
        return [
            *opened(c, s), up(c + 1, words, ack=s + 1), down(s + 1, words.upper(), ack=c + 1),
            up(c + 1 + len(words), b"", "FA"), down(s + 1 + len(words), b"", "FA")
        ]  # fmt: skip

    other = IP(src=CLIENT, dst=SERVER) / TCP(sport=40001, dport=12345, seq=9, flags="PA") / b"somebody else"
    return pcap(ethernet(*once(C, S, b"first"), other, *once(C + 70000, S + 90000, b"second")))


def options() -> bytes:
    head = {"src": CLIENT, "dst": SERVER}
    tcp = TCP(sport=40000, dport=12345, seq=C, ack=S, flags="PA", options=[("NOP", None), ("Timestamp", (7, 8))])
    from scapy.layers.inet import IPOption_NOP, IPOption_RR  # noqa: PLC0415

    return pcap(
        ethernet(
            IP(**head, options=[IPOption_NOP(), IPOption_RR(routers=["10.0.0.9"])]) / tcp / b"options in IP and TCP",
            IP(**head) / tcp / b"options in TCP",
            IP(**head) / TCP(sport=40000, dport=12345, seq=C, flags="UPACE", urgptr=3, reserved=5) / b"all flags",
        )
    )


def padded() -> bytes:
    """Ethernet frames of at least 60 bytes: after a short segment stands padding that is nobody's payload."""
    return pcap([bytes(frame).ljust(60, b"\xee") for frame in ethernet(*short_chat())])


def broken_headers() -> bytes:
    """Headers that say what cannot be, or are cut off."""
    good = bytes(ethernet(up(C + 1, b"payload"))[0])

    def changed(at: int, value: bytes) -> bytes:
        return good[:at] + value + good[at + len(value) :]

    return pcap(
        [
            *ethernet(*opened()),
            changed(46, b"\x20"),  # a TCP header of 8 bytes
            changed(46, b"\xf0"),  # a TCP header longer than the packet
            changed(16, b"\x00\x14"),  # an IP packet that ends before TCP begins
            changed(16, b"\x00\x20"),  # an IP packet that ends within the TCP header
            changed(16, b"\xff\xff"),  # an IP packet longer than its frame
            changed(16, b"\x00\x00"),  # a length of 0, as a network card that splits packets itself leaves it
            changed(14, b"\x44"),  # an IP header of 16 bytes
            changed(14, b"\x4f"),  # an IP header of 60 bytes
            changed(14, b"\x65"),  # version 6 in a frame that says IPv4
            changed(50, b"\xff\xff"),  # a wrong checksum
            *(good[:end] for end in (33, 34, 37, 38, 42, 46, 47, 53, 54, 56)),
            *ethernet(up(C + 1, b"good again")),
        ]
    )


def broken_headers_6() -> bytes:
    good = bytes(ethernet(v6(b"payload", IPv6ExtHdrHopByHop()))[0])

    def saying(length: int) -> bytes:
        return good[:18] + length.to_bytes(2, "big") + good[20:]

    return pcap(
        [saying(length) for length in (35, 0, 0xFFFF, 28, 27, 8, 7, 4)] + [good[:80], good[:60], good[:55], good]
    )


def tunnelled() -> bytes:
    inner = up(C + 1, b"in a tunnel")
    outer = {"src": "192.0.2.1", "dst": "192.0.2.2"}
    six = IPv6(src="2001:db8::8", dst="2001:db8::9")
    return pcap(
        ethernet(
            *opened(), IP(**outer) / inner, six / inner, IP(**outer, proto=41) / v6(b"6 in 4"), six / v6(b"6 in 6"),
            up(C + 1, b"outside")
        )
    )  # fmt: skip


BUILT: dict[str, Callable[[], bytes]] = {
    "reordered": reordered,
    "retransmitted": retransmitted,
    "overlapping": overlapping,
    "keep-alive": keep_alive,
    "sequence-wrap": sequence_wrap,
    "lost-segment": lost_segment,
    "vlan": vlan,
    "cut-short": lambda: pcap(ethernet(*short_chat(), up(C + 11, b"this is longer than the snapshot length")), cut=60),
    "icmp-quotes": icmp_quotes,
    "fragments": fragments,
    "ipv6-extensions": ipv6_extensions,
    "same-ports": same_ports,
    "mid-connection": lambda: pcap(ethernet(down(S + 9, b"...end\n"), up(C + 5, b"...what?\n"), down(S + 16, b"ok\n"))),
    "mid-connection-reordered": lambda: pcap(ethernet(up(C + 9, b"later"), up(C + 2, b"sooner,"), up(C + 14, b"."))),
    "answer-first": lambda: pcap(ethernet(*opened()[1:], down(S + 1, b"welcome\n"), up(C + 1, b"thanks\n"))),
    "syn-with-data": lambda: pcap(
        ethernet(up(C, b"early", "S", ack=0), *opened()[1:2], up(C + 6, b" bird"), down(S + 1, b"", "RA"))
    ),
    "reset-with-text": lambda: pcap(ethernet(*opened(), up(C + 1, b"words"), down(S + 1, b"go away", "RA"))),
    "options": options,
    "padded": padded,
    "broken-headers": broken_headers,
    "broken-headers-6": broken_headers_6,
    "cut-in-options": lambda: pcap(
        ethernet(up(C + 1, b"after the options", options=[("NOP", None), ("NOP", None), ("Timestamp", (7, 8))])), cut=58
    ),
    "tunnelled": tunnelled,
    "big-endian": lambda: pcap(ethernet(*short_chat()), order=">"),
    "nanoseconds": lambda: pcap(ethernet(*short_chat()), nano=True),
    "big-endian-nanoseconds": lambda: pcap(ethernet(*short_chat()), order=">", nano=True),
    "linux-cooked": lambda: pcap([CookedLinux(proto=0x0800) / p for p in short_chat()], link=113),
    "bsd-loopback": lambda: pcap([struct.pack("<I", 2) + bytes(p) for p in short_chat()], link=0),
    "raw-ip": lambda: pcap([*short_chat(), v6(b"version 6")], link=101),
    "no-packets": lambda: pcap([]),
    "stacked-extensions": stacked_extensions,
    "fragments-put-together": fragments_put_together,
    "fragments-of-6": fragments_of_6,
    "fragments-that-overlap": fragments_that_overlap,
    "double-tagged": lambda: pcap(ethernet(*(Dot1AD(vlan=7) / Dot1Q(vlan=8) / packet for packet in short_chat()))),
    "linux-cooked-2": lambda: pcap([data for link, data in link_layers() if link == 276], link=276),
}

BLOCKS: dict[str, Callable[[], bytes]] = {
    "several-link-layers": several_link_layers,
    "several-sections": several_sections,
    "big-endian-blocks": big_endian_blocks,
    "time-stamps": time_stamps,
    "simple-packets": simple_packets,
    "other-blocks": other_blocks,
}

ZIPPED: dict[str, Callable[[], bytes]] = {"zipped.pcap": reordered, "zipped.pcapng": several_sections}


# --- recorded --------------------------------------------------------------------------------------------------------


def certificate(folder: Path) -> Path:
    """A self-signed RSA certificate for localhost and its key, in one file."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "cert.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.touch(mode=0o600)
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


@contextlib.contextmanager
def dumpcap(path: Path, port: int) -> Iterator[None]:
    """Record a port of the loopback interface; ready and complete when a datagram of its own has been seen."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        wanted = f"tcp port {port} or udp port {probe.getsockname()[1]}"
        command = ["dumpcap", "-q", "-i", "lo", "-f", wanted, "-w", "-"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            seen = b""
            try:
                for mark in (b"the recording begins", b"the recording ends"):
                    os.set_blocking(process.stdout.fileno(), False)
                    while mark not in seen:
                        probe.sendto(mark, probe.getsockname())
                        with contextlib.suppress(BlockingIOError):
                            seen += os.read(process.stdout.fileno(), 1 << 16)
                        threading.Event().wait(0.3)
                    if mark.endswith(b"begins"):
                        yield
            finally:
                process.terminate()
            os.set_blocking(process.stdout.fileno(), True)
            path.write_bytes(seen + process.stdout.read())


def exchange(client: socket.socket, server: socket.socket) -> None:
    """Say LINES, each answered in capitals by the other side."""
    for line in LINES:
        client.sendall(line)
        heard = b""
        while len(heard) < len(line):
            heard += server.recv(4096)
        server.sendall(b"anna > " + heard)
        client.recv(4096)


def record_plain(name: str, family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host, 0), family=family) as listener:
        port = listener.getsockname()[1]
        with dumpcap(FOLDER / f"{name}.pcapng", port):
            client = socket.create_connection((host, port))
            server, _ = listener.accept()
            with client, server:
                exchange(client, server)


def record_tls(
    name: str,
    version: ssl.TLSVersion,
    suite: str,
    *,
    connections: int = 1,
    alpn: tuple[list[str], list[str]] = ([], []),
    tickets: bool = True,
    extended_master_secret: bool = True,
    keep_key: bool = False,
) -> None:
    """Record TLS with Python's ssl module; `connections` of them, the later ones resumed.

    Args:
        name: of the files.
        version: of TLS.
        suite: OpenSSL's name of it, for TLS 1.2.
        connections: how many.
        alpn: the application protocols of the client and of the server.
        tickets: whether there are any; without, TLS 1.2 resumes by session id.
        extended_master_secret: whether both sides know it (RFC 7627).
        keep_key: whether the server's private key is put beside the recording, as .key.pem.
    """
    with tempfile.TemporaryDirectory() as folder:
        pem = certificate(Path(folder))
        if keep_key:
            end = "-----END PRIVATE KEY-----\n"
            (FOLDER / f"{name}.key.pem").write_text(pem.read_text().partition(end)[0] + end)
        server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_context.load_cert_chain(pem)
        client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client_context.load_verify_locations(pem)
        keys = FOLDER / f"{name}.keys.txt"
        keys.unlink(missing_ok=True)
        client_context.keylog_filename = str(keys)
        for context in (server_context, client_context):
            context.minimum_version = context.maximum_version = version
            if not extended_master_secret:
                context.options |= ssl.Options(1)  # SSL_OP_NO_EXTENDED_MASTER_SECRET, which Python has no name for
            if not tickets:
                context.options |= ssl.OP_NO_TICKET
            if version is ssl.TLSVersion.TLSv1_2:
                context.set_ciphers(suite)
        for context, protocols in zip((client_context, server_context), alpn, strict=True):
            if protocols:
                context.set_alpn_protocols(protocols)
        session = None
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            with dumpcap(FOLDER / f"{name}.pcapng", port):
                for _ in range(connections):
                    client_raw = socket.create_connection(("127.0.0.1", port))
                    server_raw, _ = listener.accept()
                    held: list[ssl.SSLSocket] = []
                    thread = threading.Thread(
                        target=lambda raw, to: to.append(server_context.wrap_socket(raw, server_side=True)),
                        args=(server_raw, held),
                    )
                    thread.start()
                    client = client_context.wrap_socket(client_raw, server_hostname="localhost", session=session)
                    thread.join()
                    with client, held[0]:
                        exchange(client, held[0])
                        session = client.session
                        if not tickets:  # OpenSSL forgets a session that does not end with an alert
                            thread = threading.Thread(target=held[0].unwrap)
                            thread.start()
                            client.unwrap()
                            thread.join()
    keys.chmod(0o644)


def record_session(name: str) -> None:
    """Record a session of `make demo-keys` as the scenario itself runs it, with the server's key and what was sent.

    It needs the lab's packages: run this file as `python -m tests.data.make`.
    """
    from capture.rights import Choice, Way  # noqa: PLC0415
    from lab.folder import RunFolder  # noqa: PLC0415
    from lab.scenario import CONVERSATION  # noqa: PLC0415
    from lab.scenarios import shape  # noqa: PLC0415
    from lab.scenarios.keys import matrix as keys_matrix  # noqa: PLC0415
    from lab.scenarios.keys import scenario as keys  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as path:
        folder = RunFolder(Path(path))
        setting = shape.Setting(folder, Choice(Way.LOOPBACK, ""), "native", CONVERSATION, 0)
        keys.make_certificates(folder)
        sent, _, _ = asyncio.run(keys.record(setting, [keys_matrix.RSA]))
        for ending, source in (
            ("pcapng", folder.capture),
            ("keys.txt", folder.keylog),
            ("key.pem", folder.path / keys.KEY),
        ):
            (FOLDER / f"{name}.{ending}").write_bytes(source.read_bytes())
        said = [dataclasses.asdict(message) for message in sent[keys_matrix.RSA]]
        (FOLDER / f"{name}.sent.json").write_text(json.dumps(said, indent=2) + "\n", "ascii")


def record_refused(name: str, client_version: ssl.TLSVersion, server_version: ssl.TLSVersion) -> None:
    """Record a handshake that fails: the client knows no authority, and the versions may not fit together."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        pem = certificate(Path(folder))
        authority = certificate(Path(other)).read_text().partition("-----BEGIN CERT")[2]
        with pem.open("a") as chain:  # of two, that do not fit together
            chain.write(f"-----BEGIN CERT{authority}")
        server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_context.load_cert_chain(pem)
        server_context.minimum_version = server_context.maximum_version = server_version
        client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client_context.minimum_version = client_context.maximum_version = client_version

        def refuse(raw: socket.socket) -> None:
            with raw, contextlib.suppress(ssl.SSLError):
                server_context.wrap_socket(raw, server_side=True)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            with dumpcap(FOLDER / f"{name}.pcapng", port):
                raw = socket.create_connection(("127.0.0.1", port))
                thread = threading.Thread(target=refuse, args=(listener.accept()[0],))
                thread.start()
                with raw, contextlib.suppress(ssl.SSLError):
                    client_context.wrap_socket(raw, server_hostname="localhost")
                thread.join()


def record_openssl(
    name: str,
    *options: str,
    commands: tuple[bytes, ...] = (),
    server_options: tuple[str, ...] = (),
    refused: bool = False,
) -> None:
    """Record `openssl s_client` talking to `openssl s_server -rev`, which sends each line back reversed.

    Args:
        name: of the files.
        options: of the client.
        commands: what the client is told to do in between.
        server_options: of the server.
        refused: the server runs without -rev, which does not go with every option, and ends the handshake.
    """
    with tempfile.TemporaryDirectory() as folder:
        pem = certificate(Path(folder))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        keys = FOLDER / f"{name}.keys.txt"
        keys.unlink(missing_ok=True)
        server = subprocess.Popen(
            [
                "openssl",
                "s_server",
                "-accept",
                f"127.0.0.1:{port}",
                "-cert",
                str(pem),
                *([] if refused else ["-rev"]),
                *server_options,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            assert server.stdout is not None
            while b"ACCEPT" not in server.stdout.readline():
                pass
            with dumpcap(FOLDER / f"{name}.pcapng", port):
                client = subprocess.Popen(
                    ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-keylogfile", str(keys),
                     *(() if "-noservername" in options else ("-servername", "localhost")),
                     "-CAfile", str(pem), *options],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                )  # fmt: skip
                assert client.stdin is not None
                assert client.stdout is not None
                for number, line in enumerate([] if refused else LINES):
                    ascii_line = line.decode().encode("ascii", "ignore")
                    for command in commands if number in {1, 3} else ():
                        client.stdin.write(command)
                        client.stdin.flush()
                        threading.Event().wait(0.3)
                    client.stdin.write(ascii_line)
                    client.stdin.flush()
                    while ascii_line.strip()[::-1] not in client.stdout.readline():
                        pass
                if not refused:
                    client.stdin.write(b"Q\n")
                    client.stdin.close()
                client.stdout.read()
                client.wait()
                client.stdin.close()
                client.stdout.close()
        finally:
            server.kill()
            server.communicate()
    if refused:
        keys.unlink()  # it holds no key
    else:
        keys.chmod(0o644)


def record_early(name: str, *, refused: bool = False) -> None:
    """Record two connections of `openssl s_client`: one that gets a ticket, one that sends early data with it.

    Args:
        name: of the files.
        refused: the second goes to another server, which cannot read the ticket and wants another suite.
    """
    with tempfile.TemporaryDirectory() as folder:
        pem = certificate(Path(folder))
        session, early = Path(folder) / "session", Path(folder) / "early"
        early.write_bytes(LINES[0] + LINES[1])
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        keys = FOLDER / f"{name}.keys.txt"
        keys.unlink(missing_ok=True)
        server = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(pem), "-early_data"]
        client = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-keylogfile", str(keys),
                  "-servername", "localhost", "-CAfile", str(pem)]  # fmt: skip
        first, second = ("-sess_out", str(session)), ("-sess_in", str(session), "-early_data", str(early))
        with dumpcap(FOLDER / f"{name}.pcapng", port):
            if refused:
                talk(server, [[*client, *first]])
                talk([*server, "-ciphersuites", "TLS_AES_128_GCM_SHA256"], [[*client, *second]])
            else:
                talk(server, [[*client, *first], [*client, *second]])
    keys.chmod(0o644)


def talk(server_command: list[str], client_commands: list[list[str]]) -> None:
    """Run an openssl server and clients of it; each says a line and gets it back, and so has got the tickets, too."""
    line = LINES[4]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    server = subprocess.Popen(server_command, **pipes)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        while b"ACCEPT" not in server.stdout.readline():
            pass
        for command in client_commands:
            client = subprocess.Popen(command, **pipes)
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write(line)
            client.stdin.flush()
            while line not in server.stdout.readline():
                pass
            server.stdin.write(line)
            server.stdin.flush()
            while line not in client.stdout.readline():
                pass
            client.stdin.write(b"Q\n")
            client.stdin.close()
            client.stdout.read()
            client.wait()
            client.stdout.close()
    finally:
        server.kill()
        server.communicate()


# A client of Java's own TLS (JSSE), which is no part of the lab: it asks a web server for a page.
JAVA = """
import javax.net.ssl.*;

class Ask {
    public static void main(String[] said) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new X509ExtendedTrustManager() {
            public void checkClientTrusted(java.security.cert.X509Certificate[] c, String a) {}
            public void checkServerTrusted(java.security.cert.X509Certificate[] c, String a) {}
            public void checkClientTrusted(java.security.cert.X509Certificate[] c, String a, java.net.Socket s) {}
            public void checkServerTrusted(java.security.cert.X509Certificate[] c, String a, java.net.Socket s) {}
            public void checkClientTrusted(java.security.cert.X509Certificate[] c, String a, SSLEngine e) {}
            public void checkServerTrusted(java.security.cert.X509Certificate[] c, String a, SSLEngine e) {}
            public java.security.cert.X509Certificate[] getAcceptedIssuers() {
                return new java.security.cert.X509Certificate[0];
            }
        }}, null);
        int port = Integer.parseInt(said[0]);
        try (SSLSocket s = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port)) {
            s.setEnabledProtocols(new String[] {said[1]});
            s.getOutputStream().write("GET / HTTP/1.0\\r\\n\\r\\n".getBytes());
            s.getInputStream().readAllBytes();
        }
    }
}
"""


def gnutls(versions: str) -> Callable[[int, Path], list[str]]:
    """A client that speaks TLS by GnuTLS: wget, as Debian builds it."""
    priority = f"NORMAL:-VERS-ALL:{versions}"
    return lambda port, _: [
        *("wget", "-q", "-t", "1", "-O", "/dev/null", "--no-check-certificate", f"--ciphers={priority}"),
        f"https://localhost:{port}/",
    ]


def jsse(version: str) -> Callable[[int, Path], list[str]]:
    """A client that speaks TLS by JSSE, and old TLS too."""

    def command(port: int, folder: Path) -> list[str]:
        source, settings = folder / "Ask.java", folder / "java.security"
        source.write_text(JAVA)
        settings.write_text("jdk.tls.disabledAlgorithms=\n")
        return ["java", f"-Djava.security.properties={settings}", str(source), str(port), version]

    return command


def record_foreign(name: str, client: Callable[[int, Path], list[str]], *options: str) -> None:
    """Record a client of another library at `openssl s_server -www`, with a chain of certificates in small records."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        pem = certificate(Path(folder))
        chain = certificate(Path(other))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = subprocess.Popen(
            [
                *("openssl", "s_server", "-www", "-accept", f"127.0.0.1:{port}", "-cert", str(pem)),
                *("-cert_chain", str(chain), "-max_send_frag", "512", *options),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            assert server.stdout is not None
            while b"ACCEPT" not in server.stdout.readline():
                pass
            with dumpcap(FOLDER / f"{name}.pcapng", port):
                # one that is refused says so, and fails
                subprocess.run(client(port, Path(folder)), stderr=subprocess.DEVNULL, check=False, timeout=60)
        finally:
            server.kill()
            server.communicate()


def record_starttls(name: str) -> None:
    """Record `openssl s_client -starttls smtp`: words in the clear before TLS."""
    with tempfile.TemporaryDirectory() as folder:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate(Path(folder)))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            with dumpcap(FOLDER / f"{name}.pcapng", port):
                client = subprocess.Popen(
                    ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-starttls", "smtp", "-quiet"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
                raw, _ = listener.accept()
                raw.sendall(b"220 localhost\r\n")
                for answer in (b"250-localhost\r\n250 STARTTLS\r\n", b"220 go ahead\r\n"):
                    raw.recv(4096)
                    raw.sendall(answer)
                with context.wrap_socket(raw, server_side=True) as server:
                    assert client.stdin is not None
                    client.stdin.write(b"MAIL FROM:<anna@localhost>\n")
                    client.stdin.flush()
                    server.recv(4096)
                    server.sendall(b"250 ok\r\n")
                client.communicate()


def record_clear_after(name: str) -> None:
    """Record TLS 1.2 that both sides end with close_notify before they go on in the clear (as FTP does, RFC 4217)."""
    with tempfile.TemporaryDirectory() as folder:
        pem = certificate(Path(folder))
        contexts = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        contexts[0].load_cert_chain(pem)
        contexts[1].load_verify_locations(pem)
        for context in contexts:
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            with dumpcap(FOLDER / f"{name}.pcapng", port):

                def serve() -> None:
                    with contexts[0].wrap_socket(listener.accept()[0], server_side=True) as server:
                        server.sendall(server.recv(4096).upper())
                        with server.unwrap() as plain:
                            plain.sendall(plain.recv(4096).upper())

                thread = threading.Thread(target=serve)
                thread.start()
                raw = socket.create_connection(("127.0.0.1", port))
                with contexts[1].wrap_socket(raw, server_hostname="localhost") as client:
                    client.sendall(b"this is a secret\n")
                    client.recv(4096)
                    with client.unwrap() as plain:
                        plain.sendall(b"this is none\n")
                        plain.recv(4096)
                thread.join()


TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
ALL = ("-cipher", "ALL:@SECLEVEL=0")
RECORDED: dict[str, Callable[[], None]] = {
    "plain": lambda: record_plain("plain", socket.AF_INET, "127.0.0.1"),
    "ipv6": lambda: record_plain("ipv6", socket.AF_INET6, "::1"),
    "tls12": lambda: record_tls("tls12", TLS12, "ECDHE-RSA-AES128-GCM-SHA256"),
    "tls12-aes256": lambda: record_tls("tls12-aes256", TLS12, "ECDHE-RSA-AES256-GCM-SHA384"),
    "tls12-chacha": lambda: record_tls("tls12-chacha", TLS12, "ECDHE-RSA-CHACHA20-POLY1305"),
    "tls12-rsa": lambda: record_tls("tls12-rsa", TLS12, "AES128-GCM-SHA256"),
    "tls12-cbc": lambda: record_tls("tls12-cbc", TLS12, "ECDHE-RSA-AES128-SHA"),
    "tls12-resumed": lambda: record_tls("tls12-resumed", TLS12, "ECDHE-RSA-AES128-GCM-SHA256", connections=2),
    "tls13": lambda: record_tls("tls13", TLS13, ""),
    "tls13-resumed": lambda: record_tls("tls13-resumed", TLS13, "", connections=2),
    "tls13-aes128": lambda: record_openssl("tls13-aes128", "-ciphersuites", "TLS_AES_128_GCM_SHA256"),
    "tls13-chacha": lambda: record_openssl("tls13-chacha", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"),
    "tls13-key-update": lambda: record_openssl("tls13-key-update", commands=(b"k\n", b"K\n")),
    "tls13-padded": lambda: record_openssl(
        "tls13-padded", "-record_padding", "64", server_options=("-record_padding", "100")
    ),
    "tls13-early": lambda: record_early("tls13-early"),
    "tls13-early-refused": lambda: record_early("tls13-early-refused", refused=True),
    "tls13-retry": lambda: record_openssl(
        "tls13-retry", "-groups", "X25519:P-256", server_options=("-groups", "P-256")
    ),
    "tls13-retry-cookie": lambda: record_openssl("tls13-retry-cookie", server_options=("-stateless",), refused=True),
    "tls13-groups": lambda: record_openssl(
        *("tls13-groups", "-groups", "X448:X25519:P-521:P-384:P-256:ffdhe2048:ffdhe3072", "-alpn", "h2,http/1.1"),
        server_options=("-alpn", "http/1.1"),
    ),
    "tls12-alpn": lambda: record_tls(
        "tls12-alpn", TLS12, "ECDHE-RSA-AES128-GCM-SHA256", alpn=(["h2", "http/1.1"], ["http/1.1"])
    ),
    "tls12-session-id": lambda: record_tls(
        "tls12-session-id", TLS12, "ECDHE-RSA-AES128-GCM-SHA256", connections=2, tickets=False
    ),
    "tls12-psk": lambda: record_openssl(
        *("tls12-psk", "-tls1_2", "-noservername", "-cipher", "PSK-AES128-GCM-SHA256", "-psk", "00" * 16),
        server_options=("-psk", "00" * 16),
    ),
    "renegotiated": lambda: record_openssl(
        *("renegotiated", "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"),
        commands=(b"R\n",),
        server_options=("-client_renegotiation",),
    ),
    "keys-rsa": lambda: record_session("keys-rsa"),
    "keys-no-ems": lambda: record_tls(
        "keys-no-ems", TLS12, "AES256-GCM-SHA384", extended_master_secret=False, keep_key=True
    ),
    "tls12-alert-ca": lambda: record_refused("tls12-alert-ca", TLS12, TLS12),
    "tls-alert-version": lambda: record_refused("tls-alert-version", TLS13, TLS12),
    "foreign-tls10": lambda: record_foreign("foreign-tls10", gnutls("+VERS-TLS1.0"), "-tls1", *ALL),
    "foreign-tls11": lambda: record_foreign("foreign-tls11", jsse("TLSv1.1"), "-tls1_1", *ALL),
    "foreign-tls12": lambda: record_foreign("foreign-tls12", gnutls("+VERS-TLS1.2"), "-tls1_2"),
    "foreign-tls13": lambda: record_foreign("foreign-tls13", jsse("TLSv1.3"), "-tls1_3"),
    "foreign-no-cipher": lambda: record_foreign(
        "foreign-no-cipher", gnutls("+VERS-TLS1.2"), "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"
    ),
    "foreign-old-version": lambda: record_foreign("foreign-old-version", jsse("TLSv1"), "-tls1_2"),
    "foreign-starttls": lambda: record_starttls("foreign-starttls"),
    "foreign-clear-after": lambda: record_clear_after("foreign-clear-after"),
}


def main(names: list[str]) -> None:
    for name in names or [*BUILT, *BLOCKS, *ZIPPED, *RECORDED]:
        if name in BUILT:
            (FOLDER / f"{name}.pcap").write_bytes(BUILT[name]())
        elif name in BLOCKS:
            (FOLDER / f"{name}.pcapng").write_bytes(BLOCKS[name]())
        elif name in ZIPPED:
            (FOLDER / f"{name}.gz").write_bytes(gzip.compress(ZIPPED[name](), mtime=0))
        else:
            RECORDED[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
