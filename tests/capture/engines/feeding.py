"""The packets of a file, as a source delivers them, and an engine that is given them."""

from collections.abc import Sequence
from pathlib import Path

from capture.engines.engine import Dissection, Engine
from capture.errors import CaptureError
from capture.pcapng import ENHANCED_PACKET, blocks, enhanced_packet, interface_description, section_header
from capture.sources.source import Captured

HEADER = section_header() + interface_description("lo")


def packets_of(path: Path) -> list[Captured]:
    """The packets of a file with one interface, as `capture.sources` would deliver them (section 4.3 of pcapng)."""
    packets = []
    with path.open("rb") as file:
        for block in blocks(file):
            if block.kind == ENHANCED_PACKET:
                _, high, low, captured, wire_length = (
                    int.from_bytes(block.body[at : at + 4], "little") for at in range(0, 20, 4)
                )
                packets.append(((high << 32) + low, wire_length, block.body[20 : 20 + captured]))
    return packets


def as_blocks(packets: Sequence[Captured]) -> bytes:
    return b"".join(enhanced_packet(time_ns, data, wire_length=length) for time_ns, length, data in packets)


async def show(
    engine: Engine, packets: Sequence[Captured], at_once: int = 7
) -> tuple[list[Dissection], list[CaptureError]]:
    """Give an engine packets, some at once, and return what it showed and why it stopped."""
    seen: list[Dissection] = []
    failures: list[CaptureError] = []
    try:
        await engine.start(HEADER, seen.extend, failures.append)
        for at in range(0, len(packets), at_once):
            some = packets[at : at + at_once]
            engine.take(at + 1, some, as_blocks(some))
        await engine.finish()
    finally:
        await engine.close()
    return seen, failures
