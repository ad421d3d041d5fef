"""Where a TCP payload starts in its frame, from Wireshark's field values. Shared by the readers that ask tshark."""

# tshark gives segments of which an odd byte of the fixed header is missing; no reader does (RFC 9293, section 3.1).
MIN_TCP_HEADER = 20

# Link layers by their name in `frame.protocols` and the bytes they take; VLAN tags stand between them and IP. Link
# layers that hold nothing but one version of IP have no name.
_LINK = {"eth": 14, "null": 4, "sll": 16, "raw": 0, "ip": 0, "ipv6": 0}
_SLL2 = 20
_TAGS = ("vlan", "ieee8021ad")
_FILLERS = ("ethertype",)


def link_length(protocols: str, sll_ifindex: bool = False, cvid: bool = False) -> int | None:
    """Return the bytes before the IP header of a frame, None where the frame is not plain TCP over IP.

    Args:
        protocols: the protocols of the frame down to TCP, as `frame.protocols` has them: "eth:ethertype:ip:tcp:data".
        sll_ifindex: whether the frame has `sll.ifindex`: version 2 of Linux cooked capture, of the same name.
        cvid: whether it has `ieee8021ad.cvid`: Wireshark took two service tags for one header. Its names do not tell
            how long such headers are, so that no frame with more than one service tag is plain.

    A frame that merely quotes a TCP header (ICMP errors do) or carries it in a tunnel is not plain TCP.
    """
    names = [name for name in protocols.split(":") if name not in _FILLERS]
    length = _LINK.get(names[0])
    if length is None or cvid or names.count("ieee8021ad") > 1:
        return None
    if sll_ifindex:
        length = _SLL2
    at = 0 if names[0].startswith("ip") else 1
    while at < len(names) and names[at] in _TAGS:
        length += 4
        at += 1
    if names[at : at + 2] == ["ip", "tcp"]:
        return length
    # extension headers of IPv6 show as protocols of their own ("ipv6.hopopts")
    if names[at : at + 1] == ["ipv6"]:
        rest = names[at + 1 :]
        while rest and rest[0].startswith("ipv6."):
            rest = rest[1:]
        if rest[:1] == ["tcp"]:
            return length
    return None


def ipv6_header_length(available: int, payload_length: int, tcp_length: int) -> int:
    """Return the bytes of an IPv6 header and its extension headers.

    Args:
        available: bytes of the frame on the wire, or captured if that is more, from the IPv6 header on; padding may be
            among them.
        payload_length: what follows the first 40 bytes, as the header says (`ipv6.plen`); 0 where it does not say, and
            not believed where it is more than there is, as in Wireshark.
        tcp_length: bytes of the TCP header and its payload.
    """
    total = min(available, 40 + payload_length) if payload_length else available
    return total - tcp_length
