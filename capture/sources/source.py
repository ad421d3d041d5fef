"""What a source of packets is: the part of a capture that takes them off the wire, whichever program does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from capture.errors import CaptureError

# time in nanoseconds since 1970, bytes on the wire, the bytes that were captured; loopback is Ethernet to all of them
Captured = tuple[int, int, bytes]
Deliver = Callable[[Sequence[Captured]], None]
Fail = Callable[[CaptureError], None]


@dataclass(frozen=True, slots=True)
class Counters:
    """What a source counted: packets that it handed on, and packets that passed the filter and were lost."""

    received: int
    dropped: int


class Source(Protocol):
    """Takes packets off the loopback interface and hands them on, in the order of their capture."""

    name: str

    async def start(self, ports: Sequence[int], probe_port: int, deliver: Deliver, fail: Fail) -> None:
        """Begin to capture; packets may already pass before this returns, or only a while after.

        Args:
            ports: TCP ports whose traffic is wanted, whichever side has them.
            probe_port: the UDP port of the capture's own probes, wanted as well.
            deliver: takes packets as they come.
            fail: is told, once, why no more will come; what came before has been delivered.

        Raises:
            ToolMissingError: the program is not installed.
            CaptureError: it cannot be started.
        """

    async def stop(self) -> Counters:
        """End the capture, deliver what is left, and return what was counted.

        Raises:
            CaptureError: the source does not end, or does not say what it counted.
        """

    async def close(self) -> None:
        """Give back all that the source holds, however far it got; what it still had is delivered."""
