"""What was sent, against what was read: the verdict, measured. Pure.

A message is read if the eavesdropper's reading has it, from the right person. Apart from that, its bytes are searched
for in every stream, and a hit counts only where chance would not explain it: a one-letter message is found in any
noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from capture.decode import valid_utf8
from capture.randomness import Randomness, chance_hits, chance_of, examine
from capture.streams import ByteStream, Span
from lab.overhear import Heard
from lab.scenario import Sent

# A verdict must not fail by chance: of a million runs over truly random bytes one may. Every search and the randomness
# test are a test each, and share it (Bonferroni).
ALPHA = 1e-6


class Expected(StrEnum):
    """What a verdict should say."""

    READABLE = "readable"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the capture says of one message.

    Attributes:
        sent: the message.
        heard: the eavesdropper's reading of it, None where there is none.
        places: where its bytes stand, in any stream, one tuple of spans each.
        in_payload: how many times they stand in the payload. What TLS itself says in the clear is none: a message that
            is the server's name stands in the handshake, and nobody has read it there.
        by_chance: how many times they would be expected in as many random bytes.
        found: whether they stand in the payload more often than chance explains.
    """

    sent: Sent
    heard: Heard | None
    places: tuple[tuple[Span, ...], ...]
    in_payload: int
    by_chance: float
    found: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one way of reading one chat.

    Attributes:
        expected: what it should be.
        findings: one for each message sent.
        searched: bytes searched, in all streams.
        payload: bytes of payload: what the chat's messages travel in, without what TLS itself says in the clear.
        utf8: how many bytes of it, from the start, are valid UTF-8.
        randomness: the test of it, None where it is too small.
        problems: why this is not the expected outcome; empty where it is.
    """

    expected: Expected
    findings: tuple[Finding, ...]
    searched: int
    payload: int
    utf8: int
    randomness: Randomness | None
    problems: tuple[str, ...] = field(default=())

    @property
    def read(self) -> int:
        """How many messages were read."""
        return sum(finding.heard is not None for finding in self.findings)

    @property
    def found(self) -> int:
        """How many messages' bytes were found, read or not."""
        return sum(finding.found for finding in self.findings)

    @property
    def ok(self) -> bool:
        """Whether the outcome is the expected one."""
        return not self.problems


def judge(
    sent: Sequence[Sent],
    heard: Sequence[Heard],
    streams: Sequence[ByteStream],
    payload: Sequence[ByteStream],
    expected: Expected,
) -> Verdict:
    """Compare what was sent with what was read and with what stands in the streams.

    Args:
        sent: the messages that were sent.
        heard: the messages that were read.
        streams: everything captured of the chat.
        payload: those parts of it that its messages travel in.
        expected: what the outcome should be.
    """
    data = b"".join(stream.data for stream in payload)
    unclaimed = list(heard)
    findings = []
    for message in sent:
        match = next((h for h in unclaimed if (h.who, h.text) == (message.who, message.text)), None)
        if match is not None:
            unclaimed.remove(match)
        needle = message.text.encode()
        places = _places(needle, streams)
        hits = len(places) if payload is streams else len(_places(needle, payload))
        by_chance = chance_hits(len(needle), len(data))
        found = hits > 0 and chance_of(hits, by_chance) < ALPHA / (len(sent) + 1)
        findings.append(Finding(message, match, places, hits, by_chance, found))
    searched = sum(len(stream.data) for stream in streams)
    verdict = Verdict(expected, tuple(findings), searched, len(data), valid_utf8(data), examine(data))
    return replace(verdict, problems=tuple(_problems(verdict, len(unclaimed), streams)))


def _places(needle: bytes, streams: Sequence[ByteStream]) -> tuple[tuple[Span, ...], ...]:
    return tuple(place for stream in streams for place in stream.places(needle))


def _problems(verdict: Verdict, invented: int, streams: Sequence[ByteStream]) -> list[str]:
    problems = []
    missing = sum(gap.length for stream in streams for gap in stream.gaps)
    if missing:
        problems.append(f"{missing} bytes that were sent are not in the capture.")
    if not verdict.findings:
        problems.append("No message was sent, so nothing was shown.")
    total = len(verdict.findings)
    if verdict.expected is Expected.READABLE:
        if verdict.read < total:
            lost = [str(f.sent.number) for f in verdict.findings if f.heard is None]
            problems.append(f"{total - verdict.read} of {total} messages were not read: number {', '.join(lost)}.")
        if invented:
            problems.append(f"{invented} messages were read that nobody sent.")
        return problems
    if verdict.read or verdict.found:
        problems.append(f"{max(verdict.read, verdict.found)} of {total} messages can be read in what should hide them.")
    if verdict.randomness is None:
        problems.append("There is too little encrypted payload to judge.")
    elif verdict.randomness.p_value < ALPHA / (total + 1):
        problems.append(f"The payload is not evenly spread (p = {verdict.randomness.p_value:.2g}).")
    return problems
