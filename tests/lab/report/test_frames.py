import base64
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from capture.dissection import Dissection, Node, Source
from capture.explanations import explain
from lab.pipeline import Outcome
from lab.report.frames import PER_CHUNK, frames
from lab.report.wire import read_wire
from tests.lab.report.conftest import Captured, WireOf


def opened(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Unpack all chunks as a browser does."""
    unpacked = [json.loads(zlib.decompress(base64.b64decode(chunk), wbits=-15)) for chunk in value["chunks"]]
    assert [len(chunk["frames"]) for chunk in unpacked[:-1]] == [PER_CHUNK] * (len(unpacked) - 1)
    for chunk in unpacked:
        texts = [json.dumps(text) for text in chunk["texts"]]
        assert len(texts) == len(set(texts)), "each text stands once in a chunk"
        for one in chunk["frames"]:
            for node in one["nodes"]:
                name, label, *here = chunk["texts"][node.pop(0)]
                node[:] = [name, label, *node, *here]
    return [one for chunk in unpacked for one in chunk["frames"]]


def test_every_frame_with_its_bytes_and_fields(
    both: Outcome, data: dict[str, Any], frames_of: Callable[[Path], list[bytes]]
) -> None:
    wire = frames_of(both.folder.capture)
    index, found = data["frames"]["index"], opened(data["frames"])
    assert data["frames"]["count"] == len(found) == len(wire)
    assert [one["frame"] for one in found] == index["frame"] == list(range(1, len(wire) + 1))
    assert {len(column) for column in index.values()} == {len(wire)}
    for one, size, frame in zip(found, index["size"], wire, strict=True):
        assert one["sources"][0] == {"kind": "frame", "hex": frame.hex()}
        assert size == len(frame)
        for _, label, source, start, long, depth, *here in one["nodes"]:
            assert 0 <= start < start + long <= len(one["sources"][source]["hex"]) // 2
            assert depth >= 0
            assert label
            assert len(here) == 2
    sealed = [one for one in found if any(source["kind"] == "decrypted" for source in one["sources"])]
    assert b"36-24-36".hex() in json.dumps(sealed)


def test_fields_are_explained_in_both_languages(data: dict[str, Any]) -> None:
    used = {node[0] for one in opened(data["frames"]) for node in one["nodes"]}
    fields = data["fields"]
    assert {key for key in fields if not key.startswith("*")} <= used
    # lines without a name are found by the beginning of their label
    assert {"tls.record.length", "tcp.srcport", "ip.src", "*Extension", "*Key Share Entry"} <= fields.keys()
    for one in fields.values():
        assert one["en"] != one["es"]
        assert one["where"].keys() == {"en", "es"}


def test_labels_are_visible_and_cut(captured: Captured) -> None:
    wire = read_wire(captured(), None)
    nodes = (
        Node("eth", "Ethernet II", None, 0, 0, 14, 0),
        Node("", "a \x1b[31m \u202e </script> \ud800 \0", 7, 0, 0, 6, 1),
        Node("tls.handshake.certificate", "30" * 5000, None, 0, 6, 6, 1),
    )
    dissections = [Dissection(number, (Source("frame", bytes(14)),), nodes) for number in (1, 2)]
    packed = frames(wire, dissections)
    for one in opened(packed.value):
        _, name, certificate = one["nodes"]
        assert name[1] == "a \\x1b[31m \\u202e </script> \\ud800 \\x00"
        assert len(certificate[1]) == 401
    assert packed.value["index"]["info"] == ["SYN", "SYN, ACK"]


def test_what_is_no_tcp_is_called_by_its_protocol(captured: Captured) -> None:
    wire = read_wire(captured(), None)
    arp = Node("arp", "Address Resolution Protocol", None, 0, 0, 14, 0)
    dissections = [Dissection(number, (Source("frame", bytes(14)),), (arp,)) for number in (0, 1, 2, 3)]
    # the first and the last are none that the capture has, and so have no place
    packed = frames(wire, dissections)
    assert packed.value["count"] == 2
    assert packed.value["index"]["conn"] == [0, 0]
    assert [one["frame"] for one in opened(packed.value)] == packed.value["index"]["frame"] == [1, 2]


def test_an_explanation_is_kept_for_its_value_only(captured: Captured) -> None:
    wire = read_wire(captured(), None)
    # the same label on other bytes, and other numbers on the same bytes
    nodes = [Node("tls.record.length", "Length", number, 0, 0, 2, 0) for number in (38, 39)]
    (one, *_) = opened(frames(wire, [Dissection(1, (Source("frame", b"\0\x26"),), tuple(nodes))]).value)
    for node, row in zip(nodes, one["nodes"], strict=True):
        told = [explain(node, b"\0\x26", language) for language in ("en", "es")]
        assert row[6:] == [explanation.here if explanation else "" for explanation in told]
    assert one["nodes"][0][6] != one["nodes"][1][6]


def test_who_can_read_a_record_that_ends_in_a_later_frame(wire_of: WireOf) -> None:
    """Wireshark shows the fields of all of it in the later one."""
    wire = wire_of("keys-rsa", keys=False)
    bare = [Dissection(frame.number, (Source("frame", frame.data),), ()) for frame in wire.frames]
    split = {one["frame"]: one["split"] for one in opened(frames(wire, bare).value) if one["split"]}
    (begin, ((first, last, header), (body, *_))), (end, _) = split.items()
    assert (begin, header, last - first + 1, body) == (65, "frame", 5, last + 1)
    said = int.from_bytes(wire.frame(begin).data[last - 1 : last + 1], "big")
    sealed = [one for frame in (begin, end) for one in split[frame] if one[2] == "sealed"]
    assert [len(wire.frame(frame).data) - 1 for frame in (begin, end)] == [one[1] for one in sealed]
    assert sum(last - first + 1 for first, last, _ in sealed) == said
