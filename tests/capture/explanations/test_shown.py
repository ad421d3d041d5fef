import ipaddress

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from capture.explanations import shown


def encoded(dotted: str) -> bytes:
    """An object identifier as DER content, made by cryptography: an extension that holds nothing else."""
    whole = x509.ExtendedKeyUsage([x509.ObjectIdentifier(dotted)]).public_bytes()
    return whole[4:]  # the headers of the sequence and of the identifier


@pytest.mark.parametrize(
    "dotted", ["2.5.29.17", "1.2.840.10045.4.3.2", "1.3.6.1.4.1.11129.2.4.2", "2.999.3", "0.9.2342"]
)
def test_object_identifiers(dotted: str) -> None:
    content = encoded(dotted)
    assert shown.object_identifier(content) == dotted
    assert shown.object_identifier(b"\x30\x20\x06" + bytes([len(content)]) + content + b"\4\1x") == dotted
    assert shown.object_identifier(b"\x30\x82\1\0\x06" + bytes([len(content)]) + content + b"\4\1x") == dotted


@pytest.mark.parametrize("data", [b"", b"\x30", b"\x30\x82", b"\x30\x03\x04\x01x", b"\x30\x01\x06", b"\x55\x9d"])
def test_what_is_no_object_identifier(data: bytes) -> None:
    assert shown.object_identifier(data) == ""


def test_addresses() -> None:
    assert shown.address(bytes([127, 0, 0, 1])) == "127.0.0.1"
    assert shown.address(ipaddress.ip_address("2001:db8::1").packed) == "2001:db8::1"
    assert shown.address(bytes.fromhex("020000000001")) == "02:00:00:00:00:01"


def test_long_values_are_cut() -> None:
    assert shown.digits(bytes(range(20)), 20) == "00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f…"
    assert shown.digits(b"\x17\x03\x03", 3) == "17:03:03"
    assert shown.text(b"a" * 60, 60) == "a" * 60
    assert shown.text(b"a" * 64, 65536) == "a" * 60 + "…"
    assert shown.text("aé".encode() * 21, 63) == "aé" * 20 + "…"
    assert shown.text(b"a" * 59 + "é".encode(), 61) == "a" * 59 + "…"  # not half a letter


@given(st.binary(max_size=64))
def test_text_is_printable(data: bytes) -> None:
    assert shown.text(data, len(data)).isprintable()


@given(st.text(alphabet=st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=60))
def test_printable_text_stays(text: str) -> None:
    assert shown.text(text.encode(), len(text)) == text


def test_templates() -> None:
    every = " ".join(f"{{{name}}}" for name in shown.PLACEHOLDERS)
    assert shown.fill(
        every, 1, 4, b"abcd"
    ) == "1 1 byte 4 bytes 61:62:63:64 abcd 97.98.99.100 " + shown.object_identifier(b"abcd")
    assert shown.fill("It is {long} long.", None, 1, b"x") == "It is 1 byte long."
    assert shown.fill("It is {number}.", None, 9, b"123456789") == ""
    assert shown.fill("“{text}”", None, 8, b"{number}") == "“{number}”"
