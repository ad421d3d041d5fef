"""Hostile input, other each time; the whole run is `python -m tests.capture.hostile.fuzz --inputs 100000`."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture import extensions, hello, protection, streams, tls
from capture.handshake import parse_certificate, parse_new_session_ticket, parse_server_key_exchange
from capture.hello import parse_client_hello, parse_server_hello
from capture.tls import HandshakeMessage, HandshakeReader
from tests.capture.hostile import fuzz, samples

INPUTS = 500  # of each kind


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_hostile_input_is_read_as_what_it_is(kind: str) -> None:
    """What fails says how it is made again: by its kind, seed and number."""
    result = fuzz.fuzz(time.time_ns() % 10**9, INPUTS, [kind])
    assert not result.failed, result.failed[0]
    assert sum(result.outcomes.values()) == INPUTS
    assert len(result.outcomes) > 1, "all of one kind of input ends alike: nothing is compared"


def test_tshark_reads_hostile_records_alike(tool: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    tool("tshark")
    status = fuzz.against_tshark(time.time_ns() % 10**9, 120)
    assert status == 0, capsys.readouterr().out


FAULTS: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "a type of records forgotten": ("records", lambda m: m.delitem(tls.CONTENT_TYPES, 24)),
    "a length one too long": ("records", lambda m: m.setattr(tls, "_MAX_FRAGMENT", (1 << 14) + 2047)),
    "half a header taken for a right one": ("records", lambda m: m.setattr(tls, "_RIGHT", b"\x16\3\3\xff\xff")),
    "session ids of any length": ("ClientHello", lambda m: m.setattr(hello, "_MAX_SESSION_ID", 255)),
    "no extension is empty": (
        "ServerHello",
        lambda m: m.setattr(extensions, "nothing", lambda cursor: cursor.number(1)),
    ),
    "messages go on after another record": (
        "connection",
        lambda m: m.setattr(HandshakeReader, "break_off", lambda _: None),
    ),
    "two bytes are encrypted": ("connection", lambda m: m.setattr(protection, "_SHORTEST", 0)),
    "any suite encrypts": ("connection", lambda m: m.setattr(protection, "_ENCRYPTS", range(1 << 16))),
    "another exception than ours": ("file", lambda m: m.delattr(streams.ByteStream, "slice")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, plant = FAULTS[fault]
    samples.samples()
    plant(monkeypatch)
    for number in range(40):
        if fuzz.fuzz(1, 100, [kind], first=100 * number).failed:
            return
    pytest.fail("4000 inputs did not find it")


def test_the_same_seed_makes_the_same_input(capsys: pytest.CaptureFixture[str]) -> None:
    for kind in fuzz.KINDS:
        first, second = (fuzz.fuzz(7, 5, [kind]) for _ in range(2))
        assert first.outcomes == second.outcomes
    assert fuzz.main(["--inputs", "20", "--seed", "3"]) == 0
    assert "20 inputs as they should be, 0 not" in capsys.readouterr().out
    assert fuzz.main(["--only", "records", "--seed", "3", "--number", "4"]) == 0


def test_a_failure_is_the_exit_status(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delitem(tls.CONTENT_TYPES, 22)
    assert fuzz.main(["--inputs", "20", "--seed", "3", "--only", "records"]) == 1
    assert "FAILED --only 'records' --seed 3 --number" in capsys.readouterr().out


def vector(size: int, *parts: bytes) -> bytes:
    return sum(map(len, parts)).to_bytes(size, "big") + b"".join(parts)


def two(numbers: tuple[int, ...]) -> bytes:
    return b"".join(number.to_bytes(2, "big") for number in numbers)


NUMBERS = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=9).map(tuple)
NAME = st.text("abcdefghijklmnopqrstuvwxyz-.", min_size=1, max_size=30)
RANDOM = st.binary(min_size=32, max_size=32)


@settings(max_examples=40, deadline=None)
@given(
    random=RANDOM,
    session_id=st.binary(max_size=32),
    cipher_suites=NUMBERS,
    server_name=NAME,
    alpn=st.lists(NAME, max_size=3).map(tuple),
    supported_groups=NUMBERS,
    ticket=st.binary(max_size=50),
    shares=st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=3),
)
def test_what_a_client_hello_is_made_of_comes_out(
    random: bytes,
    session_id: bytes,
    cipher_suites: tuple[int, ...],
    server_name: str,
    alpn: tuple[str, ...],
    supported_groups: tuple[int, ...],
    ticket: bytes,
    shares: list[tuple[int, bytes]],
) -> None:
    extensions = {
        0: vector(2, b"\0" + vector(2, server_name.encode())),
        16: vector(2, *(vector(1, name.encode()) for name in alpn)),
        10: vector(2, two(supported_groups)),
        35: ticket,
        51: vector(2, *(two((group,)) + vector(2, key) for group, key in shares)),
        23: b"",
    }
    block = vector(2, *(two((kind,)) + vector(2, body) for kind, body in extensions.items()))
    head = b"\3\3" + random + vector(1, session_id) + vector(2, two(cipher_suites)) + b"\1\0"
    found = parse_client_hello(head + block)
    assert (found.random, found.session_id, found.cipher_suites) == (random, session_id, cipher_suites)
    assert (found.server_name, found.alpn, found.supported_groups) == (server_name, alpn, supported_groups)
    assert (found.session_ticket, found.key_share_groups) == (ticket, tuple(group for group, _ in shares))
    assert (found.extension_types, found.extended_master_secret) == (tuple(extensions), True)


@settings(max_examples=40, deadline=None)
@given(random=RANDOM, suite=st.integers(0, 0xFFFF), group=st.integers(0, 0xFFFF), parts=st.lists(st.binary()))
def test_what_an_answer_is_made_of_comes_out(random: bytes, suite: int, group: int, parts: list[bytes]) -> None:
    shared = two((51, 36 + 4, group)) + vector(2, bytes(36)) + two((43, 2, 0x0304))
    answer = parse_server_hello(b"\3\3" + random + b"\0" + two((suite,)) + b"\0" + vector(2, shared))
    assert (answer.random, answer.cipher_suite, answer.version) == (random, suite, 0x0304)
    assert answer.key_share_group == group
    chain = vector(3, *(vector(3, part) for part in parts))
    assert parse_certificate(HandshakeMessage(11, chain)).certificates == tuple(parts)
    old = parse_server_hello(b"\3\3" + random + b"\0" + two((0xC02F,)) + b"\0")
    exchange = b"\3" + two((group,)) + vector(1, random) + two((suite,)) + vector(2, random)
    found = parse_server_key_exchange(HandshakeMessage(12, exchange), old)
    assert (found.group, found.signature_algorithm) == (group, suite)
    ticket = parse_new_session_ticket(HandshakeMessage(4, two((0, suite)) + vector(2, random)))
    assert (ticket.lifetime_hint, ticket.ticket) == (suite, random)
