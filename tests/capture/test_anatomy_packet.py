import struct
from pathlib import Path

import pytest

from capture import anatomy_packet
from capture.anatomy_tree import Tree
from capture.frames import ETHERNET
from capture.packets import packets

DATA = Path(__file__).parent.parent / "data"
NAMES = [
    "vlan.pcap",
    "double-tagged.pcap",
    "linux-cooked.pcap",
    "linux-cooked-2.pcap",
    "bsd-loopback.pcap",
    "raw-ip.pcap",
]
NAMES += [
    "ipv6.pcapng",
    "stacked-extensions.pcap",
    "options.pcap",
    "several-link-layers.pcapng",
    "broken-headers-6.pcap",
]

IP4 = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 7, 0x4000, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
UDP = struct.pack("!HHHH", 1, 2, 8, 0)
FRAME = bytes(12) + b"\x08\0" + IP4 + UDP


@pytest.mark.parametrize("name", NAMES)
def test_every_part_of_a_frame(name: str) -> None:
    """Wherever it is cut off: fields stand where there are bytes, and up to where what is above begins."""
    for packet in packets(DATA / name):
        for size in range(len(packet.data)):
            data = packet.data[:size]
            tree = Tree()
            above = anatomy_packet.frame(tree, packet.linktype, data)
            assert 0 <= above.start <= above.end <= size
            left = set(range(above.start)) | set(range(above.end, size))
            for node in tree.nodes:
                assert 0 <= node.start < node.start + node.size <= size
                left -= set(range(node.start, node.start + node.size))
            assert not left


def test_what_is_above() -> None:
    assert anatomy_packet.frame(Tree(), ETHERNET, FRAME) == anatomy_packet.Above(17, 34, 42)
    fragment = FRAME[:20] + b"\x20\0" + FRAME[22:]
    assert anatomy_packet.frame(Tree(), ETHERNET, fragment) == anatomy_packet.Above(None, 34, 42)
    unknown = FRAME[:12] + b"\x08\6" + FRAME[14:]
    assert anatomy_packet.frame(Tree(), ETHERNET, unknown) == anatomy_packet.Above(None, 14, 42)
    assert anatomy_packet.frame(Tree(), 147, FRAME) == anatomy_packet.Above(None, 0, 42)


def test_a_trailer_belongs_to_the_link_layer() -> None:
    tree = Tree()
    assert anatomy_packet.frame(tree, ETHERNET, FRAME + b"\xee\xee").end == 42
    names = [node.name for node in tree.nodes if node.depth < 2]
    assert names.index("eth.type") + 1 == names.index("eth.trailer") == names.index("ip") - 1


def test_udp() -> None:
    tree = Tree()
    assert anatomy_packet.udp(tree, FRAME + b"words", 34, 47) == 42
    assert [(node.name, node.number, node.start, node.size) for node in tree.nodes[1:]] == [
        ("udp.srcport", 1, 34, 2),
        ("udp.dstport", 2, 36, 2),
        ("udp.length", 8, 38, 2),
        ("udp.checksum", 0, 40, 2),
        ("udp.payload", None, 42, 5),
    ]
