"""How a sequence of messages that came differs from the one that was sent. Pure; knows neither words nor records."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How what came differs from what was sent; {n} is the first message that does, {m} the one before it."""

    SAME = "as it was sent"
    CHANGED = "message {n} is another"
    DOUBLED = "message {n} comes twice"
    MISSING = "message {n} is missing"
    SWAPPED = "message {n} comes after the one that followed it"
    ENDED = "nothing comes after message {m}"
    OTHER = "something else comes from message {n} on"


@dataclass(frozen=True, slots=True)
class Difference:
    """How what came differs from what was sent, and from which message on, counted from 0."""

    kind: Kind
    at: int = 0

    def __str__(self) -> str:
        return self.kind.format(n=self.at + 1, m=self.at)


def difference(sent: Sequence[bytes], came: Sequence[bytes]) -> Difference:
    """Return how `came` differs from `sent`, no two of which are the same."""
    at = next((n for n, (a, b) in enumerate(zip(sent, came, strict=False)) if a != b), min(len(sent), len(came)))
    ours, theirs = list(sent[at:]), list(came[at:])
    if ours == theirs:
        return Difference(Kind.SAME)
    if not theirs:
        return Difference(Kind.ENDED, at)
    if at and theirs == [sent[at - 1], *ours]:
        return Difference(Kind.DOUBLED, at - 1)
    if theirs == ours[1:]:
        return Difference(Kind.MISSING, at)
    if theirs == [*ours[1:2], *ours[:1], *ours[2:]]:
        return Difference(Kind.SWAPPED, at)
    if ours and theirs[1:] == ours[1:]:
        return Difference(Kind.CHANGED, at)
    return Difference(Kind.OTHER, at)
