"""The attack on a repeating XOR key: its length by coincidences, its bytes by a crib. Pure.

Where two bytes stand a multiple of the key's length apart, the same byte of the key lies on both, and they are equal as
often as two letters of text are: far more often than two bytes that have nothing to do with each other (Friedman's
index of coincidence, 1922). The crib is the server's welcome.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from capture.streams import ByteStream
from lab.scenarios.fakes.attacks import Crib, Read, Sealed, combined, says_something, text_lines, welcome_cribs

LONGEST = 40  # bytes of the longest key that is looked for
# The key's length and its multiples make far more bytes equal than any other length, and chance decides which of them
# makes the most. Those above this share of the best are tried, the shortest first.
_NEARLY = 0.5


@dataclass(frozen=True, slots=True)
class Guess:
    """A length that the key may have: of `pairs` bytes that far apart, so many are `equal`."""

    length: int
    equal: int
    pairs: int

    @property
    def rate(self) -> float:
        """The share that is equal, 0 to 1."""
        return self.equal / self.pairs if self.pairs else 0.0


@dataclass(frozen=True, slots=True)
class XorAttack:
    """What the attack found.

    Attributes:
        guesses: every length tried.
        cribs: the known plaintext, in the order in which it became known.
        key: the key, None where none was found.
        reads: the lines that were read.
    """

    guesses: tuple[Guess, ...]
    cribs: tuple[Crib, ...]
    key: bytes | None
    reads: tuple[Read, ...]


def attack_xor(streams: Sequence[ByteStream]) -> XorAttack:
    """Read the streams of a chat under a repeating key, in pairs, the client's first.

    The key that the crib has must repeat with the length that the coincidences have, and open all of it as text.
    """
    guesses = tuple(coincidences(streams, length) for length in range(1, LONGEST + 1))
    best = max(guess.rate for guess in guesses)
    likely = [guess.length for guess in guesses if best and guess.rate >= _NEARLY * best]
    stretch, cribs = welcome_cribs(*(Sealed(stream, 0, 0, len(stream.data)) for stream in streams[:2]))
    for length in likely:
        key = stretch[:length]
        if len(key) < length or combined(stretch, _repeated(key, len(stretch))) != bytes(len(stretch)):
            continue
        reads = tuple(read for stream in streams for read in _opened(stream, key))
        if all(says_something(read.plaintext) for read in reads):
            return XorAttack(guesses, cribs, key, reads)
    return XorAttack(guesses, cribs, None, ())


def coincidences(streams: Sequence[ByteStream], length: int) -> Guess:
    """Count the bytes that are equal to the one `length` further on."""
    equal = sum(a == b for s in streams for a, b in zip(s.data, s.data[length:], strict=False))
    return Guess(length, equal, sum(max(0, len(s.data) - length) for s in streams))


def _repeated(key: bytes, size: int) -> bytes:
    return (key * (size // len(key) + 1))[:size]


def _opened(stream: ByteStream, key: bytes) -> list[Read]:
    opened = combined(stream.data, _repeated(key, len(stream.data)))
    return [Read(line, opened[line.start : line.end]) for line in text_lines(stream, opened)]
