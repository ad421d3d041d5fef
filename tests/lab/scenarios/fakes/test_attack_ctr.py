import os
import secrets
from collections.abc import Callable
from functools import partial

import pytest

from lab.scenario import Join, Leave, Say
from lab.scenarios.codecs import AesCtrReused, AesEcb, AesGcm, Codec
from lab.scenarios.fakes.attack_ctr import CtrAttack, attack_ctr
from lab.scenarios.fakes.attacks import framed_lines, in_pairs
from lab.scenarios.fakes.talk import conversation
from tests.lab.scenarios.fakes.sealed import Line, heard, lines, said, streams


class Fresh(AesCtrReused):
    """What it should have been: a nonce of its own for each line."""

    def __init__(self) -> None:
        super().__init__(os.urandom(16), os.urandom(16))

    def seal(self, line: bytes) -> bytes:
        return AesCtrReused(os.urandom(16), os.urandom(16)).seal(line)


def attack(conversed: dict[str, list[Line]], make: Callable[[], Codec]) -> CtrAttack:
    return attack_ctr(in_pairs(list(map(framed_lines, streams(conversed.values(), make)))))


def test_every_message_is_read_under_random_keys() -> None:
    for seed in range(50):
        steps, key, nonce = conversation(seed), secrets.token_bytes(16), secrets.token_bytes(16)
        found = attack(lines(steps), partial(AesCtrReused, key, nonce))
        assert heard(found.reads) == said(steps)
        assert found.stream == AesCtrReused(key, nonce).seal(bytes(len(found.stream)))[2:]
        reaches = [crib.reaches for crib in found.cribs]
        assert reaches == sorted(set(reaches))
        assert reaches[0] == 11
        assert reaches[-1] == len(found.stream)


def test_with_a_fresh_nonce_nothing_is_read() -> None:
    conversed = lines(conversation(4))
    for _ in range(50):
        assert heard(attack(conversed, Fresh).reads) == []


@pytest.mark.parametrize("make", [lambda: AesGcm(bytes(16)), lambda: AesEcb(bytes(16))])
def test_nor_of_other_ciphers(make: Callable[[], Codec]) -> None:
    assert heard(attack(lines(conversation(4)), make).reads) == []


def test_where_nobody_listens_nothing_is_repeated() -> None:
    long = "a line that is longer than the welcome of anna, and never repeated"
    found = attack(
        lines((Join("anna"), Say("anna", "short"), Say("anna", long))), lambda: AesCtrReused(bytes(16), bytes(16))
    )
    assert heard(found.reads) == [("anna", "short")]
    assert len(found.stream) == len("* welcome, anna. 1 here: anna")


def test_one_who_comes_late_and_a_long_line() -> None:
    steps = (
        *(Join("anna"), Join("bob"), Say("anna", "before"), Say("bob", "¿qué? " * 100), Join("carol")),
        *(Say("anna", "after!"), Leave("bob"), Say("carol", "x" * 700)),
    )
    found = attack(lines(steps), lambda: AesCtrReused(bytes(16), bytes(16)))
    assert heard(found.reads) == said(steps)


def test_nothing_captured_nothing_read() -> None:
    assert attack_ctr(()) == CtrAttack((), b"", ())
    assert attack_ctr((((), ()),)) == CtrAttack((), b"", ())
