"""Draws are HMACs, as openssl computes them; they are even, apart from each other, and the same again."""

import subprocess
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.exercises.draw import Draw, draw_of, seed_of

DRAW = Draw(bytes(range(32)))


def openssl_hmac(openssl: str, key: bytes, data: bytes) -> bytes:
    command = [openssl, "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}", "-binary"]
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=30).stdout


def test_a_seed_is_an_hmac_of_student_and_exercise(tool: Callable[[str], str]) -> None:
    openssl = tool("openssl")
    assert seed_of(b"secret", "ana", "e04") == openssl_hmac(openssl, b"secret", b"\0\0\0\3anae04")


def test_bytes_are_hmacs_of_block_and_label(tool: Callable[[str], str]) -> None:
    openssl = tool("openssl")
    blocks = [openssl_hmac(openssl, DRAW.seed, bytes([0, 0, 0, block]) + b"words") for block in (0, 1)]
    assert DRAW.bytes("words", 40) == b"".join(blocks)[:40]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((b"s", "ab", "c"), (b"s", "a", "bc")),
        ((b"s", "ana", "e1"), (b"t", "ana", "e1")),
        ((b"s", "ana", "e1"), (b"s", "ana", "e2")),
        ((b"s", "ana", "e1"), (b"s", "Ana", "e1")),
    ],
)
def test_no_two_seeds_are_the_same(one: tuple[bytes, str, str], other: tuple[bytes, str, str]) -> None:
    assert seed_of(*one) != seed_of(*other)


@given(st.integers(-1000, 1000), st.integers(0, 1 << 70), st.text(max_size=5))
def test_a_number_is_within_its_limits_and_the_same_again(low: int, span: int, label: str) -> None:
    number = DRAW.number(label, low, low + span)
    assert low <= number <= low + span
    assert number == Draw(bytes(range(32))).number(label, low, low + span)


def test_numbers_are_even() -> None:
    """3,000 draws of six: each face within five standard deviations (20.4) of 500."""
    faces = Counter(DRAW.number(f"die {at}", 1, 6) for at in range(3000))
    assert set(faces) == {1, 2, 3, 4, 5, 6}
    assert all(abs(count - 500) < 102 for count in faces.values())


def test_a_sample_has_each_at_most_once_and_every_order() -> None:
    assert sorted(DRAW.shuffled("all", range(50))) == list(range(50))
    assert len({DRAW.shuffled(f"try {at}", "abc") for at in range(100)}) == 6
    assert set(DRAW.sample("two", "ab", 2)) == {"a", "b"}


def test_the_seed_is_not_shown() -> None:
    assert DRAW.seed.hex() not in repr(DRAW)
    assert "\\x01\\x02" not in repr(DRAW)


def test_who_has_the_secret_draws_as_the_student_does() -> None:
    assert draw_of(b"secret", "ana", "e04") == Draw(seed_of(b"secret", "ana", "e04"))
