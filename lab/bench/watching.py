"""Live: from the wire to decoded text in Python, the first packet after the start, and a flood.

One program sends, another watches; both are driven from here. The watcher is started while messages pass already, so
that its first one says when it began to see. What came while it started is worked off before messages are timed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from lab.bench import peers
from lab.bench.figures import Results, Row, Size, Target, in_turn
from lab.bench.programs import python, running
from lab.errors import LabError

NATIVE, DISSECTED = "native engine", "tshark engine"
WATCHERS: Mapping[str, Sequence[str]] = {
    NATIVE: python("-m", "lab.bench.ours", "watch", "native"),
    DISSECTED: python("-m", "lab.bench.ours", "watch", "tshark"),
    "a bare packet socket": python("-c", peers.WATCH_SOCKET),
    "scapy sniff": python("-c", peers.WATCH_SCAPY),
    "tshark -l -i lo": python("-c", peers.WATCH_TSHARK),
    "pyshark LiveCapture": python("-c", peers.WATCH_PYSHARK),
}
_PEERS = ("pyshark LiveCapture", "tshark -l -i lo", "scapy sniff", "a bare packet socket")
_CALM = 200  # messages a second where latency is measured: each is alone
_FLOOD = 10_000


@dataclass(frozen=True, slots=True)
class Watched:
    """What a watcher saw.

    Attributes:
        first_ms: from just before the capture was asked for until its first message was text in Python.
        p50_ms: from just before a message was sent until it was text in Python, the median.
        p95_ms: the same, the 95th percentile.
        sent: messages.
        seen: how many of them the watcher saw.
        seconds: that sending took.
    """

    first_ms: float
    p50_ms: float
    p95_ms: float
    sent: int
    seen: int
    seconds: float


def watch(name: str, rate: float, count: int) -> Watched:
    """Send so many messages at so many a second past a watcher.

    Raises:
        LabError: it cannot watch, did not come to its end, or saw nothing.
    """
    limit = 60 + 5 * count / rate
    with (
        running("the sender", python("-m", "lab.bench.sender", str(rate), str(count)), limit) as sender,
        running(name, [*WATCHERS[name], sender.line()], limit) as watcher,
    ):
        watcher.line()  # ready
        sender.say()
        watcher.line()  # settled
        sender.say()
        seconds = float(sender.line())
        found = json.loads(watcher.line())
    if not found["seen"]:
        msg = f"{name} saw none of {count} messages."
        raise LabError(msg)
    return Watched(**found, sent=count, seconds=seconds)


def calm(size: Size) -> list[Row]:
    """Return the rows of latency and of the first packet."""
    results = in_turn({name: partial(watch, name, _CALM, size.messages) for name in WATCHERS}, size.rounds)
    return calm_rows(results)


def calm_rows(results: Results[Watched]) -> list[Row]:
    """Return the rows of what was measured."""
    rows = []
    for name, p50, p95 in ((NATIVE, 0.25, 0.5), (DISSECTED, 0.8, 1.2)):
        for what, limit in (("p50", p50), ("p95", p95)):
            ours, *others = (results.side(side, attrgetter(f"{what}_ms")) for side in (name, *_PEERS))
            row = f"wire to decoded text in Python, {what}, ms"
            rows.append(Row(row, ours, tuple(others), Target("value", "≤", limit)))
    for name, target in ((NATIVE, Target("value", "≤", 50)), (DISSECTED, None)):
        ours, *others = (results.side(side, lambda watched: watched.first_ms) for side in (name, *_PEERS))
        row = "asking for a capture until its first packet is in Python (starting processes counts, imports do not), ms"
        rows.append(Row(row, ours, tuple(others), target))
    return rows


def flood(size: Size) -> list[Row]:
    """Return the rows of what is lost where many messages come."""
    names = (NATIVE, DISSECTED, "scapy sniff")
    count = int(_FLOOD * size.seconds)
    results = in_turn({name: partial(watch, name, _FLOOD, count) for name in names}, size.rounds)
    return flood_rows(results, size)


def flood_rows(results: Results[Watched], size: Size) -> list[Row]:
    """Return the rows of what was measured."""
    scapy = results.side("scapy sniff", lambda watched: watched.sent - watched.seen)
    rows = []
    for name in (NATIVE, DISSECTED):
        ours = results.side(name, lambda watched: watched.sent - watched.seen)
        took = max((watched.seconds for watched in results.done[name]), default=size.seconds)
        sent = sum(watched.sent for watched in results.done[name])
        reached = _FLOOD * size.seconds / took
        what = f"{reached:,.0f} messages/s for {size.seconds:g} s, lost of {sent:,}"
        rows.append(Row(what, ours, (scapy,), Target("value", "≤", 0), total=True))
    return rows
