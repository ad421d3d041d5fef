from fractions import Fraction
from math import comb

import pytest

from lab.scenarios.leaks.guess import Guess
from lab.scenarios.leaks.score import Score, at_least, fewer, score
from lab.scenarios.leaks.talk import Line


@pytest.mark.parametrize(
    ("right", "of", "chance"),
    [(0, 200, 1 / 48), (4, 200, 1 / 48), (20, 200, 1 / 48), (138, 200, 1 / 48), (134, 200, 1 / 2), (200, 200, 1 / 4)],
)
def test_the_tail_of_a_binomial_distribution(right: int, of: int, chance: float) -> None:
    """Against the sum in whole numbers."""
    p = Fraction(chance)
    exact = sum(comb(of, n) * p**n * (1 - p) ** (of - n) for n in range(right, of + 1))
    assert at_least(right, of, chance) == pytest.approx(float(exact), rel=1e-9)


def test_what_counts_as_a_leak() -> None:
    # the smallest scores of 200 whose tails are below one in a million, from the exact sums above
    assert not Score(17, 200, 1 / 48).above_chance
    assert Score(18, 200, 1 / 48).above_chance
    assert not Score(133, 200, 1 / 2).above_chance
    assert Score(134, 200, 1 / 2).above_chance
    assert Score(0, 200, 1 / 48).p_value == pytest.approx(1)
    assert Score(100, 200, 1 / 2).expected == 100


@pytest.mark.parametrize(
    ("lost", "won", "is_fewer"),
    # so many heads and more, of as many coins: 7 and 42 in ten million of 40, 19 and 9.5 of 19 and of 20
    [(35, 5, True), (34, 6, False), (5, 35, False), (19, 0, False), (20, 0, True), (0, 0, False), (100, 100, False)],
)
def test_fewer_only_where_chance_is_no_explanation(lost: int, won: int, is_fewer: bool) -> None:
    """Messages that both name, or neither, say nothing: two tables of 200 differ in so many alone."""
    pairs = [("a", "b")] * lost + [("b", "a")] * won
    pairs += [("a", "a"), ("b", "b")] * ((200 - len(pairs)) // 2)
    truth = [Line(0, "a", False, 0)] * len(pairs)
    before, after = ([Guess(0, pair[side], 1, False) for pair in pairs] for side in (0, 1))
    assert fewer(truth, after, before) is is_fewer


def test_each_guess_counts_once_and_for_its_own_message() -> None:
    truth = (Line(0, "a", False, 0), Line(1, "b", True, 0), Line(0, "a", False, 0))
    guesses = (Guess(0, "a", 1, False), Guess(0, "b", 1, False), Guess(1, "b", 1, False))
    scores = score(truth, guesses, 2, 4)
    assert (scores.message.right, scores.speaker.right, scores.answer.right) == (2, 1, 2)
    assert (scores.message.chance, scores.speaker.chance, scores.answer.chance) == (1 / 2, 1 / 4, 1 / 2)
    with pytest.raises(ValueError, match="shorter"):
        score(truth, guesses[:2], 2, 4)
