import struct
import time
from dataclasses import replace
from pathlib import Path

import pytest

from capture.hello import client_hello
from capture.readers import read_segments
from capture.segment import ACK, Endpoint, Segment
from capture.streams import ByteStream, Gap, reassemble
from capture.tls import read_records
from capture.upgrade import read_connection

DATA = Path(__file__).parent.parent / "data"
ENDS = Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 25)
ALERT = bytes.fromhex("15 0303 0002 0246")

Turn = tuple[str, bytes]


def streams_of(*turns: Turn) -> tuple[ByteStream, ByteStream]:
    """The streams of a connection, from what its two sides say, a segment each: ">" is the client."""
    seq = {">": 1, "<": 1}
    segments = []
    for frame, (side, payload) in enumerate(turns, start=1):
        ends = ENDS if side == ">" else ENDS[::-1]
        segments.append(Segment(frame, frame, *ends, seq[side], 0, ACK, len(payload), payload, 54))
        seq[side] += len(payload)
    client, server = reassemble(segments)
    return client, server


def recorded(name: str = "tls13") -> tuple[bytes, bytes]:
    client, server = reassemble(read_segments(DATA / f"{name}.pcapng", "native"))
    return client.data, server.data


CLIENT, SERVER = recorded()
HELLO = CLIENT[: 5 + int.from_bytes(CLIENT[3:5], "big")]
WORDS: tuple[Turn, ...] = ((">", b"STARTTLS\r\n"), ("<", b"220 go ahead\r\n"))


def test_at_once() -> None:
    streams = streams_of((">", CLIENT), ("<", SERVER))
    assert read_connection(*streams) == (read_records(streams[0]), read_records(streams[1]))


def test_words_on_both_sides() -> None:
    client, server = read_connection(*streams_of(*WORDS, (">", CLIENT), ("<", SERVER)))
    assert (client.start, server.start) == (10, 14)
    assert [client.records[0].start, server.records[0].start] == [10, 14]
    assert (client.end, server.end) == ("complete", "complete")
    plain = read_connection(*streams_of((">", CLIENT), ("<", SERVER)))
    for late, early in zip((client, server), plain, strict=True):
        assert [(r.index, r.header, r.fragment) for r in late.records] == [
            (r.index, r.header, r.fragment) for r in early.records
        ]
    assert client_hello(client) == client_hello(plain[0])


def test_only_one_side_has_words() -> None:
    client, server = read_connection(*streams_of(WORDS[0], (">", CLIENT), ("<", SERVER)))
    assert (client.start, server.start) == (10, 0)
    client, server = read_connection(*streams_of(WORDS[1], (">", CLIENT), ("<", SERVER)))
    assert (client.start, server.start, server.end) == (0, 14, "complete")


def test_a_server_that_does_not_speak_tls() -> None:
    client, server = read_connection(*streams_of((">", CLIENT), ("<", b"HTTP/1.1 400 Bad Request\r\n")))
    assert client.records
    assert (server.start, server.records, server.end, server.at) == (0, (), "malformed", 0)


def test_a_hello_in_many_records() -> None:
    body = HELLO[5:]
    parts = [
        b"\x16\3\1" + len(body[at : at + 100]).to_bytes(2, "big") + body[at : at + 100] for at in range(0, 500, 100)
    ]
    parts = [part for part in parts if len(part) > 5]
    client, _ = read_connection(*streams_of(*WORDS, *((">", part) for part in parts)))
    assert (client.start, len(client.records)) == (10, len(parts))


def test_the_answer_may_be_an_alert_or_never_come() -> None:
    refused = read_connection(*streams_of(*WORDS, (">", HELLO), ("<", ALERT)))[1]
    assert (refused.start, len(refused.records)) == (14, 1)
    silent = read_connection(*streams_of(*WORDS, (">", HELLO), ("<", b"500 what?\r\n")))[1]
    assert (silent.start, silent.records, silent.end) == (25, (), "complete")


@pytest.mark.parametrize(
    "said",
    [
        HELLO[:-1],  # not whole
        b"\x16\3\1\0\0" + HELLO,  # an empty fragment first
        HELLO[:5] + b"\2" + HELLO[6:],  # a ServerHello
        HELLO[:43] + b"\xff" + HELLO[44:],  # a session id of 255 bytes
        b"x" + HELLO,  # not at the start of a segment
        b"\x16\3\1\0\5" + HELLO[5:10] + ALERT + HELLO[10:],  # broken into by another record
        b"\x16\3\1\0\4\1\0\0\0",  # of no bytes
        b"\x16\3\1",
    ],
)
def test_nothing_less_than_a_hello_is_taken_for_one(said: bytes) -> None:
    streams = streams_of(*WORDS, (">", said), ("<", SERVER))
    client, server = read_connection(*streams)
    assert (client.start, client.records, server.start, server.records) == (0, (), 0, ())
    assert (client.end, client.at) == ("malformed", 0)


def test_a_gap_before_tls_does_not_matter_and_one_within_the_hello_does() -> None:
    client, server = streams_of(*WORDS, (">", CLIENT), ("<", SERVER))
    before = replace(client, gaps=(Gap(4, 9),))
    assert read_connection(before, server)[0].end == "complete"
    within = replace(client, gaps=(Gap(30, 9),))
    assert read_connection(within, server)[0].records == ()
    behind = replace(client, gaps=(Gap(10 + len(HELLO), 9),))
    layer = read_connection(behind, server)[0]
    assert (layer.end, len(layer.records)) == ("need more", 1)


def old_hello(suites: bytes, challenge: bytes, version: int = 0x0301) -> bytes:
    """A ClientHello of SSL 2.0 for TLS (RFC 5246, appendix E.2)."""
    body = struct.pack("!BHHHH", 1, version, len(suites), 0, len(challenge)) + suites + challenge
    return struct.pack("!H", 0x8000 | len(body)) + body


def test_a_hello_of_ssl_2_is_passed_over() -> None:
    hello = old_hello(bytes(6), bytes(16))
    client, server = read_connection(*streams_of((">", hello), ("<", SERVER), (">", CLIENT[len(HELLO) :])))
    assert (client.start, client.records[0].start, server.start) == (0, len(hello), 0)
    assert client.end == "complete"
    for wrong in (
        old_hello(bytes(6), bytes(16), 0x0002),
        hello[:-1],
        hello[:4],
        b"\x80" + hello[1:-1],
        hello[:1] + b"\0",
    ):
        assert read_connection(*streams_of((">", wrong), ("<", SERVER)))[0].records == ()


def test_many_beginnings_that_are_none_take_no_second() -> None:
    streams = streams_of(*WORDS, *[(">", b"\x16\3\1\x40\0\1" + bytes(5))] * 20_000)
    begun = time.process_time()
    assert read_connection(*streams)[0].records == ()
    assert time.process_time() - begun < 1
