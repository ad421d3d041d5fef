"""What was typed before, found again with the arrow keys, as in a shell.

Knows texts only. Must not know: keys, what was sent. Contract: the draft that was being written when the person went up
is there again when they come back down; a line that repeats the one before it is kept once.
"""

from collections import deque

_KEPT = 200


class History:
    """The lines typed in one run, the latest last, and where the person is among them."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._lines: deque[str] = deque(maxlen=kept)
        self._at = 0  # how far up: 0 is the draft
        self._draft = ""

    def add(self, line: str) -> None:
        """Keep a line that was typed, and go back to the bottom."""
        if line.strip() and (not self._lines or self._lines[-1] != line):
            self._lines.append(line)
        self._at, self._draft = 0, ""

    def up(self, shown: str) -> str:
        """Return the line before the one that is shown, or `shown` where there is none."""
        if self._at == len(self._lines):
            return shown
        if not self._at:
            self._draft = shown
        self._at += 1
        return self._lines[-self._at]

    def down(self, shown: str) -> str:
        """Return the line after the one that is shown, at last the draft, or `shown` where there is none."""
        if not self._at:
            return shown
        self._at -= 1
        return self._lines[-self._at] if self._at else self._draft
