import pytest

from capture.dissectors.values import kind_of, name_of, number_of


@pytest.mark.parametrize(
    ("value", "data", "number"),
    [
        ("38", b"\x26", 38),
        ("0x0303", b"\3\3", 0x303),
        ("20", b"\x45", 20),  # ip.hdr_len: in bytes, where the packet has 5 words
        ("-2", b"\0\0", -2),
        ("1", b"\x40", 1),
        ("True", b"\x40", 1),
        ("False", b"\x40", 0),
        ("16", b"\x10", 16),
        ("10", b"\x10", None),  # a byte of no type
        ("05", b"\5", None),
        ("01:02", b"\1\2", None),
        ("10.0.0.1", b"\x0a\0\0\1", None),
        ("12", b"12", None),  # text
        ("12", b"12\0", None),
        ("True", b"True", None),
        ('"38"', b"38", None),
        ("hello", b"hello", None),
        ("1.5", b"\0", None),
        ("\u0663", b"\3", None),  # a digit, but not Wireshark's
        ("", b"\0", None),
    ],
)
def test_number_of(value: str, data: bytes, number: int | None) -> None:
    assert number_of(value, data) == number


def test_name_of() -> None:
    assert name_of("TLSv1.3 Record Layer: Handshake Protocol: Client Hello") == "tls.record"
    assert name_of("Verify Data") == "tls.handshake.verify_data"
    assert name_of("Verify Data of something else") == ""


def test_kind_of() -> None:
    assert kind_of("Decrypted TLS (6 bytes)") == "decrypted"
    assert kind_of("Reassembled TCP (6 bytes)") == "reassembled"
