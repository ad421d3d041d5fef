import asyncio
import dataclasses
from collections.abc import Sequence

import pytest

from capture.sources import SourceName, make
from capture.sources.source import Captured, Counters, Source
from tests.capture.talking import echo, run, talk


def test_counters_are_values() -> None:
    counters = Counters(received=5, dropped=1)
    assert counters == Counters(5, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        counters.dropped = 0  # type: ignore[misc]


@pytest.mark.usefixtures("nothing_left")
def test_every_source_keeps_the_contract(source: SourceName) -> None:
    """By itself, without probes: so this waits for the words, and nothing says that the first of them are there."""
    captured: list[Captured] = []
    failures: list[Exception] = []

    heard = asyncio.Event()

    def deliver(packets: Sequence[Captured]) -> None:
        captured.extend(packets)
        if any(data.endswith(b"the end") for _, _, data in packets):
            heard.set()

    async def main() -> Counters:
        made: Source = make(source)
        assert made.name.replace(" ", "-") == source
        async with echo() as port:
            try:
                await made.start([port], 9, captured.extend, failures.append)
                while not any(data.endswith(b"the end") for _, _, data in captured):
                    await talk(port, [b"words", b"the end"])
                return await made.stop()
            finally:
                await made.close()
                await made.close()

    assert run(main()) == Counters(len(captured), 0)
    assert failures == []
    assert all(length == len(data) for _, length, data in captured)
    # in nanoseconds since 1970, and in the order of their capture
    times = [time_ns for time_ns, _, _ in captured]
    assert times == sorted(times)
    assert times[0] > 1_700_000_000_000_000_000
    assert len(set(times)) > len(times) // 2


def test_closed_before_it_started(source: SourceName) -> None:
    run(make(source).close())
