"""Who takes packets off the wire: a packet socket of our own, tcpdump or dumpcap. Knows which of them may."""

from typing import Literal, get_args

from capture.errors import CaptureError
from capture.sources import packet_socket
from capture.sources.programs import DUMPCAP, TCPDUMP, ProgramSource, program_refusal
from capture.sources.source import Source
from capture.tools import LOOPBACK

SourceName = Literal["packet-socket", "tcpdump", "dumpcap"]
SOURCES: tuple[SourceName, ...] = get_args(SourceName)  # the best first: ready at once, then in milliseconds


def refusal(name: SourceName) -> str | None:
    """Return why the source `name` may not capture on the loopback interface, None where it may."""
    return packet_socket.refusal() if name == "packet-socket" else program_refusal(name)


def make(name: SourceName | None = None) -> Source:
    """Return the source `name`, or the first that may capture.

    Raises:
        CaptureError: none may.
    """
    if name is None:
        for candidate in SOURCES:
            if refusal(candidate) is None:
                return make(candidate)
        msg = f"Your user may not capture on {LOOPBACK}: `make doctor ARGS=--fix` prints what would change that."
        raise CaptureError(msg)
    if name == "packet-socket":
        return packet_socket.PacketSocket()
    return ProgramSource(TCPDUMP if name == "tcpdump" else DUMPCAP)
