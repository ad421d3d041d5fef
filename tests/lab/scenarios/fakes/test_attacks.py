import base64

import pytest

from lab.scenario import Join, Say
from lab.scenarios.codecs import AesCtrReused, AesEcb, AesGcm, Base64
from lab.scenarios.fakes.attacks import (
    WELCOME,
    Sealed,
    combined,
    framed_lines,
    in_pairs,
    messages,
    name_of,
    open_with,
    says_something,
    text_lines,
    undo_base64,
    welcome,
    welcome_cribs,
)
from lab.scenarios.fakes.talk import conversation
from tests.lab.scenarios.fakes.sealed import OFFSET, heard, lines, said, streams

KEY = bytes(16)
STEPS = (Join("anna"), Join("bob"), Say("anna", "¿Qué tal?"), Say("bob", "!!"))


@pytest.mark.parametrize("seed", range(5))
def test_base64_is_read_by_anybody(seed: int) -> None:
    steps = conversation(seed)
    assert heard(undo_base64(streams(lines(steps).values(), Base64))) == said(steps)


def test_what_was_read_has_its_place() -> None:
    captured = streams(lines(STEPS).values(), Base64)
    first, _ = messages(undo_base64(captured))
    assert (first.who, first.text) == ("anna", "¿Qué tal?")
    (span,) = first.sealed.spans
    assert base64.b64decode(first.sealed.data) == "¿Qué tal?".encode()
    assert (span.first, span.last) == (OFFSET, OFFSET + len(first.sealed.data) - 1)
    assert span.frame == first.sealed.time_ns == lines(STEPS)["anna"][3][0]


def test_what_is_not_base64_is_left_out() -> None:
    assert undo_base64(streams(lines(STEPS).values(), lambda: AesEcb(KEY))) == ()


def test_framed_lines_end_where_the_capture_does() -> None:
    (stream, *_) = streams(lines(STEPS).values(), lambda: AesEcb(KEY))
    found = framed_lines(stream)
    assert [line.number for line in found] == [0, 1, 2]
    assert stream.data == b"".join(len(line.data).to_bytes(2, "big") + line.data for line in found)
    for cut in range(1, found[-1].end - found[-2].end + 1):
        short = type(stream)(0, stream.source, stream.destination, True, stream.data[:-cut], stream.pieces, ())
        assert [line.data for line in framed_lines(short)] == [line.data for line in found[:2]]


def test_text_lines() -> None:
    (stream, *_) = streams(lines(STEPS).values(), Base64)
    assert b"".join(line.data + b"\n" for line in text_lines(stream)) == stream.data
    opened = b"a\n" + bytes(len(stream.data) - 2)
    assert [(line.start, line.end) for line in text_lines(stream, opened)] == [(0, 1)]


def test_who_has_no_name_says_nothing() -> None:
    reads = [read for read in undo_base64(streams(lines(STEPS).values(), Base64)) if read.plaintext != b"anna"]
    assert heard(reads) == [("bob", "!!")]


def test_commands_and_names_are_no_messages() -> None:
    assert not says_something(b"\xff")
    assert not says_something(b"\x00")
    assert says_something("¿Qué?\t".encode())
    assert name_of(b"anna") == "anna"
    assert name_of(b"two words") is None
    assert name_of(b"\xff") is None


@pytest.mark.parametrize("name", ["a", "anna", "elevenchars", "twentycharactersxxxx"])
def test_the_welcome_is_a_crib(name: str) -> None:
    stream = bytes(range(7, 107))
    client, server = streams(lines((Join(name),)).values(), lambda: AesCtrReused(KEY, KEY))[:2]
    known, cribs = welcome_cribs(framed_lines(client)[0], framed_lines(server)[0])
    sealed = AesCtrReused(KEY, KEY).seal(bytes(100))[2:]
    assert known == sealed[: len(welcome(name))]
    assert cribs[0].text == WELCOME.decode() == "* welcome, "
    assert cribs[-1].text == f"* welcome, {name}. 1 here: {name}"
    assert [crib.reaches for crib in cribs] == sorted({crib.reaches for crib in cribs})
    assert combined(stream, b"\x01") == bytes([6])


def test_a_welcome_that_does_not_fit_gives_nothing() -> None:
    client, server, *_ = streams(lines(STEPS).values(), lambda: AesGcm(KEY))
    assert welcome_cribs(framed_lines(client)[0], framed_lines(server)[0]) == (b"", ())
    empty = Sealed(client, 0, 0, 0)
    assert welcome_cribs(empty, empty) == (b"", ())
    assert empty.spans == ()


def test_a_key_opens_until_something_was_changed() -> None:
    (stream, *_) = streams(lines(STEPS).values(), lambda: AesGcm(KEY))
    opened = open_with(AesGcm(KEY), framed_lines(stream))
    assert [read.plaintext for read in opened] == [b"anna", "¿Qué tal?".encode(), b"!quit"]
    assert open_with(AesGcm(bytes(15) + b"\x01"), framed_lines(stream)) == ()
    assert len(open_with(AesGcm(KEY), (framed_lines(stream)[0], framed_lines(stream)[2]))) == 1


def test_streams_go_in_pairs() -> None:
    found = in_pairs([[], [], [], []])
    assert found == (([], []), ([], []))
