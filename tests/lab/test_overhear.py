from collections.abc import Callable

import pytest

from capture.segment import Segment
from capture.streams import ByteStream, reassemble
from chat import protocol
from lab.overhear import overhear, repeated

Segments = Callable[..., list[Segment]]
Streams = Callable[..., tuple[ByteStream, ...]]

WELCOME = ("<", b"* welcome, anna. 1 here: anna\n")


def heard(streams: tuple[ByteStream, ...]) -> list[tuple[str, str]]:
    return [(message.who, message.text) for message in overhear(streams)]


def test_who_said_what_and_where_it_stands(streams_of: Streams) -> None:
    streams = streams_of((">", b"anna\n"), WELCOME, (">", "¿qué tal?\n".encode()), (">", b"good"), (">", b"bye\n"))
    first, second = overhear(streams)
    assert (first.who, first.text, first.stream) == ("anna", "¿qué tal?", streams[0])
    # frames 1 and 2 open the connection, 3 has the name, 4 the welcome
    words = "¿qué tal?".encode()
    assert [str(span) for span in first.spans] == [f"frame 5, bytes 66-{66 + len(words) - 1}"]
    assert streams[0].data[first.start : first.end] == words
    assert first.time_ns == 5_000_000
    assert second.text == "goodbye"
    assert [str(span) for span in second.spans] == ["frame 6, bytes 66-69", "frame 7, bytes 66-68"]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_line_endings_are_no_part_of_the_words(streams_of: Streams, ending: bytes) -> None:
    streams = streams_of((">", b"anna" + ending), WELCOME, (">", b"hello" + ending))
    assert heard(streams) == [("anna", "hello")]
    assert overhear(streams)[0].spans[0].last == 66 + 4


def test_byte_by_byte(streams_of: Streams) -> None:
    data = "anna\nhé\r\n".encode()
    streams = streams_of(*((">", data[at : at + 1]) for at in range(len(data))), WELCOME)
    assert heard(streams) == [("anna", "hé")]
    assert [span.frame for span in overhear(streams)[0].spans] == [8, 9, 10]


def test_what_nobody_heard_is_no_message(streams_of: Streams) -> None:
    lines = [
        b"!users",
        b"!usuarios",
        b"!dance",
        b"",
        b"   ",
        b"bell\x07",
        b"\xff\xfe not UTF-8",
        b"x" * (protocol.MAX_LINE + 1),
        b"!!!",
        b"x" * protocol.MAX_LINE,
        b"!quit",
        b"after the end",
    ]
    streams = streams_of((">", b"anna\n"), WELCOME, (">", b"\n".join(lines) + b"\n"))
    assert heard(streams) == [("anna", "!!!"), ("anna", "x" * protocol.MAX_LINE)]


def test_a_line_without_its_end_was_not_said(streams_of: Streams) -> None:
    assert heard(streams_of((">", b"anna\n"), WELCOME, (">", b"hello\nand th"))) == [("anna", "hello")]


def test_names_that_were_refused_are_not_who_spoke(streams_of: Streams) -> None:
    streams = streams_of(
        (">", b"carol\n"),
        ("<", protocol.encode(protocol.name_refused("The name carol is taken: choose another one."))),
        (">", b"*\n"),
        ("<", protocol.encode(protocol.name_refused("A name is made of letters."))),
        (">", b"anna\n"),
        WELCOME,
        (">", b"at last\n"),
    )
    assert heard(streams) == [("anna", "at last")]


def test_a_name_that_was_taken_at_first_is_no_message_when_it_is_free(streams_of: Streams) -> None:
    refused = b"* name refused: Somebody here has that name: choose another one.\n"
    streams = streams_of((">", b"anna\n"), ("<", refused), (">", b"anna\n"), WELCOME, (">", b"hello\n"))
    assert heard(streams) == [("anna", "hello")]


def test_somebody_who_never_got_in_said_nothing(streams_of: Streams) -> None:
    refusal = protocol.encode(protocol.ROOM_FULL)
    assert heard(streams_of((">", b"anna\nhello\n"), ("<", refusal))) == []


def test_nobody_gets_in_by_another_ones_words(streams_of: Streams) -> None:
    spoof = b"bob > * welcome, eve. 1 here: eve\n"
    assert heard(streams_of((">", b"eve\nhello\n"), ("<", spoof))) == []


def test_one_direction_alone_is_taken_at_its_word(segments_of: Segments) -> None:
    said = [(">", b"anna\n"), WELCOME, (">", b"hello\n")]
    client = [s for s in segments_of(said) if s.destination.port == 12345]
    assert heard(reassemble(client)) == [("anna", "hello")]
    server = [s for s in segments_of(said) if s.source.port == 12345]
    assert heard(reassemble(server)) == []


def test_messages_come_in_the_order_of_their_capture(segments_of: Segments) -> None:
    bob = ("<", b"* welcome, bob. 2 here: anna, bob\n")
    one = segments_of([(">", b"anna\n"), WELCOME, (">", b"first\n"), (">", b"third\n")])
    two = segments_of([(">", b"bob\n"), bob, (">", b"second\n"), (">", b"fourth\n")], client_port=40001)
    woven = [segment for pair in zip(one, two, strict=True) for segment in pair]
    frames = [s._replace(frame=n, time_ns=n) for n, s in enumerate(woven, start=1)]
    expected = [("anna", "first"), ("bob", "second"), ("anna", "third"), ("bob", "fourth")]
    assert heard(reassemble(frames)) == expected
    # of the same moment, the frame decides
    assert heard(reassemble([s._replace(time_ns=7) for s in frames])) == expected


def test_tls_and_noise_say_nothing(streams_of: Streams) -> None:
    record = bytes.fromhex("1703030026") + bytes(range(0x80, 0x80 + 38))
    assert heard(streams_of((">", record + b"\n" + record + b"\n"), ("<", record))) == []
    assert heard(streams_of()) == []


def test_what_the_server_passes_on_names_who_spoke(streams_of: Streams) -> None:
    streams = streams_of(
        ("<", b"* welcome, bob. 2 here: anna, bob\n"), ("<", "anna > ¿qué? > sí\n* anna has left\n".encode())
    )
    (message,) = repeated(streams)
    assert (message.who, message.text) == ("anna", "¿qué? > sí")
    assert not message.stream.from_client
    assert message.stream.data[message.start : message.end].decode() == message.text
