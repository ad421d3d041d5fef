from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.rate import Bucket

# Times and rates that a float holds exactly, so that the oracle's fractions can be compared with it.
EIGHTHS = st.integers(0, 400).map(lambda eighths: eighths / 8)
RATES = st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0, 16.0])
TAKES = st.lists(st.tuples(EIGHTHS, st.integers(0, 20)), max_size=30)


@given(RATES, st.integers(1, 10), TAKES)
def test_it_gives_what_has_come_in_and_no_more(rate: float, burst: int, takes: list[tuple[float, int]]) -> None:
    now = 1000.0
    bucket, tokens = Bucket(rate, burst, now), Fraction(burst)
    for after, wanted in takes:
        now += after
        tokens = min(Fraction(burst), tokens + Fraction(after) * Fraction(rate))
        assert bucket.tokens(now) == tokens // 1
        taken = bucket.take(wanted, now)
        assert taken == min(wanted, tokens // 1)
        tokens -= taken
        assert bucket.wait == max(0, (1 - tokens) / Fraction(rate))


@given(st.floats(0.1, 1000), st.integers(1, 100), st.lists(st.floats(0, 10), min_size=1, max_size=40))
def test_nobody_is_faster_than_the_rate_and_the_burst(rate: float, burst: int, pauses: list[float]) -> None:
    bucket, now, taken = Bucket(rate, burst, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(10_000, now)
        assert taken <= (burst + now * rate) * (1 + 1e-9)


@given(RATES, st.integers(1, 10), st.integers(0, 30))
def test_waiting_is_enough_and_not_too_long(rate: float, burst: int, before: int) -> None:
    bucket = Bucket(rate, burst, 0.0)
    taken = bucket.take(before, 0.0)
    assert taken == min(before, burst)
    wait = bucket.wait
    assert (wait > 0) == (before >= burst)
    if wait:
        assert bucket.take(1, wait / 2) == 0
        assert bucket.take(1, wait) == 1


def test_a_new_one_is_full_and_never_fuller() -> None:
    bucket = Bucket(2.0, 5, 0.0)
    assert bucket.take(9, 0.0) == 5
    assert bucket.wait == 0.5
    assert bucket.take(9, 1000.0) == 5


def test_what_is_not_wanted_stays() -> None:
    bucket = Bucket(1.0, 5, 0.0)
    assert [bucket.take(2, 0.0), bucket.take(0, 0.0), bucket.take(2, 0.0), bucket.take(2, 0.0)] == [2, 0, 2, 1]


@pytest.mark.parametrize("now", [0.0, 5.0])
def test_a_rate_of_zero_is_no_limit(now: float) -> None:
    bucket = Bucket(0, 1, 0.0)
    assert bucket.take(10**9, now) == 10**9
    assert bucket.wait == 0.0
