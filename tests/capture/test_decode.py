import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.decode import Line, colon_hex, from_hex, hexdump, lines, strip_colons, valid_utf8
from capture.errors import MalformedError
from capture.segment import Endpoint
from capture.streams import ByteStream, Piece


def stream(data: bytes) -> ByteStream:
    return ByteStream(0, Endpoint("a", 1), Endpoint("b", 2), True, data, (Piece(0, len(data), 1, 54, 0),), ())


def shell(script: str, text: bytes) -> bytes:
    return subprocess.run(["sh", "-c", script], input=text, capture_output=True, timeout=30, check=True).stdout


@pytest.mark.parametrize(
    "text",
    ["", "68:6f:6c:61", "686f6c61", "68:6F:6c:61\n", "17:03:03:00:26", "68 6f\n6c 61\n", "::68::6f:", "\t68\r\n6f  "],
)
def test_the_same_bytes_as_the_shell_line(text: str, tool: Callable[[str], str]) -> None:
    tool("xxd")
    assert from_hex(text) == shell("tr -d ':' | xxd -ps -r", text.encode())


@settings(max_examples=30)
@given(st.binary(max_size=100))
def test_hex_there_and_back_and_as_the_shell_does_it(data: bytes) -> None:
    text = colon_hex(data)
    assert from_hex(text) == from_hex(text.upper()) == from_hex(strip_colons(text)) == data
    assert strip_colons(text) == data.hex()
    assert text.count(":") == max(0, len(data) - 1)
    assert shell("tr -d ':' | xxd -ps -r", text.encode()) == data


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("68:6g", 4, "'g' is not a hex digit"),
        ("0x68", 1, "'x' is not a hex digit"),
        ("68\x1b", 2, r"'\x1b' is not a hex digit"),
        ("68:ñ", 3, r"'\xf1' is not a hex digit"),
        ("٦٨", 0, r"'\u0666' is not a hex digit"),
        ("6", 0, "1 hex digits are not whole bytes"),
        ("68:6", 3, "3 hex digits are not whole bytes"),
        ("68:6\n", 3, "3 hex digits are not whole bytes"),
        ("68:6:\n:", 3, "3 hex digits are not whole bytes"),
    ],
)
def test_the_first_wrong_character_is_named(text: str, at: int, says: str) -> None:
    with pytest.raises(MalformedError) as raised:
        from_hex(text)
    assert raised.value.offset == at
    assert says in str(raised.value)


@given(st.text(max_size=20))
def test_any_text_is_hex_or_malformed(text: str) -> None:
    try:
        from_hex(text)
    except MalformedError as error:
        assert 0 <= error.offset < len(text)  # noqa: PT017  (both ends are right)


@pytest.mark.parametrize("size", [0, 1, 8, 15, 16, 17, 256])
def test_hexdump_is_that_of_xxd(size: int, tool: Callable[[str], str]) -> None:
    tool("xxd")
    data = bytes(at % 256 for at in range(size))
    assert hexdump(data) == shell("xxd -g1", data).decode().removesuffix("\n")
    assert hexdump(data, first=0x1F0) == shell("xxd -g1 -o 496", data).decode().removesuffix("\n")


def test_lines() -> None:
    found = list(lines(stream(b"one\r\ntwo\n\nfour")))
    assert found == [Line(0, b"one", True), Line(5, b"two", True), Line(9, b"", True), Line(10, b"four", False)]
    assert list(lines(stream(b""))) == []
    assert [line.text for line in lines(stream("¿sí?\n\xff\n".encode() + b"\xff\n"))] == ["¿sí?", "ÿ", None]


@given(st.lists(st.binary(max_size=9).filter(lambda part: b"\n" not in part and not part.endswith(b"\r"))))
def test_lines_there_and_back(parts: list[bytes]) -> None:
    data = b"".join(part + b"\n" for part in parts)
    found = list(lines(stream(data)))
    assert [line.data for line in found] == parts
    assert all(line.complete and data[line.start : line.start + len(line.data)] == line.data for line in found)


@given(st.text(max_size=20), st.binary(max_size=9))
def test_valid_utf8(text: str, noise: bytes) -> None:
    data = text.encode() + noise
    size = valid_utf8(data)
    assert len(text.encode()) <= size <= len(data)
    assert data[:size].decode().startswith(text)
    if size < len(data):
        with pytest.raises(UnicodeDecodeError):
            data[: size + 4].decode()
