import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.inside import CLOSED, Inside, look_inside

TICKET_13 = bytes.fromhex("00001c20 01020304 01 00 0003 aabbcc 0000")
TICKET_EARLY = bytes.fromhex("0000000a 01020304 02 0000 0001 aa 000c 00ff0000 002a0004 00000400")
TICKET_12 = bytes.fromhex("0000012c 0002 aabb")
RETRY = bytes.fromhex("0303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def message(msg_type: int, body: bytes) -> bytes:
    return bytes([msg_type]) + len(body).to_bytes(3, "big") + body


def inside(*contents: tuple[int, bytes], tls13: bool = True) -> list[list[str]]:
    return [[str(thing) for thing in things] for things in look_inside(contents, tls13=tls13)]


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (message(4, TICKET_13), "New Session Ticket (ticket of 3 bytes, for 7200 s)"),
        (message(4, TICKET_EARLY), "New Session Ticket (ticket of 1 bytes, for 10 s, allows 1024 bytes of early data)"),
        (message(24, b"\0"), "Key Update (update_not_requested)"),
        (message(24, b"\1"), "Key Update (update_requested)"),
        (message(24, b"\7"), "Key Update (request_update 7)"),
        (message(20, bytes(48)), "Finished (verify_data of 48 bytes)"),
        (message(2, RETRY), "Hello Retry Request"),
        (message(2, bytes(34)), "Server Hello"),
        (message(5, b""), "End of Early Data"),
        (message(77, b""), "handshake type 77"),
    ],
)
def test_messages_by_name(data: bytes, named: str) -> None:
    assert inside((22, data)) == [[named]]


def test_a_ticket_of_tls_1_2() -> None:
    assert inside((22, message(4, TICKET_12)), tls13=False) == [["New Session Ticket (ticket of 2 bytes, for 300 s)"]]


@pytest.mark.parametrize("body", [TICKET_13, TICKET_EARLY, b"\1"])
def test_messages_that_are_malformed_say_so(body: bytes) -> None:
    msg_type = 24 if len(body) == 1 else 4
    for wrong in [body[:end] for end in range(len(body))] + [body + b"\0"]:
        ((named,),) = inside((22, message(msg_type, wrong)))
        assert "malformed: " in named


def test_alerts_and_the_rest() -> None:
    assert inside(
        (21, b"\1\0"), (21, b"\2\x28"), (21, b"\x09\xfa"), (20, b"\1"), (23, b"words"), (0, b""), (24, b"x")
    ) == [
        ["Close Notify (Warning alert)"],
        ["Handshake Failure (Fatal alert)"],
        ["alert 250 (level 9 alert)"],
        ["Change Cipher Spec (means nothing)"],
        [],
        ["content type 0"],
        ["heartbeat"],
    ]
    assert inside((20, b"\1"), tls13=False) == [["Change Cipher Spec"]]
    for wrong in (b"", b"\1", b"\1\0\1\0"):
        assert inside((21, wrong)) == [[f"Alert (malformed: {len(wrong)} bytes instead of 2)"]]


def test_several_in_a_record_and_one_in_several() -> None:
    data = message(8, b"\0\0") + message(11, bytes(20)) + message(20, bytes(32))
    assert inside((22, data)) == [["Encrypted Extensions", "Certificate", "Finished (verify_data of 32 bytes)"]]
    # the certificate begins in byte 6 and ends before byte 30
    assert inside((22, data[:8]), (23, b"between"), (22, data[8:20]), (22, b""), (22, data[20:])) == [
        ["Encrypted Extensions", "Certificate (goes on in the next record)"],
        [],
        ["rest of Certificate"],
        ["rest of Certificate"],
        ["rest of Certificate", "Finished (verify_data of 32 bytes)"],
    ]


def test_what_is_missing() -> None:
    data = message(11, bytes(20))
    for end in range(1, len(data)):
        assert inside((22, data[:end])) == [["Certificate (the rest is missing)"]]
    # what could not be read may have ended it: nothing behind it is taken for its rest
    assert inside((22, data[:9]), CLOSED, (22, message(24, b"\0"))) == [
        ["Certificate (the rest is missing)"], [], ["Key Update (update_not_requested)"],
    ]  # fmt: skip


@given(
    types=st.lists(st.tuples(st.sampled_from([4, 8, 11, 13, 15, 20, 24]), st.binary(max_size=30)), max_size=6),
    cuts=st.lists(st.integers(0, 200), max_size=12),
)
def test_cut_anywhere_each_message_is_named_once(types: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = b"".join(message(kind, body) for kind, body in types)
    whole = [str(thing.name) for thing in look_inside([(22, data)], tls13=True)[0]]
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [(22, data[start:end]) for start, end in itertools.pairwise(places)]
    found = look_inside(pieces, tls13=True)
    assert [thing.name for things in found for thing in things if not thing.name.startswith("rest of ")] == whole
    assert len(found) == len(pieces)


@given(
    contents=st.lists(st.tuples(st.sampled_from([-1, 0, 20, 21, 22, 23, 24, 99]), st.binary(max_size=60)), max_size=8)
)
def test_anything_is_named_or_left_alone(contents: list[tuple[int, bytes]]) -> None:
    contents = [CLOSED if kind == -1 else (kind, data) for kind, data in contents]
    found = look_inside(contents, tls13=bool(len(contents) % 2))
    assert len(found) == len(contents)
    for (kind, data), things in zip(contents, found, strict=True):
        assert all(isinstance(thing, Inside) and thing.name for thing in things)
        if (kind, data) == CLOSED or kind == 23:
            assert things == ()
