import time
from dataclasses import replace
from pathlib import Path

import pytest

from capture.anatomy_streams import Part, Unit, units
from capture.keylog import KeyLog, parse_keylog, read_keylog
from capture.readers import read_segments
from capture.segment import Endpoint
from capture.streams import ByteStream, Piece, reassemble
from tests.capture.dissectors import made

DATA = Path(__file__).parent.parent / "data"
ENDS = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 443)


def stream(*parts: bytes, from_client: bool = True, frames: tuple[int, ...] = ()) -> ByteStream:
    """Parts, each in a frame of its own from byte 54 on."""
    pieces, at = [], 0
    for number, part in enumerate(parts):
        frame = frames[number] if frames else 2 * number + (1 if from_client else 2)
        pieces.append(Piece(at, len(part), frame, 54, 0))
        at += len(part)
    ends = ENDS if from_client else ENDS[::-1]
    return ByteStream(0, *ends, from_client, b"".join(parts), tuple(pieces), ())


def found(client: ByteStream, server: ByteStream | None = None, keys: KeyLog | None = None) -> list[Unit]:
    return list(units(client, server or stream(from_client=False), keys or {}, plain=False))


def of(name: str, keys: KeyLog) -> list[Unit]:
    client, server = reassemble(read_segments(DATA / f"{name}.pcapng", "native"))[:2]
    return found(client, server, keys)


HELLO = made.hellos(0x1301)[0][1]


def test_words_are_no_records() -> None:
    said = stream(b"alice\n", b"hello\n")
    assert [(unit.frame, unit.data, unit.record, unit.content) for unit in found(said)] == [
        (1, b"alice\n", None, b"alice\n"),
        (3, b"hello\n", None, b"hello\n"),
    ]
    hello = stream(HELLO)
    (unit,) = units(hello, stream(from_client=False), {}, plain=True)
    assert (unit.record, unit.data, unit.content_type) == (None, HELLO, -1)


def test_what_stands_before_tls_and_after_its_last_record() -> None:
    said = stream(b"STARTTLS\n", HELLO, b"\x16\3\3\0\x09torn")
    assert [(unit.frame, unit.record is None) for unit in found(said)] == [(1, True), (3, False), (5, True)]


def test_a_record_counts_where_it_ends() -> None:
    """Or later, where something before it came later."""
    (unit,) = found(stream(HELLO[:7], HELLO[7:50], HELLO[50:]))
    assert (unit.frame, unit.spans, unit.parts[0].which) == (5, True, "whole")
    late = found(stream(HELLO, made.record(b"\1\0", kind=21), frames=(9, 7)))
    assert [(unit.frame, unit.spans) for unit in late] == [(9, False), (9, True)]


def test_messages_in_parts() -> None:
    message = HELLO[5:]
    other = made.message(0)
    records = made.record(message[:3]), made.record(message[3:9]), made.record(message[9:] + other + other[:2])
    parts = [unit.parts for unit in found(stream(*records))]
    assert parts == [
        (Part(0, 3, "fragment", message[:3]),),
        (Part(0, 6, "fragment", message[:4]),),
        (
            Part(0, len(message) - 9, "last fragment", message),
            Part(len(message) - 9, 4, "whole", other),
            Part(len(message) - 5, 2, "fragment", other[:2]),
        ),
    ]


def test_a_record_of_another_type_breaks_a_message_off() -> None:
    message = HELLO[5:]
    records = made.record(message[:9]), made.record(b"\1\0", kind=21), made.record(message)
    parts = [unit.parts for unit in found(stream(*records))]
    assert [[part.which for part in unit] for unit in parts] == [["fragment"], [], ["whole"]]


@pytest.mark.parametrize(("name", "version"), [("tls12", 0x0303), ("tls13", 0x0304), ("tls13-retry-cookie", 0x0304)])
def test_the_version_is_the_servers(name: str, version: int) -> None:
    assert {unit.version for unit in of(name, {}) if unit.record is not None} == {version}


def test_what_keys_open() -> None:
    keys = read_keylog(DATA / "tls13.keys.txt")
    closed, opened = of("tls13", {}), of("tls13", keys)
    assert {unit.opened for unit in closed} == {None}
    assert [unit.data for unit in opened] == [unit.data for unit in closed]
    for unit in opened:
        assert (unit.opened is not None) == (unit.state == "encrypted")
    assert b"anna\n" in [unit.content for unit in opened]
    # the messages after a ServerHello belong to it, and the hello before it does not
    answers = {unit.parts[0].message[0]: unit.answer for unit in opened if unit.parts}
    assert answers[1] is None
    assert answers[11] is not None
    assert answers[11].version == 0x0304


def test_keys_that_do_not_fit_open_nothing() -> None:
    secret = parse_keylog(f"CLIENT_RANDOM {bytes(32).hex()} {bytes(48).hex()}")
    assert of("tls12", secret) == of("tls12", {})


def test_what_opens_before_what_does_not_is_kept() -> None:
    keys = read_keylog(DATA / "tls13.keys.txt")
    client, server = reassemble(read_segments(DATA / "tls13.pcapng", "native"))[:2]
    broken = replace(server, data=server.data[:-1] + bytes([server.data[-1] ^ 1]))  # of the last tag
    before = [unit for unit in found(client, server, keys) if unit.opened]
    assert len([unit for unit in found(client, broken, keys) if unit.opened]) == len(before) - 1


def test_it_takes_no_longer_than_there_are_bytes() -> None:
    took = []
    for size in (2000, 20000):
        message = made.message(1, bytes(size))
        records = b"".join(made.record(message[at : at + 1]) for at in range(len(message)))
        start = time.process_time()
        last = found(stream(records))[-1]
        took.append(time.process_time() - start)
        assert last.parts == (Part(0, 1, "last fragment", message),)
    assert took[1] < 40 * took[0] + 0.1
