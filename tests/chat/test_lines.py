from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import ProtocolError
from chat.lines import MAX_LINE, LineReader, too_long


def shown(found: list[bytes | ProtocolError]) -> list[bytes | str]:
    return [str(item) if isinstance(item, ProtocolError) else item for item in found]


def by_the_book(data: bytes, limit: int) -> list[bytes | str]:
    """What a reader should find that has all the bytes at once and all the memory it likes."""
    lines: list[bytes | str] = []
    *ended, rest = data.split(b"\n")
    for line in ended:
        bare = line[:-1] if line.endswith(b"\r") else line
        lines.append(f"A line has at most {limit} bytes: send it in several." if len(bare) > limit else bare)
    if len(rest) > limit + 1 or (len(rest) == limit + 1 and not rest.endswith(b"\r")):
        lines.append(f"A line has at most {limit} bytes: send it in several.")
    return lines


STREAM = "alice\r\nhóla 👋\n\n!users\nunfinished".encode()


def test_lines_whole() -> None:
    reader = LineReader()
    assert reader.feed(STREAM) == [b"alice", "hóla 👋".encode(), b"", b"!users"]
    assert reader.pending == b"unfinished"


def test_lines_byte_by_byte() -> None:
    reader = LineReader()
    found = [line for byte in STREAM for line in reader.feed(bytes([byte]))]
    assert found == [b"alice", "hóla 👋".encode(), b"", b"!users"]
    assert reader.pending == b"unfinished"


def test_nothing_fed_is_nothing_found() -> None:
    reader = LineReader()
    assert reader.feed(b"") == []
    assert reader.feed(b"half") == []
    assert reader.feed(b"") == []
    assert reader.feed(b" a line\n") == [b"half a line"]
    assert reader.pending == b""


@given(
    st.lists(st.text("ab\r\n", max_size=9).map(str.encode), max_size=12),
    st.integers(min_value=1, max_value=6),
)
def test_lines_do_not_depend_on_how_they_are_cut(chunks: list[bytes], limit: int) -> None:
    reader = LineReader(limit)
    found = [line for chunk in chunks for line in reader.feed(chunk)]
    assert shown(found) == by_the_book(b"".join(chunks), limit)
    assert len(reader.pending) <= limit + 1


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=8), st.integers(1, 20))
def test_the_same_bytes_in_other_pieces_are_the_same_lines(data: bytes, cuts: list[int], limit: int) -> None:
    whole, cut = LineReader(limit), LineReader(limit)
    ends = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(ends)]
    found = [line for piece in pieces for line in cut.feed(piece)]
    assert shown(found) == shown(whole.feed(data)) == by_the_book(data, limit)
    assert cut.pending == whole.pending


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_limit_is_exact(end: bytes) -> None:
    longest = b"x" * MAX_LINE
    assert LineReader().feed(longest + end) == [longest]
    first, second = LineReader().feed(longest + b"x" + end + b"next\n")
    assert isinstance(first, ProtocolError)
    assert str(first) == "A line has at most 4096 bytes: send it in several."
    assert second == b"next"


def test_a_line_is_too_long_as_soon_as_that_is_sure() -> None:
    """One byte more than the limit may be half of a CRLF, two cannot."""
    reader = LineReader(4)
    assert reader.feed(b"1234\r") == []
    assert shown(reader.feed(b"\r")) == [str(too_long(4))]
    assert reader.feed(b"\n") == []
    assert reader.feed(b"1234\r") == []
    assert reader.feed(b"\n") == [b"1234"]
    assert shown(reader.feed(b"12345")) == [str(too_long(4))]
    assert reader.feed(b"\nnext\n") == [b"next"]


def test_an_endless_line_is_reported_once_and_not_kept() -> None:
    reader = LineReader()
    found = [line for _ in range(160) for line in reader.feed(b"x" * 65536)]
    assert len(found) == 1
    assert reader.pending == b""
    assert reader.feed(b"tail\nnext\n") == [b"next"]


@given(
    st.lists(st.text("ab\r\n", max_size=9).map(str.encode), max_size=12),
    st.lists(st.integers(min_value=0, max_value=4), max_size=20),
    st.integers(min_value=1, max_value=6),
)
def test_lines_may_wait_until_they_are_asked_for(chunks: list[bytes], asked: list[int], limit: int) -> None:
    reader = LineReader(limit)
    found = []
    for chunk in chunks:
        most = asked.pop() if asked else 1
        some = reader.feed(chunk, most)
        assert len([line for line in some if isinstance(line, bytes)]) <= most
        found += some
    while reader.waiting:
        found += reader.feed(b"", 1)
    assert shown(found) == by_the_book(b"".join(chunks), limit)


def test_lines_that_wait_are_kept_as_they_came() -> None:
    reader = LineReader()
    assert reader.feed(b"a\nb\nc\nd", 1) == [b"a"]
    assert reader.waiting
    assert reader.feed(b"e\n", 2) == [b"b", b"c"]
    assert reader.feed(b"") == [b"de"]
    assert not reader.waiting
