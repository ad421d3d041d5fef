"""The engine that needs no program: our own header parser, called for each packet as it comes."""

from collections.abc import Callable, Sequence

from capture.engines.engine import Dissection, Emit
from capture.errors import CaptureError
from capture.frames import parse
from capture.pcapng import LINKTYPE_ETHERNET
from capture.sources.source import Captured


class NativeEngine:
    """An engine, see `capture.engines.engine.Engine`."""

    async def start(self, header: bytes, emit: Emit, fail: Callable[[CaptureError], None]) -> None:  # noqa: ARG002
        """See `Engine`."""
        self._emit = emit

    def take(self, frame: int, packets: Sequence[Captured], blocks: bytes) -> None:  # noqa: ARG002
        """See `Engine`."""
        seen = []
        for number, (time_ns, wire_length, data) in enumerate(packets, start=frame):
            segment = parse(LINKTYPE_ETHERNET, number, time_ns, wire_length, data)
            if segment is not None:
                seen.append(Dissection(segment, segment.payload))
        if seen:
            self._emit(seen)

    async def finish(self) -> None:
        """See `Engine`."""

    async def close(self) -> None:
        """See `Engine`."""
