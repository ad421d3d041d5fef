"""What is measured how often, and the rows that come out of it. Pure; knows nothing of what is measured."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from capture.errors import CaptureError
from lab.errors import LabError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Size:
    """How much a run measures.

    Attributes:
        rounds: of each contender; they take turns.
        messages: in a round of latency.
        seconds: that a round of the flood lasts.
        cycles: captures started and stopped under load.
        peer_cycles: the same for the peer, which takes longer.
        through_tshark: packets in the file for tshark.
        packets: in the files for the native reader, the smallest first.
        deliveries: in a round of the chat.
        rooms: how many are in the chat room.
    """

    rounds: int
    messages: int
    seconds: float
    cycles: int
    peer_cycles: int
    through_tshark: int
    packets: tuple[int, ...]
    deliveries: int = 400_000
    rooms: tuple[int, ...] = (50, 200, 500)


FULL = Size(
    rounds=5,
    messages=200,
    seconds=10,
    cycles=200,
    peer_cycles=20,
    through_tshark=60_000,
    packets=(20_000, 100_000, 1_000_000),
)
QUICK = Size(
    rounds=2,
    messages=100,
    seconds=1,
    cycles=40,
    peer_cycles=4,
    through_tshark=20_000,
    packets=(20_000, 100_000),
    deliveries=100_000,
    rooms=(50, 200),
)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison.

    Attributes:
        name: who.
        values: what was measured, one for each round; empty where nothing could be measured.
        why: why not.
    """

    name: str
    values: tuple[float, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached.

    Attributes:
        of: the ratio to the first peer, or our own value.
        sense: whether more or less is better.
        limit: the value that just reaches it.
    """

    of: Literal["ratio", "value"]
    sense: Literal["≤", "≥"]
    limit: float


@dataclass(frozen=True, slots=True)
class Row:
    """A comparison of one thing.

    Attributes:
        name: what is compared, with its unit.
        ours: what the lab reached.
        peers: what others reached; empty where there are none.
        target: what the lab must reach, None where nothing is asked.
        total: whether values are counts: they add up, where others have a median.
    """

    name: str
    ours: Side
    peers: tuple[Side, ...] = ()
    target: Target | None = None
    total: bool = False

    def figure(self, side: Side) -> float | None:
        """Return the median of a side's rounds, or their sum; None where nothing was measured."""
        if not side.values:
            return None
        return sum(side.values) if self.total else statistics.median(side.values)

    def ratio(self, peer: Side) -> float | None:
        """Return ours divided by the peer's; None where one was not measured, or the peer's is 0."""
        ours, other = self.figure(self.ours), self.figure(peer)
        if self.total and ours is not None and other:
            # counts of different numbers of rounds
            ours, other = ours / len(self.ours.values), other / len(peer.values)
        return None if ours is None or not other else ours / other

    @property
    def met(self) -> bool | None:
        """Whether the target was reached; None where there is none, or too little could be measured to say."""
        if self.target is None:
            return None
        reached = self.figure(self.ours)
        if self.target.of == "ratio":
            reached = self.ratio(self.peers[0])
        if reached is None:
            return None
        return reached <= self.target.limit if self.target.sense == "≤" else reached >= self.target.limit


@dataclass(frozen=True, slots=True)
class Results(Generic[T]):
    """What contenders reached.

    Attributes:
        done: by name, a result for each round.
        failed: by name, why there is none.
    """

    done: Mapping[str, list[T]]
    failed: Mapping[str, str]

    def side(self, name: str, value: Callable[[T], float]) -> Side:
        """Return one value of a contender's results as a side of a comparison."""
        return Side(name, tuple(value(result) for result in self.done[name]), self.failed.get(name, ""))


def in_turn(contenders: Mapping[str, Callable[[], T]], rounds: int) -> Results[T]:
    """Measure all, in turn, so that what disturbs the machine disturbs all alike.

    One that fails is out, with all its rounds: what it reached before may owe to the same fault.
    """
    done: dict[str, list[T]] = {name: [] for name in contenders}
    failed: dict[str, str] = {}
    for _ in range(rounds):
        for name, measure in contenders.items():
            if name in failed:
                continue
            try:
                done[name].append(measure())
            except (CaptureError, LabError) as error:
                failed[name] = str(error)
                done[name] = []
    return Results(done, failed)
