"""Every byte of a frame below its payload as fields: link layer, VLAN tags, IPv4, IPv6, UDP.

Pure. Knows where these headers have their fields (RFC 791; RFC 8200; RFC 768; IEEE 802.3 and 802.1Q;
https://www.tcpdump.org/linktypes.html) and what Wireshark calls them. An extension header of IPv6 is one field, and so
are the options of IPv4. Knows no TCP (`capture.anatomy_tcp`). A header that is cut off or breaks a rule, and what
follows it, is left to the caller.
"""

import ipaddress
from dataclasses import dataclass

from capture.anatomy_tree import Tree, bits, digits, masked, plural
from capture.frames import ETHERNET, LINKTYPES, LINUX_SLL, LINUX_SLL2, LOOP, NULL

TCP, UDP = 6, 17

_IPV4, _IPV6, _VLAN, _SERVICE_VLAN = 0x0800, 0x86DD, 0x8100, 0x88A8
_TYPES = {
    _IPV4: "IPv4",
    _IPV6: "IPv6",
    0x0806: "ARP",
    _VLAN: "802.1Q Virtual LAN",
    _SERVICE_VLAN: "802.1ad Provider Bridge (Q-in-Q)",
    0x9100: "QinQ: old non-standard 802.1ad",
}
_PROTOCOLS = {0: "IPv6 Hop-by-Hop Option", 1: "ICMP", 4: "IPIP", TCP: "TCP", UDP: "UDP", 41: "IPv6"} | {
    43: "Routing Header for IPv6",
    44: "Fragment Header for IPv6",
    58: "ICMPv6",
    60: "Destination Options for IPv6",
}
_EXTENSIONS = {0: "ipv6.hopopts", 43: "ipv6.routing", 44: "ipv6.fraghdr", 60: "ipv6.dstopts"}
_FAMILIES = {2: _IPV4, 24: _IPV6, 28: _IPV6, 30: _IPV6}  # the address families of BSD's loopback
_PACKET_TYPES = {0: "Unicast to us", 1: "Broadcast", 2: "Multicast", 3: "Unicast to another host", 4: "Sent by us"}
_CODEPOINTS = {0: "Default", 46: "Expedited Forwarding"}
_SHORT_CODEPOINTS = {0: "CS0", 46: "EF PHB"}
_SHORT_CONGESTION = ("Not-ECT", "ECT(1)", "ECT(0)", "CE")
_CONGESTION = {
    0: "Not ECN-Capable Transport",
    1: "ECN-Capable Transport codepoint '01'",
    2: "ECN-Capable Transport codepoint '10'",
    3: "Congestion Experienced",
}


@dataclass(frozen=True, slots=True)
class Above:
    """What stands above the headers that were taken apart.

    Attributes:
        protocol: its number (`ip.proto`); None for what is not above IP, or a fragment, or what nobody here knows.
        start: offset in the frame.
        end: offset of the first byte after it.
    """

    protocol: int | None
    start: int
    end: int


def frame(tree: Tree, linktype: int, data: bytes) -> Above:
    """Add the fields of a frame's headers up to IP to `tree`; return what is above them."""
    kind, at = _link(tree, linktype, data)
    link = len(tree.nodes)
    if kind == _IPV4 and len(data) - at >= 20 and data[at] >> 4 == 4 and data[at] & 15 >= 5:
        above = _ip4(tree, data, at)
    elif kind == _IPV6 and len(data) - at >= 40 and data[at] >> 4 == 6:
        above = _ip6(tree, data, at)
    else:
        return Above(None, at, len(data))
    if above.end < len(data):
        _trailer(tree, linktype, data, above.end, link)
    return above


def _trailer(tree: Tree, linktype: int, data: bytes, end: int, link: int) -> None:
    """Add what stands after the IP packet: it belongs to the link layer, whose nodes end at index `link`."""
    name = "eth.trailer" if linktype == ETHERNET else ""
    tree.add(name, f"Trailer: {digits(data[end:])}", end, len(data) - end, below=1 if link else 0)
    tree.nodes.insert(link, tree.nodes.pop())


def _link(tree: Tree, linktype: int, data: bytes) -> tuple[int | None, int]:
    """Return the EtherType of what is above the link layer, None where that is not known, and where it begins."""
    if linktype == ETHERNET and len(data) >= 14:
        return _ethernet(tree, data)
    if linktype == LINUX_SLL and len(data) >= 16:
        return _cooked(tree, data)
    if linktype == LINUX_SLL2 and len(data) >= 20:
        return _cooked2(tree, data)
    if linktype in (NULL, LOOP) and len(data) >= 4:
        family = min(int.from_bytes(data[:4], "big"), int.from_bytes(data[:4], "little"))
        kind = _FAMILIES.get(family)
        tree.add("null", "Null/Loopback", 0, 4)
        tree.add("null.family", f"Family: {_TYPES.get(kind or 0, 'unknown')} ({family})", 0, 4, family, below=1)
        return kind, 4
    if linktype in LINKTYPES and linktype not in (ETHERNET, LINUX_SLL, LINUX_SLL2, NULL, LOOP) and data:
        return {4: _IPV4, 6: _IPV6}.get(data[0] >> 4), 0
    return None, 0


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def _named(names: dict[int, str], number: int) -> str:
    return names.get(number, "Unknown")


def _mac(data: bytes) -> str:
    return data.hex(":")


def _type(tree: Tree, name: str, title: str, data: bytes, at: int) -> int:
    kind = _number(data, at, 2)
    tree.add(name, f"{title}: {_named(_TYPES, kind)} (0x{kind:04x})", at, 2, kind, below=1)
    return kind


def _ethernet(tree: Tree, data: bytes) -> tuple[int | None, int]:
    tree.add("eth", f"Ethernet II, Src: {_mac(data[6:12])}, Dst: {_mac(data[:6])}", 0, 14)
    for name, title, at in (("eth.dst", "Destination", 0), ("eth.src", "Source", 6)):
        address, head = _mac(data[at : at + 6]), _number(data, at, 3)
        tree.add(name, f"{title}: {address}", at, 6, below=1)
        tree.add("eth.addr", f"Address: {address}", at, 6, below=2)
        local, group = head >> 17 & 1, head >> 16 & 1
        says = (
            "Locally administered address (this is NOT the factory default)"
            if local
            else "Globally unique address (factory default)"
        )
        tree.add(f"{name}.lg", f"{bits(head, 1 << 17, 24)} = LG bit: {says}", at, 3, local, below=2)
        says = "Group address (multicast/broadcast)" if group else "Individual address (unicast)"
        tree.add(f"{name}.ig", f"{bits(head, 1 << 16, 24)} = IG bit: {says}", at, 3, group, below=2)
    return _tags(tree, data, _type(tree, "eth.type", "Type", data, 12), 14)


def _tags(tree: Tree, data: bytes, kind: int, at: int) -> tuple[int | None, int]:
    """Add VLAN tags (IEEE 802.1Q, 802.1ad); return as `_link`."""
    while kind in (_VLAN, _SERVICE_VLAN, 0x9100) and at + 4 <= len(data):
        tag, served = _number(data, at, 2), kind == _SERVICE_VLAN
        name, narrow = ("ieee8021ad", 1) if served else ("vlan", 2)
        title = "IEEE 802.1ad" if served else "802.1Q Virtual LAN"
        tree.add(name, f"{title}, PRI: {tag >> 13}, DEI: {tag >> 12 & 1}, ID: {tag & 0xFFF}", at, 4)
        for field, called, mask, size in (
            ("priority", "Priority", 0xE000, narrow),
            ("dei", "DEI", 0x1000, narrow),
            ("id", "ID", 0x0FFF, 2),
        ):
            value = masked(tag, mask)
            tree.add(f"{name}.{field}", f"{bits(tag, mask, 16)} = {called}: {value}", at, size, value, below=1)
        kind = _type(tree, "ieee8021ah.etype" if served else "vlan.etype", "Type", data, at + 2)
        at += 4
    return kind, at


def _cooked(tree: Tree, data: bytes) -> tuple[int | None, int]:
    kind, hardware, length = (_number(data, at, 2) for at in (0, 2, 4))
    tree.add("sll", "Linux cooked capture v1", 0, 16)
    tree.add("sll.pkttype", f"Packet type: {_named(_PACKET_TYPES, kind)} ({kind})", 0, 2, kind, below=1)
    tree.add("sll.hatype", f"Link-layer address type: {hardware}", 2, 2, hardware, below=1)
    tree.add("sll.halen", f"Link-layer address length: {length}", 4, 2, length, below=1)
    _cooked_address(tree, data, 6, length)
    return _tags(tree, data, _type(tree, "sll.etype", "Protocol", data, 14), 16)


def _cooked2(tree: Tree, data: bytes) -> tuple[int | None, int]:
    tree.add("sll", "Linux cooked capture v2", 0, 20)
    above = _type(tree, "sll.etype", "Protocol", data, 0)
    tree.rest("Reserved", 2, 4, below=1)
    index, hardware = _number(data, 4, 4), _number(data, 8, 2)
    tree.add("sll.ifindex", f"Interface index: {index}", 4, 4, index, below=1)
    tree.add("sll.hatype", f"Link-layer address type: {hardware}", 8, 2, hardware, below=1)
    tree.add("sll.pkttype", f"Packet type: {_named(_PACKET_TYPES, data[10])} ({data[10]})", 10, 1, data[10], below=1)
    tree.add("sll.halen", f"Link-layer address length: {data[11]}", 11, 1, data[11], below=1)
    _cooked_address(tree, data, 12, data[11])
    return _tags(tree, data, above, 20)


def _cooked_address(tree: Tree, data: bytes, at: int, length: int) -> None:
    """Add an address of `length` bytes in the eight bytes kept for it, and what of them is not used."""
    said = min(length, 8)
    name = "sll.src.eth" if said == 6 else "sll.src.other"
    tree.add(name, f"Source: {_mac(data[at : at + said])}", at, said, below=1)
    tree.add("sll.unused", f"Unused: {data[at + said : at + 8].hex()}", at + said, 8 - said, below=1)


def _traffic(tree: Tree, name: str, title: str, word: int, width: int, shift: int, at: int, size: int) -> None:
    """Add the byte of differentiated services (RFC 2474) and congestion notification (RFC 3168)."""
    value = word >> shift & 0xFF
    drawn = f"{bits(word, 0xFF << shift, width)} = " if width > 8 else ""
    codepoint, congestion = value >> 2, value & 3
    short = f"DSCP: {_SHORT_CODEPOINTS.get(codepoint, codepoint)}, ECN: {_SHORT_CONGESTION[congestion]}"
    tree.add(name, f"{drawn}{title}: 0x{value:02x} ({short})", at, size, value, below=1)
    said = f"Differentiated Services Codepoint: {_named(_CODEPOINTS, codepoint)} ({codepoint})"
    tree.add(f"{name}.dscp", f"{bits(word, 0xFC << shift, width)} = {said}", at, size, codepoint, below=2)
    said = f"Explicit Congestion Notification: {_CONGESTION[congestion]} ({congestion})"
    tree.add(f"{name}.ecn", f"{bits(word, 3 << shift, width)} = {said}", at, size, congestion, below=2)


def _ip4(tree: Tree, data: bytes, at: int) -> Above:
    header = min((data[at] & 15) * 4, len(data) - at)
    source, destination = (str(ipaddress.IPv4Address(data[at + n : at + n + 4])) for n in (12, 16))
    total, ident, fragment, checksum = (_number(data, at + n, 2) for n in (2, 4, 6, 10))
    tree.add("ip", f"Internet Protocol Version 4, Src: {source}, Dst: {destination}", at, header)
    tree.add("ip.version", f"{bits(data[at], 0xF0, 8)} = Version: 4", at, 1, 4, below=1)
    words = data[at] & 15
    said = f"{bits(data[at], 15, 8)} = Header Length: {words * 4} bytes ({words})"
    tree.add("ip.hdr_len", said, at, 1, words * 4, below=1)
    _traffic(tree, "ip.dsfield", "Differentiated Services Field", data[at + 1], 8, 0, at + 1, 1)
    tree.add("ip.len", f"Total Length: {total}", at + 2, 2, total, below=1)
    tree.add("ip.id", f"Identification: 0x{ident:04x} ({ident})", at + 4, 2, ident, below=1)
    flags = fragment >> 8
    said = {2: ", Don't fragment", 1: ", More fragments"}.get(flags >> 5, "")
    tree.add("ip.flags", f"{bits(flags, 0xE0, 8)} = Flags: 0x{flags >> 5:x}{said}", at + 6, 1, flags >> 5, below=1)
    for name, title, mask in (("rb", "Reserved bit", 128), ("df", "Don't fragment", 64), ("mf", "More fragments", 32)):
        is_set = masked(flags, mask)
        said = f"{bits(flags, mask, 8)} = {title}: {'Set' if is_set else 'Not set'}"
        tree.add(f"ip.flags.{name}", said, at + 6, 1, is_set, below=2)
    offset = fragment & 0x1FFF  # in units of eight bytes
    said = f"{bits(fragment, 0x1FFF, 16)} = Fragment Offset: {offset * 8}"
    tree.add("ip.frag_offset", said, at + 6, 2, offset, below=1)
    tree.add("ip.ttl", f"Time to Live: {data[at + 8]}", at + 8, 1, data[at + 8], below=1)
    protocol = data[at + 9]
    tree.add("ip.proto", f"Protocol: {_named(_PROTOCOLS, protocol)} ({protocol})", at + 9, 1, protocol, below=1)
    tree.add("ip.checksum", f"Header Checksum: 0x{checksum:04x}", at + 10, 2, checksum, below=1)
    tree.add("ip.src", f"Source Address: {source}", at + 12, 4, below=1)
    tree.add("ip.dst", f"Destination Address: {destination}", at + 16, 4, below=1)
    tree.rest("Options", at + 20, at + header, below=1)
    # 0 is a length that the network card was to fill in
    end = min(at + (total or len(data)), len(data))
    return Above(protocol if not fragment & 0x3FFF else None, at + header, max(end, at + header))


def _ip6(tree: Tree, data: bytes, at: int) -> Above:
    source, destination = (str(ipaddress.IPv6Address(data[at + n : at + n + 16])) for n in (8, 24))
    word, length, following = _number(data, at, 4), _number(data, at + 4, 2), data[at + 6]
    end = min(at + 40 + length, len(data))
    tree.add("ipv6", f"Internet Protocol Version 6, Src: {source}, Dst: {destination}", at, 40)
    tree.add("ipv6.version", f"{bits(data[at], 0xF0, 8)} = Version: 6", at, 1, 6, below=1)
    _traffic(tree, "ipv6.tclass", "Traffic Class", word, 32, 20, at, 4)
    flow = word & 0xFFFFF
    drawn = bits(word & 0xFFFFFF, 0xFFFFF, 24)
    tree.add("ipv6.flow", f"{drawn} = Flow Label: 0x{flow:05x}", at + 1, 3, flow, below=1)
    tree.add("ipv6.plen", f"Payload Length: {length}", at + 4, 2, length, below=1)
    tree.add("ipv6.nxt", f"Next Header: {_named(_PROTOCOLS, following)} ({following})", at + 6, 1, following, below=1)
    tree.add("ipv6.hlim", f"Hop Limit: {data[at + 7]}", at + 7, 1, data[at + 7], below=1)
    tree.add("ipv6.src", f"Source Address: {source}", at + 8, 16, below=1)
    tree.add("ipv6.dst", f"Destination Address: {destination}", at + 24, 16, below=1)
    start = at + 40
    protocol: int | None = following
    while protocol in _EXTENSIONS and start + 8 <= end:
        size = 8 if protocol == 44 else 8 + 8 * data[start + 1]
        if start + size > end:
            break
        tree.add(_EXTENSIONS[protocol], f"{_PROTOCOLS[protocol]} ({size} bytes)", start, size, below=1)
        fragmented = protocol == 44 and _number(data, start + 2, 2) & 0xFFF9
        protocol = None if fragmented else data[start]
        start += size
    return Above(protocol, start, max(end, start))


def udp(tree: Tree, data: bytes, start: int, end: int) -> int:
    """Add the header of UDP and its payload's extent; return where the payload begins (RFC 768)."""
    source, destination, length, checksum = (_number(data, start + n, 2) for n in (0, 2, 4, 6))
    tree.add("udp", f"User Datagram Protocol, Src Port: {source}, Dst Port: {destination}", start, 8)
    tree.add("udp.srcport", f"Source Port: {source}", start, 2, source, below=1)
    tree.add("udp.dstport", f"Destination Port: {destination}", start + 2, 2, destination, below=1)
    tree.add("udp.length", f"Length: {length}", start + 4, 2, length, below=1)
    tree.add("udp.checksum", f"Checksum: 0x{checksum:04x}", start + 6, 2, checksum, below=1)
    tree.add("udp.payload", f"UDP payload ({plural(end - start - 8, 'byte')})", start + 8, end - start - 8, below=1)
    return start + 8
