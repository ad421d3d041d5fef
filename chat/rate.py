"""How fast somebody may speak: a token bucket. Knows the time only as a number it is given."""

import sys


class Bucket:
    """Holds `burst` tokens, refilled at `rate` a second. A rate of 0 means no limit."""

    __slots__ = ("_burst", "_rate", "_since", "_tokens")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._since = float(burst), now

    def take(self, wanted: int, now: float) -> int:
        """Take up to `wanted` tokens; return how many there were."""
        taken = min(wanted, self.tokens(now))
        if self._rate:
            self._tokens -= taken
        return taken

    def tokens(self, now: float) -> int:
        """Return how many tokens there are."""
        if not self._rate:
            return sys.maxsize
        self._tokens = min(self._burst, self._tokens + (now - self._since) * self._rate)
        self._since = now
        return int(self._tokens)

    @property
    def wait(self) -> float:
        """Seconds from the last `take` until there is a whole token."""
        return max(0.0, (1 - self._tokens) / self._rate) if self._rate else 0.0
