import pytest

from capture.anatomy_messages import Fields, is_retry, message_fields
from capture.hello import RETRY_RANDOM, ServerHello, parse_server_hello

HELLO = bytes(32) + b"\0"


def answer(suite: int, version: int = 0x0303) -> ServerHello:
    chosen = b"" if version < 0x0304 else bytes.fromhex("0006 002b 0002") + version.to_bytes(2, "big")
    said = min(version, 0x0303).to_bytes(2, "big")
    return parse_server_hello(said + HELLO + suite.to_bytes(2, "big") + b"\0" + chosen)


def read(msg_type: int, body: str, hello: ServerHello | None) -> Fields:
    return message_fields(msg_type, bytes.fromhex(body), 100, hello)


def short(found: Fields) -> list[str]:
    """The names, without what all of them begin with, and what a field has in it, in hexadecimal or as a number."""
    shown = [field.value.hex() if isinstance(field.value, bytes) else str(field.value) for field in found.fields]
    names = [field.name.removeprefix("tls.").removeprefix("handshake.") for field in found.fields]
    return [f"{name} {value}" for name, value in zip(names, shown, strict=True)]


def test_an_exchange_with_curve_and_shared_key() -> None:
    """RFC 5489, section 2: Wireshark leaves it as it is."""
    found = read(12, "0002 6869 03 0017 02 0405", answer(0xC037))
    assert short(found) == [
        "hint_len 2",
        "hint 6869",
        "server_curve_type 3",
        "server_named_curve 23",
        "server_point_len 2",
        "server_point 0405",
    ]
    assert (found.title, found.problem) == ("PSK Server Params", "")
    found = read(16, "0001 61 01 62", answer(0xC037))
    assert short(found) == ["identity_len 1", "identity 61", "client_point_len 1", "client_point 62"]


def test_certificates_of_tls_13() -> None:
    tls13 = answer(0x1301, 0x0304)
    assert short(read(13, "01 aa 0008 000d 0004 0002 0804", tls13)) == [
        "certificate_request_context_length 1",
        "certificate_request_context aa",
        "extensions_length 8",
        "extension.type 13",
        "extension.len 4",
        "sig_hash_alg_len 2",
        "sig_hash_alg 2052",
    ]
    assert short(read(11, "00 000007 000002 3000 0000", tls13))[1:] == [
        "certificates_length 7",
        "certificate_length 2",
        "certificate 3000",
        "extensions_length 0",
    ]
    assert short(read(25, "0002 000010 000003 010203", tls13)) == [
        "compress_certificate.algorithm 2",
        "compress_certificate.uncompressed_length 16",
        "compress_certificate.compressed_certificate_message.length 3",
        "compress_certificate.compressed_certificate_message 010203",
    ]


@pytest.mark.parametrize(
    ("msg_type", "body", "hello"),
    [
        (1, "0303" + "00" * 32 + "00 0002 1301 01 00", None),
        (11, "000005 000002 3000", answer(0xC02F)),
        (11, "00 000007 000002 3000 0000", answer(0x1301, 0x0304)),
        (12, "0002 6869", answer(0x00A8)),
        (13, "01 01 0002 0401 0004 0002 3000", answer(0xC02F)),
        (15, "0804 0002 6162", answer(0x1301, 0x0304)),
        (4, "00000001 0002 6162", answer(0xC02F)),
        (4, "00000001 00000002 01 03 0002 6162 0000", answer(0x1301, 0x0304)),
        (24, "01", answer(0x1301, 0x0304)),
    ],
)
def test_a_message_cut_short_says_why(msg_type: int, body: str, hello: ServerHello | None) -> None:
    """What stands before that place is there; what is too much is said, too."""
    whole = read(msg_type, body, hello)
    data = bytes.fromhex(body)
    assert not whole.problem
    assert whole.fields[-1].end == 100 + len(data)
    for size in range(len(data)):
        part = message_fields(msg_type, data[:size], 100, hello)
        if part.problem:
            assert "announced" in part.problem or "offers" in part.problem
        assert set(part.fields) <= {*whole.fields}
    longer = message_fields(msg_type, data + b"\0", 100, hello)
    assert longer.problem
    assert set(longer.fields) <= {*whole.fields}


def test_what_depends_on_a_hello_that_nobody_has() -> None:
    for msg_type in (12, 16, 99):
        assert read(msg_type, "0102", None) == Fields(())


def test_an_extension_that_breaks_a_rule_is_left_as_it_is() -> None:
    """Here a list of groups that is one byte too short: the fields before it stay."""
    body = "0303" + "00" * 32 + "00 0002 1301 01 00 000a 0023 0000 000a 0002 0001"
    found = read(1, body, None)
    assert "announced" in found.problem
    assert [line for line in short(found) if line.startswith("extension.type")] == [
        "extension.type 35",
        "extension.type 10",
    ]


def test_a_retry() -> None:
    body = b"\3\3" + RETRY_RANDOM + b"\0\x13\1\0"
    assert is_retry(2, body)
    assert not is_retry(1, body)
    assert not is_retry(2, b"\3\3" + HELLO)
