"""Do these bytes look random? Tests whose answer holds for the size of the sample, and how often chance finds a word.

Pure. A high p-value says "as even as random bytes would be", and never "secure": compressed or XORed data can look
just as even.
"""

import math
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Randomness:
    """The outcome of a test against the hypothesis "every byte is equally likely".

    Attributes:
        test: what was done, in words.
        sample: bytes in the sample.
        statistic: the chi-square statistic.
        degrees: its degrees of freedom.
        p_value: how often truly random bytes would be at least this uneven, 0 to 1.
        entropy: bits per byte in the sample, 0 to 8; at most log2 of the sample's size, however random it is.
    """

    test: str
    sample: int
    statistic: float
    degrees: int
    p_value: float
    entropy: float


def chi_square_p(statistic: float, degrees: int) -> float:
    """Return the chance that a chi-square variable is at least `statistic`: Q(degrees / 2, statistic / 2).

    The regularised incomplete gamma function, by its series below a + 1 and by its continued fraction (Lentz) above
    (NIST Digital Library of Mathematical Functions, 8.11.4; 8.9.2, its even part).

    Raises:
        ValueError: the statistic is negative, or there is no degree of freedom.
    """
    if statistic < 0 or degrees < 1:
        msg = f"no chi-square distribution has {degrees} degrees of freedom and a value of {statistic}"
        raise ValueError(msg)
    a, x = degrees / 2, statistic / 2
    if x == 0:
        return 1.0
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while term > total * 1e-16:
            n += 1
            term *= x / n
            total += term
        return 1 - scale * total
    tiny = 1e-300
    b = x + 1 - a
    c, d = 1 / tiny, 1 / b
    fraction = d
    for i in range(1, 10_000):
        numerator = -i * (i - a)
        b += 2
        d = 1 / (numerator * d + b or tiny)
        c = b + numerator / c or tiny
        fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return scale * fraction


def entropy(data: bytes) -> float:
    """Return Shannon's entropy of the byte frequencies, in bits per byte; 0 for no bytes."""
    total = len(data)
    return -sum(n / total * math.log2(n / total) for n in Counter(data).values()) + 0.0


def examine(data: bytes) -> Randomness | None:
    """Test whether the bytes are evenly spread, with as many classes as the sample can fill; None: too few bytes.

    A chi-square test holds where every class is expected at least 5 times (Cochran 1954): 256 byte values from 1,280
    bytes on, 16 half bytes from 40 bytes on, the two bit values from 2 bytes on.
    """
    size = len(data)
    if size >= 5 * 256:
        counts, classes, test = Counter(data), 256, "chi-square over the 256 byte values"
    elif size * 2 >= 5 * 16:
        halves = Counter(byte >> 4 for byte in data)
        halves.update(byte & 0xF for byte in data)
        counts, classes, test = halves, 16, "chi-square over the 16 half bytes"
    elif size * 8 >= 5 * 2:
        ones = sum(byte.bit_count() for byte in data)
        counts, classes, test = Counter({0: size * 8 - ones, 1: ones}), 2, "chi-square over the bits"
    else:
        return None
    expected = counts.total() / classes
    statistic = sum((counts[value] - expected) ** 2 / expected for value in range(classes))
    p_value = chi_square_p(statistic, classes - 1)
    return Randomness(test, size, statistic, classes - 1, p_value, entropy(data))


def chance_hits(length: int, searched: int) -> float:
    """Return how often `length` given bytes are expected in `searched` random bytes, by chance alone."""
    return math.ldexp(max(0, searched - length + 1), -8 * length)  # underflows to 0 for long ones


def chance_of(hits: int, expected: float) -> float:
    """Return the chance of at least `hits` hits where `expected` are expected (Poisson), 0 to 1."""
    if hits <= 0:
        return 1.0
    if expected == 0:
        return 0.0
    # 2k events against a rate is a chi-square: P(X >= k) = P(k, expected), DLMF 8.4.9
    return 1 - chi_square_p(2 * expected, 2 * hits)
