import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.packets import packets
from capture.readers import read_segments
from capture.segment import ACK, FIN, RST, SYN, Endpoint, Segment
from capture.streams import ByteStream, Gap, Piece, Span, connections, on_port, reassemble, select, streams
from tests.capture.dissected import PACKETS

CLIENT, SERVER = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 12345)
Streams = Callable[[Path], tuple[ByteStream, ...]]

DATA = Path(__file__).parent.parent / "data"
CAPTURES = sorted(path.name for path in DATA.glob("*.pcap*"))

# Where tshark's answer is to another question. It waits for a beginning that was not captured, and for a gap to be
# acknowledged; it counts a reset's diagnostic as data, and what a tunnel carries or an error quotes as the same stream;
# what has a hop to go yet, as the next hop's. tests/capture/readers/test_native.py has gaps that are acknowledged.
OTHERWISE = {
    *("cut-short.pcap", "cut-in-options.pcap", "simple-packets.pcapng", "lost-segment.pcap", "reset-with-text.pcap"),
    *("mid-connection-reordered.pcap", "broken-headers.pcap", "broken-headers-6.pcap", "fragments-that-overlap.pcap"),
    *("tunnelled.pcap", "stacked-extensions.pcap"),
}


def sent(
    seq: int, payload: bytes = b"", flags: int = ACK, *, frame: int = 1, back: bool = False, length: int | None = None
) -> Segment:
    ends = (SERVER, CLIENT) if back else (CLIENT, SERVER)
    length = len(payload) if length is None else length
    return Segment(frame, frame * 1000, *ends, seq % 2**32, 0, flags, length, payload, 54)


def follow(lines: list[str]) -> list[dict[Endpoint, bytes]]:
    """What each side sent, a dict for each `-z follow,tcp,raw`, as tshark prints it: one side's lines are indented."""
    found = []
    starts = [at for at, line in enumerate(lines) if line == "Follow: tcp,raw"]
    for start in starts:
        # the filter, the two nodes, the bytes, a line of equals signs
        ends = []
        for line in lines[start + 2 : start + 4]:
            host, _, port = line.split(": ")[1].rpartition(":")
            ends.append(Endpoint(host.strip("[]"), int(port)))
        sides = dict.fromkeys(ends, b"")
        for line in lines[start + 4 :]:
            if line.startswith("="):
                break
            sides[ends[line.startswith("\t")]] += bytes.fromhex(line)
        found.append(sides)
    return found


@pytest.mark.parametrize("order", list(itertools.permutations([500, 90_000, 4_000_000_000])))
def test_a_server_that_answers_with_several_sequence_numbers_goes_on_from_one(order: tuple[int, ...]) -> None:
    """Those in front of several servers do so; it is the data that says which one the client took."""
    answers = [sent(seq, flags=SYN | ACK, back=True) for seq in order]
    said = [sent(90_001, b"hello ", back=True), sent(90_007, b"again", back=True)]
    _, server = reassemble([sent(7, flags=SYN), *answers, *said])
    assert (server.data, server.gaps) == (b"hello again", ())


@pytest.mark.parametrize("name", [name for name in PACKETS if name not in OTHERWISE])
def test_as_tshark_follows_them(name: str, data: Path, tshark: Callable[..., list[str]]) -> None:
    streams = reassemble(read_segments(data / name, "native"))
    numbers = sorted({stream.connection for stream in streams})
    asked = [option for number in numbers for option in ("-z", f"follow,tcp,raw,{number}")]
    lines = tshark(data / name, "-q", *asked)
    theirs = dict(zip([line.split()[-1] for line in lines if line.startswith("Filter: ")], follow(lines), strict=True))
    assert len(theirs) == len(numbers)
    for stream in streams:
        assert stream.data == theirs[str(stream.connection)][stream.source]
        assert stream.gaps == ()


@pytest.mark.parametrize("name", CAPTURES)
def test_every_byte_stands_where_it_is_said_to(name: str, data: Path) -> None:
    frames = {packet.frame: packet for packet in packets(data / name)}
    segments = list(read_segments(data / name, "native"))
    ends = {segment.frame: (segment.source, segment.destination) for segment in segments}
    for stream in reassemble(segments):
        found = b""
        for piece in stream.pieces:
            assert piece.start == len(found)
            assert ends[piece.frame] == (stream.source, stream.destination)
            packet = frames[piece.frame]
            assert piece.time_ns == packet.time_ns
            found += packet.data[piece.offset : piece.offset + piece.length]
        assert found == stream.data


def test_a_lost_segment_is_a_gap(data: Path, streams_of: Streams) -> None:
    up, down = streams_of(data / "lost-segment.pcap")
    assert (up.data, up.gaps) == (b"kept kept too", (Gap(5, 9),))
    # eight bytes after what was captured the server ends: three of them are there
    assert (down.data, down.gaps) == (b"all", ())


def test_a_frame_cut_short_is_a_gap(data: Path, streams_of: Streams) -> None:
    up, down = streams_of(data / "cut-short.pcap")
    assert up.data == b"hello\nbye\nthis i"
    assert up.gaps == (Gap(16, len(b"this is longer than the snapshot length") - 6),)
    assert down.data == b"hi the"
    assert down.gaps == (Gap(6, 3),)


def test_fragments_are_a_gap(data: Path, streams_of: Streams) -> None:
    up, _ = streams_of(data / "fragments.pcap")
    assert (up.data, up.gaps) == (b"whole again", (Gap(0, 48),))


def test_a_beginning_that_was_captured_late(data: Path, streams_of: Streams) -> None:
    up, _ = streams_of(data / "mid-connection-reordered.pcap")
    assert (up.data, up.gaps) == (b"sooner,later.", ())
    assert up.locate(0, 7) == (Span(2, 54, 60),)
    assert up.locate(7, 13) == (Span(1, 54, 58), Span(3, 54, 54))


def test_who_is_the_client(data: Path, streams_of: Streams) -> None:
    up, down = streams_of(data / "answer-first.pcap")
    assert (up.source, up.from_client, up.data) == (CLIENT, True, b"thanks\n")
    assert (down.source, down.from_client, down.data) == (SERVER, False, b"welcome\n")
    first, _ = reassemble([sent(5, b"x", back=True)])
    assert first.source == CLIENT, "without a SYN, the higher port"
    first, _ = reassemble([sent(5, b"x", back=True), sent(9, flags=SYN, frame=2)])
    assert first.source == CLIENT, "a SYN that was captured late"


def test_ports_used_again_are_another_connection(data: Path, streams_of: Streams) -> None:
    streams = streams_of(data / "same-ports.pcap")
    assert [(stream.connection, stream.data) for stream in streams] == [
        *((0, b"first"), (0, b"FIRST"), (1, b"somebody else"), (1, b""), (2, b"second"), (2, b"SECOND"))
    ]


def test_a_syn_sent_again_is_the_same_connection() -> None:
    streams = reassemble([sent(9, flags=SYN), sent(9, flags=SYN, frame=2), sent(10, b"x", frame=3)])
    assert [stream.data for stream in streams] == [b"x", b""]


def test_what_a_reset_says_is_not_in_the_stream() -> None:
    up, down = reassemble([sent(9, flags=SYN), sent(10, b"x", frame=2), sent(1, b"gone", RST, frame=3, back=True)])
    assert (up.data, down.data, down.gaps) == (b"x", b"", ())


def test_nothing() -> None:
    assert reassemble([]) == ()


def test_locate_and_slice() -> None:
    parts = [sent(9, flags=SYN), sent(10, b"hello", frame=2), sent(15, b" you", frame=4)]
    stream = reassemble(parts)[0]
    assert stream.locate(0, 9) == (Span(2, 54, 58), Span(4, 54, 57))
    assert stream.locate(3, 6) == (Span(2, 57, 58), Span(4, 54, 54))
    assert stream.slice(3, 6) == (Piece(3, 2, 2, 57, 2000), Piece(5, 1, 4, 54, 4000))
    assert str(stream.locate(1, 2)[0]) == "frame 2, bytes 55-55"
    for start, end in ((0, 0), (5, 4), (-1, 3), (0, 10), (9, 10)):
        with pytest.raises(ValueError, match="not in a stream of 9 bytes"):
            stream.locate(start, end)


@st.composite
def wires(draw: st.DrawFn) -> tuple[bytes, int, list[tuple[int, int]]]:
    """A byte string, its initial sequence number, and segments that cover it: in any order, twice, over each other."""
    words = draw(st.binary(min_size=1, max_size=60))
    isn = draw(st.sampled_from([0, 1000, 2**32 - 1, 2**32 - 20, 2**31 - 5]))
    cuts = sorted({0, len(words), *draw(st.lists(st.integers(0, len(words)), max_size=8))})
    parts = list(itertools.pairwise(cuts))
    ranges = st.tuples(st.integers(0, len(words)), st.integers(0, len(words))).map(lambda pair: (min(pair), max(pair)))
    parts += draw(st.lists(ranges, max_size=8))
    return words, isn, draw(st.permutations(parts))


@given(wires())
def test_any_order_any_overlap(wire: tuple[bytes, int, list[tuple[int, int]]]) -> None:
    words, isn, parts = wire
    segments = [sent(isn, flags=SYN)]
    segments += [sent(isn + 1 + a, words[a:b], frame=frame) for frame, (a, b) in enumerate(parts, start=2)]
    up, down = reassemble([*segments, sent(isn + 1 + len(words), flags=FIN | ACK, frame=99)])
    assert up.data == words
    assert up.gaps == ()
    assert down.data == b""
    payloads = {segment.frame: segment.payload for segment in segments}
    for at in range(len(words)):
        (span,) = up.locate(at, at + 1)
        assert span.first == span.last
        assert payloads[span.frame][span.first - 54] == words[at]


@given(wires(), st.data())
def test_what_is_missing_is_said(wire: tuple[bytes, int, list[tuple[int, int]]], data: st.DataObject) -> None:
    words, isn, parts = wire
    kept = data.draw(st.lists(st.sampled_from(parts), unique=True))
    captured = {at for a, b in kept for at in range(a, b)}
    segments = [sent(isn, flags=SYN)]
    segments += [sent(isn + 1 + a, words[a:b], frame=frame) for frame, (a, b) in enumerate(kept, start=2)]
    up, _ = reassemble(segments)
    assert up.data == bytes(words[at] for at in sorted(captured))
    last = max(captured, default=-1)
    assert sum(gap.length for gap in up.gaps) == last + 1 - len(captured)
    for gap in up.gaps:
        before = sorted(captured)[: gap.at]
        assert (before[-1] if before else -1) + 1 not in captured


def test_parts_of_a_stream_still_stand_where_they_were_captured() -> None:
    stream = reassemble([sent(0, flags=SYN), sent(1, b"abcdef", frame=2), sent(7, b"ghij", frame=3)])[0]
    part = select(stream, [(1, 3), (5, 8)])
    assert part.data == b"bcfgh"
    assert part.pieces == (Piece(0, 2, 2, 55, 2000), Piece(2, 1, 2, 59, 2000), Piece(3, 2, 3, 54, 3000))
    assert part.locate(1, 4) == (Span(2, 56, 56), Span(2, 59, 59), Span(3, 54, 54))
    assert select(stream, []).data == b""


def test_everywhere_that_bytes_stand() -> None:
    stream = reassemble([sent(9, flags=SYN), sent(10, b"abab", frame=2), sent(14, b"a-ba", frame=4)])[0]
    assert stream.places(b"aba") == ((Span(2, 54, 56),), (Span(2, 56, 57), Span(4, 54, 54)))
    assert stream.places(b"nowhere") == ()


def test_streams_of_a_port() -> None:
    other = Segment(3, 3000, Endpoint("127.0.0.1", 7), CLIENT, 0, 0, ACK, 1, b"x", 54)
    streams = reassemble([sent(0, b"a"), other])
    assert on_port(streams, 7) == streams[2:]
    assert on_port(streams, CLIENT.port) == streams
    assert on_port(streams, 8) == ()


def test_the_segments_of_each_connection(data: Path) -> None:
    segments = list(read_segments(data / "same-ports.pcap", "scapy"))
    found = connections(segments)
    assert [segment for connection in found for segment in connection.segments] == segments
    assert len(found) == 3
    assert streams(found) == reassemble(segments)
    for connection in found:
        ends = {connection.client, connection.server}
        assert all({segment.source, segment.destination} == ends for segment in connection.segments)
