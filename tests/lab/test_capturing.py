import asyncio
from pathlib import Path

import pytest

from capture.readers import ReaderName, read_segments
from capture.rights import Choice, Way
from chat.client import Client
from chat.server import Server
from lab.capturing import captured

TAP = Choice(Way.TAP, "It was asked for.")


@pytest.mark.parametrize("choice", [None, TAP], ids=["here", "tap"])
def test_two_servers_in_one_capture(
    choice: Choice | None, here: Choice, tmp_path: Path, best_reader: ReaderName
) -> None:
    async def main() -> tuple[set[int], int, set[int]]:
        async with Server(port=0, hosts=("127.0.0.1",)) as one, Server(port=0, hosts=("127.0.0.1",)) as two:
            real = (one.address[1], two.address[1])
            async with captured(tmp_path / "c.pcapng", choice or here, real) as wire:
                for port in real:
                    async with await Client.connect("127.0.0.1", wire.ports[port], "anna") as anna:
                        await anna.users()
        assert wire.counters.dropped == 0
        return set(real), wire.counters.received, set(wire.ports.values())

    real, received, shown = asyncio.run(main())
    segments = list(read_segments(tmp_path / "c.pcapng", best_reader))
    assert {port for s in segments for port in (s.source.port, s.destination.port)} & shown == shown
    assert (real == shown) is (choice is None and here.way is not Way.TAP)
    assert received >= len(segments) > 0
