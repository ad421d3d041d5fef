import ssl
from collections.abc import Callable, Coroutine

import pytest

from chat.client import Client
from chat.eavesdropper import Row, Sent, rows
from chat.security import Lock
from chat.server import Server
from chat.words import Words

ENGLISH = Words("en")
Run = Callable[[Coroutine[None, None, None]], None]


def test_nothing_yet() -> None:
    (row,) = rows(None, ENGLISH)
    assert row.label == "Nothing sent yet"
    assert not row.exposed


def test_plaintext_is_an_open_book() -> None:
    assert rows(Sent("hola ñ", b"hola \xc3\xb1\n", Lock.READABLE), ENGLISH) == (
        Row("On the wire", "68:6f:6c:61:20:c3:b1:0a"),
        Row("Anyone reads", "hola ñ", exposed=True),
    )


def test_what_is_read_is_made_safe() -> None:
    read = rows(Sent("", b"\x1b[2J\xff\n", Lock.READABLE), ENGLISH)[1]
    assert read.value == "\\x1b[2J\\xff"


def test_a_record_taken_apart() -> None:
    wire = bytes.fromhex("170303001f") + bytes(31)
    seen = rows(Sent("hello", wire, Lock.VERIFIED), ENGLISH)
    assert seen[0].value == wire.hex(":")
    assert seen[2].label == "17:03:03"
    assert "application data" in seen[2].value
    assert seen[3] == Row("00:1f", "31 bytes follow; only the length shows")
    assert seen[1].value.startswith("nothing")
    assert not any(row.exposed for row in seen)


@pytest.mark.parametrize("wire", [b"", b"\x17\x03\x03\x00", bytes(5), b"\x15\x03\x03\x00\x02ab"])
def test_other_bytes_are_shown_too(wire: bytes) -> None:
    seen = rows(Sent("x", wire, Lock.UNVERIFIED), ENGLISH)
    assert seen[0].value == wire.hex(":")
    assert len(wire) < 5 or seen[2].value == f"a TLS record of type {wire[0]}"


def test_long_ones_are_cut_and_say_so() -> None:
    first, read = rows(Sent("x", b"x" * 4000 + b"\n", Lock.READABLE), ENGLISH)
    assert first.value.endswith("78… (4001 bytes in all)")
    assert len(first.value) < 300
    assert read.value.endswith("x …")
    assert len(read.value) < 400


def test_in_spanish() -> None:
    labels = [row.label for row in rows(Sent("x", b"x\n", Lock.READABLE), Words("es"))]
    assert labels == ["En el cable", "Cualquiera lee"]


def test_real_records(run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=server_context) as server,
            await Client.connect(*server.address, "alice", context=client_context) as alice,
        ):
            wire = await alice.send("the safe opens with 36-24-36")
            seen = rows(Sent("", wire, alice.security.lock), ENGLISH)
            assert seen[2].label == "17:03:03"
            assert seen[3].value.startswith(f"{len(wire) - 5} bytes follow")
            assert b"36-24-36".hex(":") not in seen[0].value

    run(main())
