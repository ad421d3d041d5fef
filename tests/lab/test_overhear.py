from collections.abc import Callable

import pytest

from capture.segment import Segment
from capture.streams import ByteStream, reassemble
from chat import notices, protocol
from chat.lines import MAX_LINE
from lab.overhear import name_of, overhear, repeated

Segments = Callable[..., list[Segment]]
Streams = Callable[..., tuple[ByteStream, ...]]

WELCOME = ("<", b"* welcome, anna. 1 here: anna\n")


def refused(why: str) -> bytes:
    return protocol.encode(notices.line(notices.NAME_REFUSED, why=why))


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
        b"x" * (MAX_LINE + 1),
        b"!!!",
        b"x" * MAX_LINE,
        b"!quit",
        b"after the end",
    ]
    streams = streams_of((">", b"anna\n"), WELCOME, (">", b"\n".join(lines) + b"\n"))
    assert heard(streams) == [("anna", "!!!"), ("anna", "x" * MAX_LINE)]


def test_a_line_without_its_end_was_not_said(streams_of: Streams) -> None:
    assert heard(streams_of((">", b"anna\n"), WELCOME, (">", b"hello\nand th"))) == [("anna", "hello")]


def test_names_that_were_refused_are_not_who_spoke(streams_of: Streams) -> None:
    streams = streams_of(
        (">", b"carol\n"),
        ("<", refused(notices.sentence(notices.NAME_TAKEN, name="carol"))),
        (">", b"*\n"),
        ("<", refused(notices.NAME_CHARACTERS)),
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
    refusal = protocol.encode(notices.line(notices.ROOM_FULL))
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


def test_private_words_are_overheard_like_any_others(streams_of: Streams) -> None:
    streams = streams_of((">", b"anna\n"), WELCOME, (">", "!msg bob 36-24-36, ¿sí?\n".encode()), (">", b"to all\n"))
    private, public = overhear(streams)
    assert (private.who, private.to, private.text) == ("anna", "bob", "36-24-36, ¿sí?")
    # the name and its LF, then "!msg bob "; the payload begins at byte 66 of frame 5
    assert (private.start, private.end) == (5 + 9, 5 + 9 + 16)
    assert [str(span) for span in private.spans] == ["frame 5, bytes 75-90"]
    assert private.time_ns == 5_000_000
    assert (public.who, public.to, public.text) == ("anna", "", "to all")
    assert [str(span) for span in public.spans] == ["frame 6, bytes 66-71"]


@pytest.mark.parametrize(
    ("line", "to", "text", "start"),
    [
        ("!msg bob bob", "bob", "bob", 9),
        ("!msg bob bob bob", "bob", "bob bob", 9),
        ("!msg bob b", "bob", "b", 9),
        ("  !PRIVADO  bob   hi > you  ", "bob", "hi > you", 18),
        ("!msg\tbob\thi\r", "bob", "hi", 9),
        ("!msg bob !quit", "bob", "!quit", 9),
        ("!msg José né", "José", "né", 11),
        ("!msg ñ 👋 ", "ñ", "👋", 8),
    ],
)
def test_where_private_words_stand_to_the_byte(streams_of: Streams, line: str, to: str, text: str, start: int) -> None:
    streams = streams_of((">", b"anna\n"), WELCOME, (">", line.encode() + b"\n"))
    (message,) = overhear(streams)
    assert (message.to, message.text, message.start) == (to, text, len(b"anna\n") + start)
    assert streams[0].data[message.start : message.end].decode() == text
    first = 66 + start
    assert [str(span) for span in message.spans] == [f"frame 5, bytes {first}-{first + len(text.encode()) - 1}"]


def test_private_words_across_segments(streams_of: Streams) -> None:
    streams = streams_of((">", b"anna\n"), WELCOME, (">", b"!ms"), (">", b"g bob go"), (">", b"od"), (">", b"bye \n"))
    (message,) = overhear(streams)
    assert (message.to, message.text) == ("bob", "goodbye")
    assert [str(span) for span in message.spans] == [
        "frame 6, bytes 72-73",
        "frame 7, bytes 66-67",
        "frame 8, bytes 66-68",
    ]
    assert message.time_ns == 6_000_000, "when the first of the words was captured, and not the command"


def test_commands_that_say_nothing_to_anybody_are_no_messages(streams_of: Streams) -> None:
    lines = b"!msg\n!msg bob\n!msg bob \n!msg * hi\n!join tea\n!rooms\n!help\n!msg bob " + b"x" * (MAX_LINE - 8) + b"\n"
    assert heard(streams_of((">", b"anna\n"), WELCOME, (">", lines))) == []


def test_what_the_server_passes_on_to_one_names_both(streams_of: Streams) -> None:
    welcome = ("<", b"* welcome, bob. 2 here: anna, bob\n")
    streams = streams_of(welcome, ("<", "anna to bob > ¿qué? > sí\r\nanna to all of you > x\n".encode()))
    (message,) = repeated(streams)
    assert (message.who, message.to, message.text) == ("anna", "bob", "¿qué? > sí")
    assert message.stream.data[message.start : message.end].decode() == message.text
    # after "anna to bob > "; frame 3 has the welcome
    assert [str(span) for span in message.spans] == ["frame 4, bytes 80-92"]


def test_what_is_passed_on_to_all_is_for_nobody_in_particular(streams_of: Streams) -> None:
    (message,) = repeated(streams_of(("<", b"anna > hello to bob\n")))
    assert (message.who, message.to, message.text) == ("anna", "", "hello to bob")


def test_names(segments_of: Segments) -> None:
    welcome = ("<", b"* welcome, bea. 1 here: bea\n")
    said = [
        *segments_of([(">", b"anna\n"), ("<", refused("taken")), (">", b"bea\n"), welcome, (">", b"hello\n")]),
        *segments_of([(">", b"carl\n"), ("<", refused("taken"))], client_port=40001, first_frame=20),
        *segments_of([(">", b"dora\n")], client_port=40002, first_frame=40),  # the server's side was not captured
    ]
    streams = reassemble(said)
    assert [name_of(*pair) for pair in zip(streams[::2], streams[1::2], strict=True)] == ["bea", None, "dora"]
