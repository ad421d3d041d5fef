"""The messages that are timed: each says when it was sent and which it is. Read by the lab's programs and the peers'.

All are 32 bytes long: a letter, the sender's monotonic clock in nanoseconds, a number, a line feed. The letters, in
the order in which they come: W while the capture starts, S while it works off what it has, T for those that count, E
at the end, again and again until the capture has seen one.
"""

import json
import re
import time
from collections.abc import Iterable, Sequence

WARM, SETTLE, TIMED, END = b"W", b"S", b"T", b"E"
LENGTH = 32
_MESSAGE = re.compile(rb"([WSTE])(\d{20}) (\d{9})\n")


def message(kind: bytes, number: int) -> bytes:
    """Return a message that is sent now."""
    return b"%b%020d %09d\n" % (kind, time.monotonic_ns(), number)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of `values` that at least `share` of them do not exceed (nearest rank)."""
    rank = -int(-len(values) * share // 1)
    return sorted(values)[max(rank, 1) - 1]


def numbers(payloads: Iterable[bytes]) -> set[int]:
    """Return the numbers of the timed messages in payloads that follow one another."""
    found = set()
    rest = b""
    for payload in payloads:
        data = rest + payload
        end = 0
        for one in _MESSAGE.finditer(data):
            end = one.end()
            if one[1] == TIMED:
                found.add(int(one[3]))
        rest = data[end:][-LENGTH:]
    return found


class Tally:
    """Counts and times messages as they are read, and tells the other side of stdout how far it is.

    The lines it prints: "ready" at the first message, "settled" at the first after the start, "ended" at the end, each
    once.
    """

    def __init__(self) -> None:
        self._started = time.monotonic_ns()
        self._first: int | None = None
        self._settled = False
        self._rest = b""
        self._took: dict[int, float] = {}

    def take(self, payload: bytes) -> bool:
        """Take the payload of the next segment; return whether it has the end in it.

        The end of a message may come with the next segment. What was lost between two is not counted.
        """
        now = time.monotonic_ns()
        data = self._rest + payload
        end = 0
        for found in _MESSAGE.finditer(data):
            kind, sent, number = found.groups()
            end = found.end()
            if self._first is None:
                self._first = now
                print("ready", flush=True)  # noqa: T201
            if kind == TIMED:
                self._took.setdefault(int(number), (now - int(sent)) / 1e6)
            elif kind == SETTLE and not self._settled:
                self._settled = True
                print("settled", flush=True)  # noqa: T201
            elif kind == END:
                return True
        self._rest = data[end:][-LENGTH:]
        return False

    def report(self) -> None:
        """Print what was read, as JSON on a line."""
        took = list(self._took.values()) or [float("nan")]
        first = 0 if self._first is None else self._first - self._started
        result = {
            "first_ms": first / 1e6,
            "p50_ms": percentile(took, 0.5),
            "p95_ms": percentile(took, 0.95),
            "seen": len(self._took),
        }
        print(json.dumps(result), flush=True)  # noqa: T201
