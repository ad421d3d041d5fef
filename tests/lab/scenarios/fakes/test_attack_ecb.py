import secrets
from collections.abc import Callable
from functools import partial

import pytest

from capture.streams import ByteStream
from chat.lines import MAX_LINE
from lab.scenario import Say
from lab.scenarios.codecs import AesCtrReused, AesEcb, Codec
from lab.scenarios.fakes.attack_ecb import EcbAttack, attack_ecb, codebook, cut
from lab.scenarios.fakes.attacks import framed_lines
from lab.scenarios.fakes.scenario import typed
from lab.scenarios.fakes.talk import conversation, dictation
from tests.lab.scenarios.fakes.sealed import heard, lines, said, streams

DICTATED = dictation(MAX_LINE)


def attack(
    seed: int,
    make: Callable[[], Codec],
    others: Callable[[], Codec] | None = None,
    told: tuple[bytes, ...] | None = None,
) -> EcbAttack:
    own: ByteStream = streams(lines(DICTATED).values(), make)[0]
    theirs = streams(lines(conversation(seed)).values(), others or make)
    return attack_ecb(theirs, own, typed(DICTATED) if told is None else told)


def test_every_message_is_read_under_random_keys() -> None:
    for seed in range(20):
        key = secrets.token_bytes(16)
        found = attack(seed, partial(AesEcb, key))
        assert heard(found.reads) == said(conversation(seed))
        assert found.different < found.blocks
        assert all(read.sealed.stream.from_client for read in found.reads)


def test_equal_blocks_are_counted_and_found() -> None:
    found = attack(0, lambda: AesEcb(bytes(16)))
    captured = streams(lines(conversation(0)).values(), lambda: AesEcb(bytes(16)))
    blocks = [block for stream in captured for line in framed_lines(stream) for block in cut(line.data)]
    assert (found.blocks, found.different) == (len(blocks), len(set(blocks)))
    assert found.repeat is not None
    assert len(found.repeat.places) == blocks.count(found.repeat.block) == max(map(blocks.count, blocks))
    assert found.said == sum(map(len, typed(DICTATED)))


def test_what_was_not_said_is_not_read() -> None:
    key = secrets.token_bytes(16)
    steps = (*conversation(0)[:3], Say("alice", "A sentence that is on no list."))
    theirs = streams(lines(steps).values(), lambda: AesEcb(key))
    own = streams(lines(DICTATED).values(), lambda: AesEcb(key))[0]
    found = attack_ecb(theirs, own, typed(DICTATED))
    assert heard(found.reads) == []
    assert b"alice" in [read.plaintext for read in found.reads]


@pytest.mark.parametrize("told", [(), (b"mallory",)])
def test_without_knowing_what_was_said_there_is_no_codebook(told: tuple[bytes, ...]) -> None:
    found = attack(0, lambda: AesEcb(bytes(16)), told=told)
    assert (found.book, found.reads) == (0, ())


def test_another_key_for_the_others_is_not_read() -> None:
    assert attack(0, lambda: AesEcb(bytes(16)), lambda: AesEcb(bytes(15) + b"\x01")).reads == ()


def test_ctr_has_no_codebook() -> None:
    # whole lines that are equal are known, blocks are not: their place is in the key stream
    found = attack(0, lambda: AesCtrReused(secrets.token_bytes(16), secrets.token_bytes(16)))
    assert heard(found.reads) == []


def test_blocks_that_make_no_end_of_a_line() -> None:
    own = streams([[(1, True, b"x" * 32)]], lambda: AesEcb(bytes(16)))[0]
    book = codebook(framed_lines(own), (b"x" * 32,))
    assert set(book.values()) == {b"x" * 16, bytes([16]) * 16}
    theirs = streams([[(1, True, b"x" * 16)]], lambda: AesEcb(bytes(16)))
    assert [read.plaintext for read in attack_ecb(theirs, own, (b"x" * 32,)).reads] == [b"x" * 16]
    short = theirs[0].data[:2].replace(b"\x00\x20", b"\x00\x10") + theirs[0].data[2:18]
    broken = type(theirs[0])(0, theirs[0].source, theirs[0].destination, True, short, theirs[0].pieces, ())
    assert attack_ecb((broken,), own, (b"x" * 32,)).reads == ()
