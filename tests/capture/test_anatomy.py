import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture import anatomy
from capture.anatomy_tree import Tree
from capture.dissection import Node
from capture.hello import ServerHello, parse_server_hello
from tests.capture.dissectors import made

ANSWER = parse_server_hello(b"\3\3" + bytes(33) + b"\xc0\x2f\0")


def tree_of(message: bytes, start: int = 0, answer: ServerHello | None = ANSWER) -> list[Node]:
    tree = Tree()
    anatomy.handshake(tree, message, start, answer, tls13=False)
    return tree.nodes


def bare(nodes: list[Node], start: int, end: int) -> set[int]:
    """The bytes between that no leaf stands on."""
    left = set(range(start, end))
    for node, following in zip(nodes, [*nodes[1:], None], strict=True):
        assert start <= node.start < node.start + node.size <= end
        if following is None or following.depth <= node.depth:
            left -= set(range(node.start, node.start + node.size))
    return left


def outline(nodes: list[Node]) -> list[str]:
    return ["  " * node.depth + node.label for node in nodes]


def test_a_hello_in_its_groups() -> None:
    share = made.extension(51, made.vector(2, b"\0\x1d", made.vector(2, b"key")))
    hello = made.hellos(0x1301, extensions=[share, made.extension(16, made.vector(2, made.vector(1, b"h2")))])[0][1][5:]
    nodes = tree_of(hello, 71)
    assert bare(nodes, 71, 71 + len(hello)) == set()
    assert outline(nodes)[:3] == [
        "Handshake Protocol: Client Hello",
        "  Handshake Type: Client Hello (1)",
        "  Length: 65",
    ]
    assert outline(nodes)[-22:] == [
        "  Cipher Suites (1 suite)",
        "    Cipher Suite: TLS_AES_128_GCM_SHA256 (0x1301)",
        "  Compression Methods Length: 1",
        "  Compression Methods (1 method)",
        "    Compression Method: null (0)",
        "  Extensions Length: 22",
        "  Extension: key_share (len=9)",
        "    Type: key_share (51)",
        "    Length: 9",
        "    Key Share extension",
        "      Client Key Share Length: 7",
        "      Key Share Entry: Group: x25519, Key Exchange length: 3",
        "        Group: x25519 (29)",
        "        Key Exchange Length: 3",
        "        Key Exchange: 6b6579",
        "  Extension: application_layer_protocol_negotiation (len=5)",
        "    Type: application_layer_protocol_negotiation (16)",
        "    Length: 5",
        "    ALPN Extension Length: 3",
        "    ALPN Protocol",
        "      ALPN string length: 2",
        "      ALPN Next Protocol: h2",
    ]


def test_a_random_has_a_time_before_tls_13() -> None:
    hello = made.hellos(0x1301)[0][1][5:]
    for tls13, parts in ((False, 2), (True, 0)):
        tree = Tree()
        anatomy.handshake(tree, hello, 0, None, tls13=tls13)
        assert len([node for node in tree.nodes if node.name.startswith("tls.handshake.random_")]) == parts


def test_a_message_that_breaks_a_rule_says_so() -> None:
    message = made.message(11, b"\0\0\x09\0\0\x02\x30")  # of nine bytes of certificates four are there
    nodes = tree_of(message)
    said = (
        "Handshake Protocol: Certificate (malformed: 9 bytes were announced and 4 are left (at byte 7, counted from 0))"
    )
    assert nodes[0].label == said
    assert outline(nodes)[-2:] == ["  Certificates (9 bytes)", "    Not taken apart: 4 bytes"]
    assert bare(nodes, 0, len(message)) == set()


@pytest.mark.parametrize("kind", [0, 1, 2, 4, 5, 8, 11, 12, 13, 14, 15, 16, 20, 22, 24, 25, 99, 254])
@given(body=st.binary(max_size=60), suite=st.sampled_from([0x1301, 0xC02F, 0x009E, 0x00A8, 0x009C, 0xFEFE]))
def test_every_byte_of_any_message(kind: int, body: bytes, suite: int) -> None:
    chosen = bytes.fromhex("0006 002b 0002 0304") if suite == 0x1301 else b""
    answer = parse_server_hello(b"\3\3" + bytes(33) + suite.to_bytes(2, "big") + b"\0" + chosen)
    message = made.message(kind, body)
    assert bare(tree_of(message, 7, answer), 7, 7 + len(message)) == set()


@given(st.data())
def test_every_byte_of_a_changed_hello(data: st.DataObject) -> None:
    body = bytearray(made.hellos(0x009E, extensions=made.EXTENSIONS)[0][1][9:])
    for at in data.draw(st.lists(st.integers(34, len(body) - 1), min_size=1, max_size=4)):
        body[at] = data.draw(st.integers(0, 255))
    message = made.message(1, bytes(body))
    assert bare(tree_of(message), 0, len(message)) == set()


def test_alerts_and_heartbeats_that_break_a_rule() -> None:
    tree = Tree()
    anatomy.alert(tree, b"\2\x28\1", 5)
    assert outline(tree.nodes) == [
        "Alert Message",
        "  Level: Fatal (2)",
        "  Description: Handshake Failure (40)",
        "Malformed alert: 1 byte",
    ]
    tree = Tree()
    anatomy.heartbeat(tree, b"\1\xff\xff" + bytes(16), 5)  # more than there is: RFC 6520, section 4
    assert tree.nodes[0].label.startswith("Heartbeat Message (malformed: 65535 bytes were announced and 16 are left")
    assert bare(tree.nodes, 5, 24) == set()


def test_versions_as_wireshark_writes_them() -> None:
    said = [anatomy.version_name(version) for version in (0x0300, 0x0301, 0x0302, 0x0303, 0x0304, None)]
    assert said == ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "TLS"]


def test_it_takes_no_longer_than_there_are_bytes() -> None:
    """A hello of 8,000 extensions takes some ten times as long as one of 800, not a hundred times."""
    took = []
    for number in (800, 8000):
        block = made.vector(2, *(made.extension(kind) for kind in range(1000, 1000 + number)))
        hello = made.message(1, b"\3\3", bytes(33), made.vector(2, b"\x13\1"), b"\1\0", block)
        start = time.process_time()
        nodes = tree_of(hello)
        took.append(time.process_time() - start)
        assert len([node for node in nodes if node.name == "tls.handshake.extension.type"]) == number
    assert took[1] < 40 * took[0] + 0.1
