"""Who takes packets off the wire: a packet socket of our own, tcpdump or dumpcap. Knows which of them may."""

from typing import Literal, get_args

from capture.errors import CaptureError
from capture.sources import packet_socket
from capture.sources.programs import DUMPCAP, TCPDUMP, ProgramSource, program_refusal
from capture.sources.source import Source

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
        refusals = []
        for candidate in SOURCES:
            refused = refusal(candidate)
            if refused is None:
                return make(candidate)
            refusals.append(f"{candidate}: {refused.rstrip('.')}")
        msg = f"Nothing may capture here ({'; '.join(refusals)}): run `make doctor`, which says what to do."
        raise CaptureError(msg)
    if name == "packet-socket":
        return packet_socket.PacketSocket()
    return ProgramSource(TCPDUMP if name == "tcpdump" else DUMPCAP)
