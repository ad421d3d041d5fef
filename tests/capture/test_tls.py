import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture import tls
from capture.errors import MalformedError
from capture.segment import Endpoint
from capture.streams import ByteStream, Gap, Piece
from capture.tls import (
    HANDSHAKE,
    HandshakeMessage,
    HandshakeReader,
    RecordLayer,
    first_messages,
    handshake_messages,
    parse_header,
    read_records,
)

ENDS = Endpoint("a", 1), Endpoint("b", 2)
# Two records: an alert of two bytes and application data of three.
ALERT, DATA = bytes.fromhex("15 0303 0002 0100"), bytes.fromhex("17 0303 0003 010203")
CAPTURES = sorted(path.name for path in (Path(__file__).parent.parent / "data").glob("tls*.pcapng"))


def stream(data: bytes, *gaps: Gap) -> ByteStream:
    return ByteStream(0, *ENDS, True, data, (Piece(0, len(data), 1, 54, 0),), gaps)


@pytest.mark.parametrize("name", CAPTURES)
def test_records_as_tshark_reads_them(
    name: str, data: Path, layers_of: Callable[[Path], list[RecordLayer]], tshark: Callable[..., list[str]]
) -> None:
    rows = tshark(data / name, "-Y", "tls", "-Tpdml")
    theirs: dict[int, list[tuple[int, int, int]]] = {}
    port = 0
    kind = version = -1
    for row in rows:
        name_of = row.split('name="')[1].split('"')[0] if 'name="' in row else ""
        show = row.split(' show="')[1].split('"')[0] if ' show="' in row else ""
        if name_of == "tcp.srcport":
            port = int(show)
        elif name_of in {"tls.record.content_type", "tls.record.opaque_type"}:
            kind = int(show)
        elif name_of == "tls.record.version":
            version = int(show, 16)
        elif name_of == "tls.record.length":
            theirs.setdefault(port, []).append((kind, version, int(show)))
    layers = layers_of(data / name)
    assert {layer.end for layer in layers} == {"complete"}
    ours: dict[int, list[tuple[int, int, int]]] = {}
    for layer in layers:
        for record in layer.records:
            row_of = (record.content_type, record.version, len(record.fragment))
            ours.setdefault(layer.stream.source.port, []).append(row_of)
    assert ours == theirs


@pytest.mark.parametrize("name", ["tls12.pcapng", "tls13.pcapng"])
def test_byte_by_byte_and_with_trailing_bytes(
    name: str, data: Path, layers_of: Callable[[Path], list[RecordLayer]]
) -> None:
    for layer in layers_of(data / name):
        whole = layer.stream.data
        assert b"".join(record.header + record.fragment for record in layer.records) == whole
        ends = [record.end for record in layer.records]
        for size in range(len(whole)):
            part = read_records(stream(whole[:size]))
            read = [end for end in ends if end <= size]
            assert [record.end for record in part.records] == read
            assert part.at == (read[-1] if read else 0)
            assert part.end == ("complete" if size == part.at else "need more")
        more = read_records(stream(whole + b"\x47"))
        assert [record.end for record in more.records] == ends
        assert (more.end, more.at) == ("malformed", len(whole))
        assert "47 is not a TLS content type" in more.reason


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"GET / HTTP/1.0", 0),
        (b"\x00", 0),
        (b"\x19\x03\x03\x00\x01", 0),
        (b"\x17\x03\x05\x00\x01", 1),
        (b"\x17\x02\x00\x00\x01", 1),
        (b"\x17\x03\x03\x48\x01", 3),
        (b"\x17\x03\x03\xff\xff", 3),
        (b"\x17\x48", 1),  # a part of a header can be wrong already
        (b"\x17\x03\x05", 1),
        (b"\x17\x03\x03\x49", 3),
    ],
)
def test_malformed_headers(data: bytes, offset: int) -> None:
    with pytest.raises(MalformedError) as raised:
        parse_header(data)
    assert raised.value.offset == offset
    with pytest.raises(MalformedError) as raised:
        parse_header(ALERT + data, len(ALERT))
    assert raised.value.offset == len(ALERT) + offset


def test_headers_that_need_more() -> None:
    assert [parse_header(DATA[:size]) for size in range(5)] == [None] * 5
    assert parse_header(DATA[:5]) == (23, 0x0303, 3)
    assert parse_header(b"\x17\x03\x03\x48\x00") == (23, 0x0303, 18432)  # 2^14 + 2048, RFC 5246, section 6.2.3


def test_three_different_answers() -> None:
    assert read_records(stream(b"")).end == "complete"
    assert read_records(stream(ALERT + DATA)).end == "complete"
    more = read_records(stream(ALERT + DATA[:-1]))
    assert (more.end, more.at, len(more.records)) == ("need more", 7, 1)
    assert more.reason == "the stream ends 7 bytes into a record."
    bad = read_records(stream(ALERT + b"hello"))
    assert (bad.end, bad.at, len(bad.records)) == ("malformed", 7, 1)


@pytest.mark.parametrize(("at", "records"), [(0, 0), (3, 0), (7, 1), (9, 1), (15, 2)])
def test_reads_up_to_a_gap_and_not_across(at: int, records: int) -> None:
    layer = read_records(stream(ALERT + DATA, Gap(at, 40)))
    assert (len(layer.records), layer.end) == (records, "need more")
    assert f"40 bytes were not captured after byte {at}" in layer.reason


@given(st.binary(max_size=40), st.integers(0, 40))
def test_a_header_is_right_or_malformed_or_needs_more(data: bytes, at: int) -> None:
    try:
        header = parse_header(data, at)
    except MalformedError as error:
        assert at <= error.offset < len(data)  # noqa: PT017  (both ends are right)
    else:
        assert (header is None) == (len(data) - at < tls.HEADER)


@given(st.lists(st.sampled_from([ALERT, DATA, b"\x16\x03\x01\x00\x00"]), max_size=6), st.binary(max_size=9))
def test_any_bytes_are_read_to_some_end(records: list[bytes], rest: bytes) -> None:
    data = b"".join(records) + rest
    layer = read_records(stream(data))
    assert len(layer.records) >= len(records)
    assert b"".join(record.header + record.fragment for record in layer.records) == data[: layer.at]
    assert (layer.end == "complete") == (layer.at == len(data))


def test_handshake_messages_across_fragments_and_several_in_one(
    data: Path, layers_of: Callable[[Path], list[RecordLayer]]
) -> None:
    # the server's first flight in TLS 1.2: ServerHello 2, Certificate 11, ServerKeyExchange 12, ServerHelloDone 14
    server = layers_of(data / "tls12.pcapng")[1]
    plain = b"".join([record.fragment for record in server.records if record.content_type == HANDSHAKE][:4])
    messages = list(handshake_messages(iter([plain])))
    assert [message.msg_type for message in messages] == [2, 11, 12, 14]
    for size in (1, 3, 4, 5, 700):
        pieces = [plain[at : at + size] for at in range(0, len(plain), size)]
        assert list(handshake_messages(iter(pieces))) == messages
    assert list(handshake_messages(iter([plain[:-1]]))) == messages[:-1]
    ends = [HandshakeMessage(14, b"", 0), HandshakeMessage(14, b"", 4)]
    assert list(handshake_messages([b"\x0e\0\0\0", b"\x0e\0\0\0\x01"])) == ends
    assert [message.end for message in messages] == [*(message.start for message in messages[1:]), len(plain)]
    assert [plain[message.start + 4 : message.end] for message in messages] == [message.body for message in messages]


@given(st.lists(st.binary(max_size=9), max_size=9), st.data())
def test_messages_do_not_depend_on_how_they_are_cut(bodies: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(bytes([number]) + len(body).to_bytes(3, "big") + body for number, body in enumerate(bodies))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    pieces = [whole[a:b] for a, b in itertools.pairwise([0, *cuts, len(whole)])]
    reader = HandshakeReader()
    found = []
    fed = 0
    for piece in pieces:
        fed += len(piece)
        now = reader.feed(piece)
        assert all(fed - len(piece) < message.end <= fed for message in now), "given as soon as it is whole"
        found += now
    assert [(message.msg_type, message.body) for message in found] == list(enumerate(bodies))
    assert [whole[message.start : message.start + 1] for message in found] == [bytes([n]) for n in range(len(bodies))]


def test_what_is_wrong_already_does_not_need_more() -> None:
    layer = read_records(stream(ALERT + b"\x16GE"))
    assert (layer.end, layer.at, len(layer.records)) == ("malformed", 7, 1)
    assert layer.reason.startswith("4745 is not a TLS version")


def test_heartbeats_are_records() -> None:
    """RFC 6520: TLS, if of another time."""
    layer = read_records(stream(b"\x18\x03\x02\x00\x03\x01\x40\x00" + ALERT))
    assert [record.content_type for record in layer.records] == [24, 21]


def test_records_from_later_on() -> None:
    layer = read_records(stream(b"hello" + ALERT + DATA), 5)
    assert (layer.start, layer.end, [record.start for record in layer.records]) == (5, "complete", [5, 12])
    assert read_records(stream(b"hello" + ALERT, Gap(5, 9)), 5).end == "complete", "what is missing is before it"
    assert read_records(stream(b"hello" + ALERT, Gap(6, 9)), 5).end == "need more"


def test_nothing_comes_between_the_records_of_a_message() -> None:
    """What follows a change_cipher_spec is encrypted, and is no rest of what stood before."""
    half, rest = b"\x16\3\3\0\5\x0e\0\0\4a", b"\x16\3\3\0\3bcd"
    change = b"\x14\3\3\0\1\1"
    done = b"\x16\3\3\0\4\x0e\0\0\0"
    (whole,) = first_messages(read_records(stream(half + rest)).records)
    assert whole.body == b"abcd"
    assert list(first_messages(read_records(stream(half + change + rest)).records)) == []
    (later,) = first_messages(read_records(stream(half + change + done)).records)
    assert (later.msg_type, later.body, later.start) == (14, b"", 5)


def seconds(work: Callable[[], object]) -> float:
    """The best of three: what a busy machine adds is left out."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize(
    ("fragments", "messages"),
    [
        ([b"\x0b\xff\xff\xff", *[bytes(16)] * (1 << 16)], 0),  # 16 MB are announced, 1 MB comes
        ([bytes(1 << 20)], 1 << 18),  # empty messages, all in one fragment
        ([bytes(1)] * (1 << 18), 1 << 16),  # and byte by byte
        ([b"\x0b\0\xff\xfc" + bytes(0xFFFC)] * 16, 16),
    ],
    ids=["announced", "empty", "bytes", "whole"],
)
def test_a_megabyte_of_messages_takes_no_second(fragments: list[bytes], messages: int) -> None:
    assert sum(1 for _ in handshake_messages(fragments)) == messages
    assert seconds(lambda: list(handshake_messages(fragments))) < 1


def test_a_megabyte_of_records_takes_no_second() -> None:
    records = b"\x16\3\3\0\0" * 100_000 + (b"\x17\3\3\x40\0" + bytes(1 << 14)) * 40
    assert len(records) > 1 << 20
    whole = stream(records)
    assert len(read_records(whole).records) == 100_040
    assert seconds(lambda: read_records(whole)) < 1
