import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import MalformedError
from capture.fields import Cursor, Field


def test_fields_stand_where_they_were_taken() -> None:
    cursor = Cursor(b"\3\3ab\0\2\x13\1rest", 10)
    assert cursor.number(2, "tls.handshake.version") == 0x0303
    assert cursor.opaque(2, "bytes") == b"ab"
    assert cursor.vector(2, "length").numbers(2, "tls.handshake.ciphersuite") == (0x1301,)
    assert cursor.number(1) == ord("r")
    assert cursor.text(3, "text") == "est"
    cursor.done()
    assert cursor.fields == [
        Field("tls.handshake.version", 0x0303, 10, 12),
        Field("bytes", b"ab", 12, 14),
        Field("length", 2, 14, 16),
        Field("tls.handshake.ciphersuite", 0x1301, 16, 18),
        Field("text", "est", 19, 22),
    ]
    assert [str(field) for field in cursor.fields] == ["TLS 1.2", "6162", "2", "TLS_AES_128_GCM_SHA256", "est"]


def test_nothing_is_no_field() -> None:
    cursor = Cursor(b"\0\0")
    assert cursor.vector(1, "length").opaque(0, "bytes") == b""
    assert cursor.vector(1, "length").text(0, "text") == ""
    assert [field.name for field in cursor.fields] == ["length", "length"]


def test_text_stays_harmless() -> None:
    assert Cursor(b"a\xff\x80").text(3) == "a\\xff\\x80"


@pytest.mark.parametrize(
    ("data", "offset", "text"),
    [
        (b"", 5, "1 bytes were announced and 0 are left"),
        (b"\4abc", 6, "4 bytes were announced and 3 are left"),
        (b"\3abc", 8, "2 bytes were announced and 1 are left"),
        (b"\2abc", 8, "1 bytes stand after the end of what they belong to"),
    ],
)
def test_lengths_that_do_not_fit(data: bytes, offset: int, text: str) -> None:
    def parse(cursor: Cursor) -> None:
        cursor.vector(1).numbers(2)
        cursor.done()

    with pytest.raises(MalformedError, match=text) as raised:
        parse(Cursor(data, 5))
    assert raised.value.offset == offset


@given(st.binary(max_size=30), st.lists(st.tuples(st.sampled_from("novt"), st.integers(1, 4)), max_size=6))
def test_fields_cover_what_was_taken(data: bytes, steps: list[tuple[str, int]]) -> None:
    cursor = top = Cursor(data)
    try:
        for step, length in steps:
            if step == "v":
                cursor = cursor.vector(length, "length")
            else:
                {"n": cursor.number, "o": cursor.opaque, "t": cursor.text}[step](length, "value")
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)  # noqa: PT017  (both ends are right)
    ends = [0]
    for field in top.fields:
        assert field.start == ends[-1] < field.end
        if isinstance(field.value, int):
            assert field.value == int.from_bytes(data[field.start : field.end], "big")
        ends.append(field.end)
    assert ends[-1] <= len(data)
