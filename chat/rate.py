"""How fast somebody may speak: a token bucket. Knows the time only as a number it is given."""


class Bucket:
    """Holds `burst` tokens, refilled at `rate` a second. A rate of 0 means no limit."""

    __slots__ = ("_burst", "_rate", "_since", "_tokens")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._since = float(burst), now

    def take(self, wanted: int, now: float) -> int:
        """Take up to `wanted` tokens; return how many there were."""
        if not self._rate:
            return wanted
        self._tokens = min(self._burst, self._tokens + (now - self._since) * self._rate)
        self._since = now
        taken = min(wanted, int(self._tokens))
        self._tokens -= taken
        return taken

    @property
    def wait(self) -> float:
        """Seconds from the last `take` until there is a whole token."""
        return max(0.0, (1 - self._tokens) / self._rate) if self._rate else 0.0
