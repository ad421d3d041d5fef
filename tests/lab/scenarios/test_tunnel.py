import asyncio
from collections.abc import Callable

import pytest

from lab.errors import LabError
from lab.play import play
from lab.record import connector, loopback_server
from lab.scenario import CONVERSATION
from lab.scenarios.codecs import AesEcb, Base64, Codec, RepeatingXor
from lab.scenarios.relay import Change, passing, relay
from lab.scenarios.tunnel import built_in, far_end, near_end
from tests.lab.scenarios.fakes.sealed import said


@pytest.mark.parametrize("make", [Base64, lambda: RepeatingXor(b"secret"), lambda: AesEcb(bytes(16))])
def test_a_chat_runs_through_it_and_the_wire_is_sealed(make: Callable[[], Codec]) -> None:
    wires: list[bytearray] = []

    def noted() -> Change:
        wire = bytearray()
        wires.append(wire)

        def change(data: bytes) -> bytes:
            wire.extend(data)
            return data

        return change

    async def main() -> None:
        async with (
            loopback_server(None) as server,
            far_end(server.address[1], built_in(make)) as far,
            relay(far, passing(noted, noted)) as wire,
            near_end(wire, built_in(make)) as near,
        ):
            sent = await play(CONVERSATION, connector(near, None))
        assert [(message.who, message.text) for message in sent] == said(CONVERSATION)

    asyncio.run(main())
    assert len(wires) == 6  # two for each of three people
    assert b"".join(make().open(bytes(wires[0])))
    assert make().open(bytes(wires[0]))[:2] == [b"alice", b"Hello Bob, are we alone here?"]
    assert make().open(bytes(wires[1]))[0] == b"* welcome, alice. 1 here: alice"
    assert not any(b"alice" in wire or b"Hello" in wire for wire in wires)


def test_a_line_that_is_cut_off_stays_behind() -> None:
    async def main() -> None:
        async with (
            loopback_server(None) as server,
            far_end(server.address[1], built_in(Base64)) as far,
            near_end(far, built_in(Base64)) as near,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", near)
            writer.write(b"anna\nhello")
            assert await reader.readline() == b"* welcome, anna. 1 here: anna\n"
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()

    asyncio.run(main())


def test_what_does_not_open_is_no_silence() -> None:
    async def main() -> None:
        async with loopback_server(None) as server, far_end(server.address[1], built_in(Base64)) as far:
            _, writer = await asyncio.open_connection("127.0.0.1", far)
            writer.write(b"*\n")
            try:
                await asyncio.Event().wait()
            finally:
                writer.transport.abort()

    with pytest.raises(LabError, match="not base64"):
        asyncio.run(main())
