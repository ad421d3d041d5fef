"""Our own parser on packets as they come; tshark, on the file with the same packets, is the oracle."""

from pathlib import Path

import pytest

from capture.engines.engine import Dissection
from capture.engines.native import NativeEngine
from capture.readers import read_segments
from tests.capture.engines.feeding import packets_of
from tests.capture.talking import run, unexpected


@pytest.mark.parametrize("name", ["plain.pcapng", "ipv6.pcapng", "tls13.pcapng"])
@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_the_segments_of_the_file(name: str, at_once: int, data: Path) -> None:
    packets = packets_of(data / name)
    seen: list[Dissection] = []

    async def main() -> None:
        engine = NativeEngine()
        await engine.start(b"", seen.extend, unexpected)
        for at in range(0, len(packets), at_once):
            engine.take(at + 1, packets[at : at + at_once], b"")
        await engine.finish()
        await engine.close()

    run(main())
    assert [dissection.segment for dissection in seen] == list(read_segments(data / name, "tshark"))
    assert all(dissection.data == dissection.segment.payload for dissection in seen)


def test_rubbish_is_no_segment() -> None:
    seen: list[Dissection] = []

    async def main() -> None:
        engine = NativeEngine()
        await engine.start(b"", seen.extend, unexpected)
        engine.take(1, [(0, 0, b""), (0, 99, b"\0" * 12), (0, 60, b"\xff" * 60)], b"")

    run(main())
    assert seen == []
