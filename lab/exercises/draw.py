"""What differs from student to student: drawn from the course's secret, the student and the exercise, by HMAC.

Pure. Whoever has the secret draws the same again; a student has the seeds of their own exercises only, and nobody gets
from a seed to the secret or to somebody else's (HMAC, RFC 2104). Each draw has a label and depends on nothing else, so
that one draw more changes none of the others.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

SEED = 32  # bytes, of SHA-256
_SLOW = 8  # bytes more than a number needs: what is uneven in it is then below one in 2^64


def seed_of(secret: bytes, student: str, exercise: str) -> bytes:
    """Return the seed of one student's exercise: HMAC-SHA256(secret, student, exercise), 32 bytes."""
    # the length in front keeps ("ab", "c") apart from ("a", "bc")
    name = student.encode()
    return hmac.digest(secret, len(name).to_bytes(4, "big") + name + exercise.encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Draw:
    """Draws by label.

    Attributes:
        seed: 32 bytes.
    """

    seed: bytes = field(repr=False)

    def bytes(self, label: str, length: int) -> bytes:
        """Return so many bytes."""
        blocks = -(-length // SEED)
        stream = b"".join(
            hmac.digest(self.seed, block.to_bytes(4, "big") + label.encode(), hashlib.sha256) for block in range(blocks)
        )
        return stream[:length]

    def number(self, label: str, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        span = high - low + 1
        length = (span.bit_length() + 7) // 8 + _SLOW
        return low + int.from_bytes(self.bytes(label, length), "big") % span

    def choice(self, label: str, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.number(label, 0, len(options) - 1)]

    def sample(self, label: str, options: Sequence[T], count: int) -> tuple[T, ...]:
        """Return so many of the options, each at most once, in an order that is drawn, too."""
        left = list(options)
        return tuple(left.pop(self.number(f"{label} {at}", 0, len(left) - 1)) for at in range(count))

    def shuffled(self, label: str, items: Sequence[T]) -> tuple[T, ...]:
        """Return all the items in an order that is drawn."""
        return self.sample(label, items, len(items))


def draw_of(secret: bytes, student: str, exercise: str) -> Draw:
    """Return what a student draws in an exercise: for whoever has the course's secret."""
    return Draw(seed_of(secret, student, exercise))
