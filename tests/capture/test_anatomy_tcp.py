import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture import anatomy_tcp
from capture.anatomy_tree import Tree
from capture.dissection import Node


def header(options: bytes, *, words: int | None = None, flags: int = 0x18) -> bytes:
    words = 5 + len(options) // 4 if words is None else words
    return struct.pack("!HHIIBBHHH", 40000, 12345, 7, 9, words << 4, flags, 8192, 0xABCD, 0) + options


def read(data: bytes) -> tuple[list[Node], int]:
    tree = Tree()
    return tree.nodes, anatomy_tcp.header(tree, data, 0, len(data))


def below_options(options: str) -> list[str]:
    nodes, payload = read(header(bytes.fromhex(options)))
    assert payload == 20 + len(bytes.fromhex(options))
    return ["  " * (node.depth - 2) + node.label for node in nodes if node.start >= 20 and node.depth > 1]


def test_options() -> None:
    assert below_options("02 04 ffd7 03 03 0a 01") == [
        "TCP Option - Maximum segment size: 65495 bytes",
        "  Kind: Maximum Segment Size (2)",
        "  Length: 4",
        "  MSS Value: 65495",
        "TCP Option - Window scale: 10 (multiply by 1024)",
        "  Kind: Window Scale (3)",
        "  Length: 3",
        "  Shift count: 10",
        "TCP Option - No-Operation (NOP)",
        "  Kind: No-Operation (1)",
    ]
    assert below_options("05 0a 00000001 00000002 01 01")[3:5] == ["  left edge = 1", "  right edge = 2"]
    assert below_options("fe 06 01020304 00 00") == [
        "TCP Option - Unknown",
        "  Kind: Unknown (254)",
        "  Length: 6",
        "  Payload: 01020304",
        "TCP Option - End of Option List (EOL)",
        "  Kind: End of Option List (0)",
        "Padding: 1 byte",
    ]


@pytest.mark.parametrize("options", ["02 00 ffd7", "02 09 ffd7", "01 01 01 08", "08 01 0000"])
def test_an_option_whose_length_does_not_fit(options: str) -> None:
    assert below_options(options)[-1].startswith("Malformed option: ")


def test_an_option_of_another_length_than_its_kind_has() -> None:
    assert below_options("02 06 ffd7ffd7 01 01")[0] == "TCP Option - Maximum segment size"
    assert below_options("02 06 ffd7ffd7 01 01")[3] == "  Payload: ffd7ffd7"


def test_flags() -> None:
    nodes, _ = read(header(b"", flags=0x12))
    assert {node.name.removeprefix("tcp.flags."): node.number for node in nodes if node.depth == 2} == {
        **dict.fromkeys(("res", "ae", "cwr", "ece", "urg", "push", "reset", "fin"), 0),
        "ack": 1,
        "syn": 1,
    }
    assert "Flags: 0x012 (SYN, ACK)" in [node.label for node in nodes]


@given(st.binary(max_size=40), st.integers(0, 15))
def test_every_byte_of_any_header(rest: bytes, words: int) -> None:
    data = header(rest, words=words)
    nodes, payload = read(data)
    left = set(range(payload))
    assert 20 <= payload <= len(data)
    for node, following in zip(nodes, [*nodes[1:], None], strict=True):
        assert 0 <= node.start < node.start + node.size <= payload
        if following is None or following.depth <= node.depth:
            left -= set(range(node.start, node.start + node.size))
    assert not left
