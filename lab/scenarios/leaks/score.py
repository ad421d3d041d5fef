"""How good the guesses are, against the truth and against chance. Pure.

A score counts only where guessing blindly would reach it less than once in a million times (`lab.verdict.ALPHA`), so
that a lucky draw is not taken for a leak, nor a leak for one.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lab.scenarios.leaks.guess import Guess
from lab.scenarios.leaks.talk import Line
from lab.verdict import ALPHA


@dataclass(frozen=True, slots=True)
class Score:
    """How many of some guesses are right.

    Attributes:
        right: these.
        of: all.
        chance: the probability to be right blindly, for each.
    """

    right: int
    of: int
    chance: float

    @property
    def expected(self) -> float:
        """How many are right by guessing blindly, on average."""
        return self.of * self.chance

    @property
    def p_value(self) -> float:
        """How often guessing blindly is right at least as often: the upper tail of a binomial distribution."""
        return at_least(self.right, self.of, self.chance)

    @property
    def above_chance(self) -> bool:
        """Whether chance is no explanation."""
        return self.p_value < ALPHA


@dataclass(frozen=True, slots=True)
class Scores:
    """How good the guesses on one conversation are.

    Attributes:
        message: what was said.
        speaker: who said it.
        answer: whether it answered the message before, or opened a new subject.
    """

    message: Score
    speaker: Score
    answer: Score


KINDS: Mapping[str, Callable[[Scores], Score]] = {
    "what is said": lambda scores: scores.message,
    "who says it": lambda scores: scores.speaker,
    "who is answered": lambda scores: scores.answer,
}


def score(truth: Sequence[Line], guesses: Sequence[Guess], phrases: int, speakers: int) -> Scores:
    """Compare guesses with what was said.

    What blind guessing reaches follows from how conversations are drawn, which is public: each phrase and each speaker
    is as likely as the others, and half of the messages answer.
    """
    pairs = list(zip(truth, guesses, strict=True))
    return Scores(
        message=Score(sum(line.phrase == said.phrase for line, said in pairs), len(pairs), 1 / phrases),
        speaker=Score(sum(line.speaker == said.speaker for line, said in pairs), len(pairs), 1 / speakers),
        answer=Score(sum(line.answers == said.answers for line, said in pairs), len(pairs), 1 / 2),
    )


def at_least(right: int, of: int, chance: float) -> float:
    """Return the probability of `right` or more successes in `of` trials, each with probability `chance`."""
    tail = math.fsum(math.comb(of, n) * chance**n * (1 - chance) ** (of - n) for n in range(right, of + 1))
    return min(1.0, tail)


def fewer(truth: Sequence[Line], guesses: Sequence[Guess], others: Sequence[Guess]) -> bool:
    """Tell whether so many fewer messages are named than by other guesses at them that chance is no explanation.

    The messages are the same, so only those count that the two do not agree on (McNemar's test, exact).
    """
    named = [
        (one.phrase == line.phrase, other.phrase == line.phrase)
        for line, one, other in zip(truth, guesses, others, strict=True)
    ]
    lost, won = named.count((False, True)), named.count((True, False))
    return at_least(lost, lost + won, 1 / 2) < ALPHA
