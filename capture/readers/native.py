"""Reads a capture file without any program or library.

Streams: memory does not grow with the file, and a torn or damaged file needs no copy. Alone among the readers it also
puts fragmented datagrams together; what came in fragments is given when the last of them has come.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from capture.fragments import Fragments
from capture.frames import fragment, parse
from capture.packets import Packet, packets
from capture.segment import Segment


def read(path: Path) -> Iterator[Segment]:
    """Yield the TCP segments of the capture file at `path`, zipped or not, whole or not.

    Raises:
        CaptureError: the file cannot be read.
        NotACaptureError: it is empty or of another kind.
        TornCaptureError: it ends within a packet, or is damaged; raised after everything before has been yielded.
    """
    return segments(packets(path))


def segments(frames: Iterable[Packet]) -> Iterator[Segment]:
    """Yield the TCP segments of packets, those that came in fragments as one Segment for each fragment."""
    fragments = Fragments()
    for frame, time_ns, linktype, wire_length, data in frames:
        segment = parse(linktype, frame, time_ns, wire_length, data)
        if segment is not None:
            yield segment
            continue
        part = fragment(linktype, frame, time_ns, wire_length, data)
        if part is not None:
            yield from fragments.add(part)
