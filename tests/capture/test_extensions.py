from collections.abc import Callable

import pytest

from capture import extensions
from capture.errors import MalformedError
from capture.fields import Cursor

# A reader, all that its extension can hold, what it returns, and the names of the fields, without what stands before
# the last dot.
BODIES: list[tuple[Callable[[Cursor], object], str, object, list[str]]] = [
    (
        extensions.server_name,
        "0004 00 0001 61",
        "a",
        ["server_name_list_len", "server_name_type", "server_name_len", "server_name"],
    ),
    (extensions.alpn, "0003 02 6832", ("h2",), ["alpn_len", "alpn_str_len", "alpn_str"]),
    (extensions.selected_version, "0304", 0x0304, ["supported_version"]),
    (extensions.max_early_data, "00004000", 16384, ["max_early_data_size"]),
    (extensions.renegotiation_info, "02 6162", b"ab", ["reneg_info_len", "reneg_info"]),
    (
        extensions.status_request,
        "01 0000 0000",
        None,
        ["status_request_type", "status_request_responder_ids_len", "status_request_exts_len"],
    ),
    (
        extensions.status_request_v2,
        "0007 02 0004 0000 0000",
        None,
        [
            "status_request_list_len",
            "status_request_type",
            "status_request_len",
            "status_request_responder_ids_len",
            "status_request_exts_len",
        ],
    ),
    (extensions.max_fragment_length, "02", 2, ["max_fragment_length"]),
    (extensions.record_size_limit, "4001", 0x4001, ["record_size_limit"]),
    (extensions.heartbeat, "01", 1, ["mode"]),
    (extensions.compress_certificate, "04 0001 0002", (1, 2), ["algorithms_length", "algorithm", "algorithm"]),
    (extensions.certificate_authorities, "0004 0002 3000", (b"\x30\0",), ["dnames_len", "dname_len", "dname"]),
]


@pytest.mark.parametrize(("read", "body", "value", "names"), BODIES)
def test_what_an_extension_says(read: Callable[[Cursor], object], body: str, value: object, names: list[str]) -> None:
    cursor = Cursor(bytes.fromhex(body), 100)
    assert read(cursor) == value
    cursor.done()
    found = [field.name.rpartition(".")[2].removeprefix("extensions_") for field in cursor.fields]
    assert found == names
    assert (cursor.fields[0].start, cursor.fields[-1].end) == (100, 100 + len(bytes.fromhex(body)))


@pytest.mark.parametrize(("read", "body"), [row[:2] for row in BODIES])
def test_every_part_of_an_extension_is_malformed(read: Callable[[Cursor], object], body: str) -> None:
    whole = bytes.fromhex(body)
    optional = (extensions.server_name, extensions.status_request, extensions.status_request_v2)
    for size in range(1 if read in optional else 0, len(whole)):
        with pytest.raises(MalformedError) as raised:
            read(Cursor(whole[:size], 100))
        assert 100 <= raised.value.offset <= 100 + size


def test_bodies_without_a_rule() -> None:
    for read in (extensions.padding, extensions.extension_data):
        cursor = Cursor(b"\0\0")
        assert read(cursor) == b"\0\0"
        assert [(field.start, field.end) for field in cursor.fields] == [(0, 2)]
    assert extensions.nothing(Cursor(b""))


def test_extensions_by_type() -> None:
    block = Cursor(bytes.fromhex("0023 0000 002b 0002 0304 abcd 0001 ff"), 10)
    found = extensions.split_extensions(block)
    assert {kind: (body.base, body.data.hex()) for kind, body in found.items()} == {
        35: (14, ""),
        43: (18, "0304"),
        0xABCD: (24, "ff"),
    }
    with pytest.raises(MalformedError, match="extension 35 comes twice") as raised:
        extensions.split_extensions(Cursor(bytes.fromhex("0023 0000 0023 0000"), 10))
    assert raised.value.offset == 14
    with pytest.raises(MalformedError):
        extensions.split_extensions(Cursor(bytes.fromhex("0023 0001")))
