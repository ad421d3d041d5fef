from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from capture.keylog import read_keylog
from capture.readers import read_segments
from capture.streams import ByteStream, Gap, reassemble
from lab.sessions import sessions

DATA = Path(__file__).parent.parent / "data"
KEYS = read_keylog(DATA / "tls13.keys.txt")
Streams = Callable[..., tuple[ByteStream, ...]]


def tls_streams() -> tuple[ByteStream, ...]:
    return reassemble(read_segments(DATA / "tls13.pcapng", "scapy"))


def cut(stream: ByteStream, data: bytes) -> ByteStream:
    """The stream with other data of no more than its length."""
    pieces = tuple(
        replace(piece, length=min(piece.length, len(data) - piece.start))
        for piece in stream.pieces
        if piece.start < len(data)
    )
    return replace(stream, data=data, pieces=pieces)


def test_plaintext_is_readable_as_it_is(streams_of: Streams) -> None:
    streams = streams_of((">", b"anna\n"), ("<", b"* welcome, anna. 1 here: anna\n"))
    for keys in (None, KEYS):
        (session,) = sessions(streams, keys)
        assert (session.is_tls, session.opened, session.problems) == (False, None, ())
        assert session.readable == streams


def test_tls_is_closed_without_keys_and_open_with_them() -> None:
    (closed,) = sessions(tls_streams(), None)
    assert (closed.is_tls, closed.opened, closed.readable, closed.problems) == (True, None, (), ())
    (opened,) = sessions(tls_streams(), KEYS)
    assert opened.problems == ()
    assert opened.readable[0].data.startswith(b"anna\nhello, who is here?\n")


def test_words_before_tls_are_readable_and_so_is_what_was_opened(streams_of: Streams) -> None:
    ours, theirs = tls_streams()
    words = b"STARTTLS\n", b"go ahead\n"
    turns = ((">", words[0]), ("<", words[1]), (">", ours.data), ("<", theirs.data))
    streams = streams_of(*turns)
    (closed,) = sessions(streams, None)
    assert (closed.is_tls, closed.is_closed, closed.problems) == (True, True, ())
    assert tuple(stream.data for stream in closed.readable) == words
    (opened,) = sessions(streams, KEYS)
    assert (opened.is_closed, opened.problems) == (False, ())
    client = opened.readable[0]
    assert client.data.startswith(b"STARTTLS\nanna\nhello, who is here?\n")
    at = client.data.index(b"hello")
    (span,) = client.locate(at, at + 5)
    (word,) = client.locate(0, 8)
    assert (word.frame, span.frame) == (3, 5), "each byte stands where it was captured"


@pytest.mark.parametrize("keys", [None, KEYS])
def test_records_that_end_too_early_are_a_problem(keys: object) -> None:
    ours, theirs = tls_streams()
    (session,) = sessions((cut(ours, ours.data[:-1]), theirs), KEYS if keys else None)
    (problem,) = session.problems
    assert problem.startswith(f"TLS from {ours.source} to {ours.destination}: the stream ends ")
    assert problem.endswith(" bytes into a record.")


def test_a_record_that_breaks_the_rules_is_a_problem() -> None:
    ours, theirs = tls_streams()
    (whole,) = sessions((ours, theirs), None)
    last = whole.client.records[-1].start
    broken = ours.data[:last] + b"\x00" + ours.data[last + 1 :]
    (session,) = sessions((replace(ours, data=broken), theirs), KEYS)
    (problem,) = session.problems
    assert "00 is not a TLS content type" in problem
    assert session.readable, "what comes before it is read all the same"


def test_missing_bytes_and_missing_keys_are_said() -> None:
    ours, theirs = tls_streams()
    (session,) = sessions((replace(ours, gaps=(Gap(len(ours.data), 7),)), theirs), None)
    assert session.problems[0] == f"7 bytes between {ours.source} and {ours.destination} are not in the capture."
    (session,) = sessions((ours, theirs), read_keylog(DATA / "tls12.keys.txt"))
    assert session.readable == ()
    assert "belongs to another session" in session.problems[0]
