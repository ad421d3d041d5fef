"""What an engine is: the part of a live capture that turns packets into something to look at, while they come."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from capture.errors import CaptureError
from capture.segment import Segment
from capture.sources.source import Captured


@dataclass(frozen=True, slots=True)
class Dissection:
    """What an engine says of a TCP segment.

    Attributes:
        segment: the segment.
        data: its application data in the clear. The native engine, pyshark's and scapy's know TCP only: the payload as
            it is. tshark's knows TLS: the plaintext where it has the keys, nothing where it has not.
        protocol: the topmost protocol it knows there (`_ws.col.Protocol`), such as "TCP", "DATA" or "TLSv1.3".
        info: what it says in words (`_ws.col.Info`); empty for engines that know TCP only. Captured text may be in it.
    """

    segment: Segment
    data: bytes
    protocol: str = "TCP"
    info: str = ""


Emit = Callable[[Sequence[Dissection]], None]


class Engine(Protocol):
    """Turns captured packets into dissections, in their order."""

    async def start(self, header: bytes, emit: Emit, fail: Callable[[CaptureError], None]) -> None:
        """Begin; packets may be taken from now on, whether or not a program that is started is ready.

        Args:
            header: the start of the pcapng stream whose blocks `take` gets.
            emit: takes what is to be seen, on the loop that called this.
            fail: is told why nothing more will be seen; the capture goes on.

        Raises:
            ToolMissingError: the engine needs a program that is not installed.
        """

    def take(self, frame: int, packets: Sequence[Captured], blocks: bytes) -> None:
        """Take packets; never waits.

        Args:
            frame: number of the first of them (`frame.number`).
            packets: the packets.
            blocks: the same as pcapng blocks.
        """

    async def finish(self) -> None:
        """Wait until all that was taken has been emitted."""

    async def close(self) -> None:
        """Give back all that the engine holds, however far it got."""
