from dataclasses import replace

import pytest

from capture.anatomy_records import data, frame_units
from capture.anatomy_streams import Unit
from capture.anatomy_tree import Tree
from capture.dissection import Node, Source
from capture.protection import Protection
from capture.segment import Endpoint
from capture.streams import ByteStream, Piece
from capture.tls import Record

CONTENTS = {20: "Change Cipher Spec Message", 21: "Alert", 22: "Handshake Message", 23: "Application Data"}


def unit(kind: int, fragment: bytes, state: Protection, offset: int = 54) -> Unit:
    raw = bytes([kind]) + b"\3\3" + len(fragment).to_bytes(2, "big") + fragment
    piece = Piece(0, len(raw), 1, offset, 0)
    ends = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 443)
    stream = ByteStream(0, *ends, True, raw, (piece,), ())
    return Unit(1, (piece,), raw, Record(stream, 0, kind, 0x0303, 0, fragment), state, version=0x0303)


def shown(*ended: Unit) -> tuple[list[Node], list[Source]]:
    tree, sources = Tree(), [Source("frame", bytes(500))]
    frame_units(tree, sources, ended)
    return tree.nodes, sources


@pytest.mark.parametrize("kind", [20, 21, 22, 23, 24])
@pytest.mark.parametrize("state", ["encrypted", "unknown"])
def test_a_closed_record_is_only_called_encrypted_where_it_is(kind: int, state: Protection) -> None:
    nodes, _ = shown(unit(kind, bytes(40), state))
    last = nodes[-1]
    assert (last.start, last.size) == (59, 40)
    assert CONTENTS.get(kind, "Heartbeat") in last.label
    if kind != 20:
        assert ("Encrypted" in last.label) == (state == "encrypted")
    elif state == "unknown":
        assert "Encrypted" not in nodes[1].label


@pytest.mark.parametrize("state", ["clear", "encrypted", "unknown"])
@pytest.mark.parametrize("kind", [20, 21, 22, 23, 24])
def test_an_empty_record_is_its_header(kind: int, state: Protection) -> None:
    nodes, _ = shown(unit(kind, b"", state))
    assert [(node.start, node.size) for node in nodes] == [(54, 5), (54, 5), (54, 1), (55, 2), (57, 2)]


def test_records_side_by_side_and_words_behind_them() -> None:
    one, two = unit(20, b"\1", "clear"), unit(21, b"\1\0", "clear", 60)
    words = Unit(1, (Piece(0, 5, 1, 67, 0),), b"words")
    nodes, sources = shown(one, two, words)
    top = [(node.name, node.start, node.size) for node in nodes if node.depth < 2]
    assert top == [
        ("tls", 54, 13),
        ("tls.record", 54, 6),
        ("tls.record", 60, 7),
        ("data", 67, 5),
        ("data.data", 67, 5),
    ]
    assert len(sources) == 1


def test_a_record_in_two_places_has_a_source_of_its_own() -> None:
    whole = unit(21, b"\1\0", "clear")
    pieces = (Piece(0, 3, 1, 54, 0), Piece(3, 4, 2, 54, 0))
    nodes, sources = shown(replace(whole, frame=2, pieces=pieces), unit(20, b"\1", "clear"))
    assert sources[1:] == [Source("reassembled", whole.data)]
    assert [(node.source, node.start) for node in nodes if node.name == "tls"] == [(1, 0), (0, 54)]


def test_bytes_of_no_protocol() -> None:
    tree = Tree()
    data(tree, b"<b>hello</b>\x1b", 7)
    assert [(node.name, node.label, node.start, node.size) for node in tree.nodes] == [
        ("data", "Data (13 bytes)", 7, 13),
        ("data.data", "Data: 3c623e68656c6c6f3c2f623e1b", 7, 13),
    ]
    data(tree, b"", 7)
    assert len(tree.nodes) == 2
