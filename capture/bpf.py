"""Capture filters as the kernel takes them: a program of classic BPF that admits the lab's ports and nothing else.

Pure. Knows the BPF machine (linux/filter.h, "Linux Socket Filtering" in the kernel's documentation) and the headers of
Ethernet, IPv4 and IPv6. For programs that capture by themselves, `expression` says the same in pcap-filter(7).
"""

import struct
from collections.abc import Sequence

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand: struct sock_filter

# linux/bpf_common.h: class | size | mode, or class | operation | source
_LOAD_HALF, _LOAD_BYTE = 0x28, 0x30  # from a fixed place
_LOAD_HALF_AT_X = 0x48  # from x + a fixed place
_X_IS_IP_HEADER = 0xB1  # x = 4 * (byte & 15): the length of an IPv4 header
_X_IS = 0x01
_IF_EQUAL, _IF_SET, _JUMP, _RETURN = 0x15, 0x45, 0x05, 0x06

_IP, _IPV6 = 0x0800, 0x86DD  # https://www.iana.org/assignments/ieee-802-numbers
_TCP, _UDP = 6, 17  # https://www.iana.org/assignments/protocol-numbers
_ETHERNET = 14  # bytes of its header
_WHOLE = 0x40000  # bytes kept of a packet: more than any has

NOTHING = struct.pack("HBBI", _RETURN, 0, 0, 0)  # the program that admits no packet


def expression(tcp_ports: Sequence[int], udp_port: int) -> str:
    """Return the filter in the words of pcap-filter(7).

    Args:
        tcp_ports: the ports whose traffic is wanted, whichever side has them.
        udp_port: the port of the capture's own probes.
    """
    return " or ".join([*(f"tcp port {port}" for port in tcp_ports), f"udp port {udp_port}"])


def program(tcp_ports: Sequence[int], udp_port: int) -> bytes:
    """Return the filter as an array of `struct sock_filter`, for Ethernet frames; arguments as in `expression`.

    Only first fragments can match, and IPv6 packets without extension headers, as with pcap's filters.
    """
    ports = _ports(tcp_ports, _TCP) + _ports([udp_port], _UDP)
    ipv4 = [
        (_LOAD_HALF, 0, 0, _ETHERNET + 6),
        (_IF_SET, 0, 1, 0x1FFF),  # a later fragment has no ports (RFC 791, section 3.1)
        (_RETURN, 0, 0, 0),
        (_X_IS_IP_HEADER, 0, 0, _ETHERNET),
        (_LOAD_BYTE, 0, 0, _ETHERNET + 9),
    ]
    ipv6 = [(_X_IS, 0, 0, 40), (_LOAD_BYTE, 0, 0, _ETHERNET + 6)]
    instructions: list[Instruction] = [
        (_LOAD_HALF, 0, 0, 12),
        (_IF_EQUAL, 0, 1, _IP),
        (_JUMP, 0, 0, len(ipv6) + 3),
        (_IF_EQUAL, 1, 0, _IPV6),
        (_RETURN, 0, 0, 0),
        *ipv6,
        (_JUMP, 0, 0, len(ipv4)),
        *ipv4,
        *ports,
        (_RETURN, 0, 0, 0),
    ]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)


def _ports(ports: Sequence[int], protocol: int) -> list[Instruction]:
    """Return what admits `ports` of a protocol; A holds the packet's protocol before and after where it is another.

    Every test jumps one instruction at most: jumps reach no further than 255.
    """
    found: list[Instruction] = []
    for place in (_ETHERNET, _ETHERNET + 2):  # source, destination
        found.append((_LOAD_HALF_AT_X, 0, 0, place))
        for port in ports:
            found += [(_IF_EQUAL, 0, 1, port), (_RETURN, 0, 0, _WHOLE)]
    found.append((_RETURN, 0, 0, 0))
    return [(_IF_EQUAL, 1, 0, protocol), (_JUMP, 0, 0, len(found)), *found]
