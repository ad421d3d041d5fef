import gzip
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.randomness import chance_hits, chance_of, chi_square_p, entropy, examine

# NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4, "Upper-tail critical values of chi-square distribution":
# degrees of freedom -> the values that are exceeded with probability 0.10, 0.05, 0.025, 0.01 and 0.001.
CRITICAL = {
    1: (2.706, 3.841, 5.024, 6.635, 10.828),
    2: (4.605, 5.991, 7.378, 9.210, 13.816),
    5: (9.236, 11.070, 12.833, 15.086, 20.515),
    10: (15.987, 18.307, 20.483, 23.209, 29.588),
    15: (22.307, 24.996, 27.488, 30.578, 37.697),
    50: (63.167, 67.505, 71.420, 76.154, 86.661),
    100: (118.498, 124.342, 129.561, 135.807, 149.449),
}
TEXT = b"The quick brown fox jumps over the lazy dog, and everyone in the chat reads every word of it. "


@pytest.mark.parametrize("degrees", CRITICAL)
def test_chi_square_against_the_table(degrees: int) -> None:
    for value, chance in zip(CRITICAL[degrees], (0.10, 0.05, 0.025, 0.01, 0.001), strict=True):
        assert chi_square_p(value, degrees) == pytest.approx(chance, rel=2e-3)


@given(st.floats(0, 2000))
def test_chi_square_where_it_has_a_simple_form(value: float) -> None:
    # two degrees of freedom: exponential; one: the normal distribution's two tails
    assert chi_square_p(value, 2) == pytest.approx(math.exp(-value / 2), rel=1e-9, abs=1e-300)
    assert chi_square_p(value, 1) == pytest.approx(math.erfc(math.sqrt(value / 2)), rel=1e-6, abs=1e-14)


@given(st.floats(0, 1e9), st.integers(1, 1000))
def test_a_p_value_is_a_chance(value: float, degrees: int) -> None:
    assert 0 <= chi_square_p(value, degrees) <= 1


def test_what_has_no_distribution() -> None:
    for value, degrees in ((-1.0, 3), (1.0, 0)):
        with pytest.raises(ValueError, match="no chi-square distribution"):
            chi_square_p(value, degrees)


def test_entropy() -> None:
    assert entropy(b"") == 0
    assert entropy(b"aaaa") == 0
    assert entropy(b"abab") == pytest.approx(1)
    assert entropy(bytes(range(256)) * 3) == pytest.approx(8)


@pytest.mark.parametrize(
    ("size", "degrees"), [(0, None), (1, None), (2, 1), (39, 1), (40, 15), (1279, 15), (1280, 255), (9999, 255)]
)
def test_as_many_classes_as_the_sample_fills(size: int, degrees: int | None) -> None:
    found = examine(os.urandom(size))
    assert (found.degrees if found else None) == degrees
    if found is not None:
        assert found.sample == size
        # Cochran's rule: every class is expected five times at least
        per_byte = {1: 8, 15: 2, 255: 1}[found.degrees]
        assert size * per_byte / (found.degrees + 1) >= 5


@pytest.mark.parametrize("size", [20, 60, 2000])
def test_the_systems_random_bytes_pass(size: int) -> None:
    # 200 samples at one in a million each: a failure once in 5,000 runs would be chance, and so the bound is lower
    p_values = [found.p_value for _ in range(200) if (found := examine(os.urandom(size)))]
    assert len(p_values) == 200
    assert min(p_values) > 1e-9
    # p-values of random bytes are spread evenly: half of them below a half, give or take seven standard deviations
    assert 50 < sum(p < 0.5 for p in p_values) < 150


def test_text_fails_and_what_is_merely_even_passes() -> None:
    for size in (60, 500, 2000):
        found = examine((TEXT * 30)[:size])
        assert found is not None
        assert found.p_value < 1e-6
    even = examine(bytes(range(256)) * 8)
    assert even is not None
    assert even.p_value == pytest.approx(1)
    assert even.entropy == pytest.approx(8)


def test_the_statistic_is_pearsons() -> None:
    found = examine(b"\x0f" * 40)  # 40 halves of 0 and 40 of 15, each of 16 expected 5 times
    assert found is not None
    assert found.statistic == pytest.approx(2 * (40 - 5) ** 2 / 5 + 14 * 5)
    bits = examine(b"\x01\x00")
    assert bits is not None
    assert bits.statistic == pytest.approx((15 - 8) ** 2 / 8 + (1 - 8) ** 2 / 8)


def test_compressed_bytes_look_random_too(data: Path) -> None:
    words = "".join((data.parent / "data" / "make.py").read_text().split()).encode()
    found = examine(gzip.compress(words)[10:1000])
    assert found is not None
    assert found.entropy > 7


def test_chance_hits() -> None:
    assert chance_hits(1, 256) == 1
    assert chance_hits(2, 65537) == 1
    assert chance_hits(5, 4) == 0
    assert chance_hits(500, 10**6) == 0


@given(st.floats(1e-3, 50), st.integers(1, 80))
def test_chance_of_by_direct_summation(expected: float, hits: int) -> None:
    below = math.fsum(math.exp(-expected + k * math.log(expected) - math.lgamma(k + 1)) for k in range(hits))
    assert chance_of(hits, expected) == pytest.approx(1 - below, abs=1e-12)


def test_chance_of_the_ends() -> None:
    assert chance_of(0, 0.5) == 1
    assert chance_of(-1, 0.5) == 1
    assert chance_of(1, 0) == 0
