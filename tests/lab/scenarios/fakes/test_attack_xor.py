import secrets
from functools import partial

import pytest

from lab.scenario import Join, Say
from lab.scenarios.codecs import AesCtrReused, Base64, RepeatingXor
from lab.scenarios.fakes.attack_xor import LONGEST, attack_xor, coincidences
from lab.scenarios.fakes.talk import conversation
from tests.lab.scenarios.fakes.sealed import heard, lines, said, streams


@pytest.mark.parametrize("length", range(11, 17))
def test_every_message_is_read_under_random_keys(length: int) -> None:
    for seed in range(10):
        steps = conversation(seed)
        key = secrets.token_bytes(length)
        attack = attack_xor(streams(lines(steps).values(), partial(RepeatingXor, key)))
        assert attack.key == key
        assert heard(attack.reads) == said(steps)


@pytest.mark.parametrize("length", [2, 5, 29, 31])
def test_shorter_and_longer_keys(length: int) -> None:
    steps, key = conversation(3), bytes(range(100, 100 + length))
    attack = attack_xor(streams(lines(steps).values(), lambda: RepeatingXor(key)))
    assert attack.key == key
    assert heard(attack.reads) == said(steps)


def test_a_key_as_long_as_the_traffic_is_not_found() -> None:
    conversed = lines(conversation(1)).values()
    for _ in range(10):
        pad = secrets.token_bytes(1 << 13)
        attack = attack_xor(streams(conversed, partial(RepeatingXor, pad)))
        assert (attack.key, attack.reads) == (None, ())
        assert attack.cribs  # they fit, and lead nowhere
        assert max(guess.rate for guess in attack.guesses) < 0.03


def test_a_key_for_each_direction_is_not_found() -> None:
    conversed = lines(conversation(1)).values()
    attack = attack_xor(streams(conversed, lambda: RepeatingXor(secrets.token_bytes(13))))
    assert (attack.key, attack.reads) == (None, ())


def test_what_is_something_else_is_not_read() -> None:
    conversed = lines(conversation(1)).values()
    for _ in range(10):
        key = secrets.token_bytes(16)
        assert attack_xor(streams(conversed, partial(AesCtrReused, key, key))).reads == ()
    assert attack_xor(streams(conversed, Base64)).reads == ()


def test_coincidences_are_counted() -> None:
    client, server = streams(lines((Join("anna"), Say("anna", "xyxyxy"))).values(), lambda: RepeatingXor(b"\0"))
    assert client.data == b"anna\nxyxyxy\n!quit\n"
    only = coincidences([client], 2)
    # in "xyxyxy" four, in "anna\n" none, "\n" and what stands two further on are not equal
    assert (only.equal, only.pairs) == (4, len(client.data) - 2)
    both = coincidences([client, server], 1)
    assert both.pairs == len(client.data) + len(server.data) - 2
    assert coincidences([client], LONGEST).rate == 0
