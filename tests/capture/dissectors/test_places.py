"""What the shipped captures do not have is tested here; for the rest see test_init.py."""

from capture.dissection import Source
from capture.dissectors.places import Field, place

FRAME = Source("frame", bytes(12) + b"\x17\x03\x03\0\4" + b"SEAL" + b"\x17\x03\x03\0\4" + b"seal")


def node(name: str, position: int, size: int, value: bytes | None = None, *fields: Field) -> Field:
    return Field(name, name, "", position, size, value, False, list(fields))


def places(*tree: Field) -> list[tuple[int, int]]:
    return [(one.source, one.start) for one in tree]


def test_the_same_again_is_the_first_then_the_second_then_the_third() -> None:
    same = Source("decrypted", b"\0\0\0\0")
    layers = [node("tls", 12, 18), *(node("data", 0, 4, bytes(4)) for _ in range(3))]
    place(layers, [FRAME, same, same, same])
    assert places(*layers) == [(0, 12), (1, 0), (2, 0), (3, 0)]


def test_zeros_are_also_in_the_frame() -> None:
    """A HelloRequest, type and length zero, within a record; and addresses that are zero, as on the loopback."""
    kind, length = node("type", 0, 1, b"\0"), node("length", 1, 3, b"\0\0\0")
    message = node("message", 12, 4, None, kind, length)
    header = node("content", 12, 1, b"\x17")
    place(
        [node("tls", 12, 9, None, node("record", 12, 9, None, header, message))], [FRAME, Source("decrypted", bytes(4))]
    )
    assert places(header, message, kind, length) == [(0, 12), (1, 0), (1, 0), (1, 1)]


def test_without_a_value_and_without_fields() -> None:
    """An encrypted ChangeCipherSpec: it is no header of the record, so it is not where the header is."""
    header, message = node("content", 12, 1, b"\x17"), node("message", 12, 1)
    place([node("tls", 12, 9, None, node("record", 12, 9, None, header, message))], [FRAME, Source("decrypted", b"\1")])
    assert places(header, message) == [(0, 12), (1, 0)]


def test_nowhere() -> None:
    """What fits nowhere stays where PDML has it."""
    lost = node("lost", 100, 4, b"gone")
    place([lost], [FRAME])
    assert places(lost) == [(0, 100)]
