import asyncio
import socket
import ssl
from collections.abc import Callable

import pytest

from chat import protocol
from chat.client import Client
from chat.server import Server
from lab.scenarios.relay import Change, Peer, passing, relay


def same() -> Change:
    return bytes


def test_words_change_on_the_way() -> None:
    def louder() -> Change:
        return lambda data: data.replace(b"hello", b"HELLO")

    async def main() -> None:
        async with (
            Server(port=0, hosts=("127.0.0.1",)) as server,
            relay(server.address[1], passing(louder, same)) as port,
            await Client.connect("127.0.0.1", server.address[1], "bob") as bob,
            await Client.connect("127.0.0.1", port, "anna") as anna,
        ):
            await anna.send("hello")
            assert await bob.receive() == "* anna has come in"
            assert await bob.receive() == "anna > HELLO"

    asyncio.run(main())


@pytest.mark.parametrize("names", [1, 3])
def test_many_at_once_and_both_ways(names: int) -> None:
    async def main() -> None:
        made: list[str] = []

        def counted(side: str) -> Callable[[], Change]:
            def make() -> Change:
                made.append(side)
                return bytes

            return make

        async with Server(port=0, hosts=("127.0.0.1",)) as server:
            async with relay(server.address[1], passing(counted("up"), counted("down"))) as port:
                clients = [await Client.connect("127.0.0.1", port, f"anna{n}") for n in range(names)]
                await clients[0].send("hello")
                for client in clients[1:]:
                    while (line := await client.receive()).startswith("*"):
                        pass
                    assert line == protocol.said("anna0", "hello")
                for client in clients:
                    await client.leave()
            assert made == ["up", "down"] * names

    asyncio.run(main())


def test_it_listens_on_loopback_alone() -> None:
    async def main() -> None:
        async def refuse(*ends: Peer) -> None:
            raise AssertionError(ends)

        async with relay(1, refuse) as port:
            with pytest.raises(OSError, match=r"refused|unreachable"), socket.socket(socket.AF_INET6) as other:
                other.connect(("::1", port))
            # and where no server is, the client is cut off
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            writer.close()

    asyncio.run(main())


def test_who_comes_before_there_is_a_port_is_cut_off_alone() -> None:
    async def main() -> None:
        shown: dict[str, int] = {}
        async with (
            Server(port=0, hosts=("127.0.0.1",)) as server,
            relay(lambda: shown.get("server"), passing(same, same)) as port,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            writer.close()
            shown["server"] = server.address[1]
            async with await Client.connect("127.0.0.1", port, "anna"):
                pass

    asyncio.run(main())


@pytest.mark.parametrize("mistake", [ZeroDivisionError, ssl.SSLError])
def test_a_mistake_in_the_middle_is_not_swallowed(mistake: type[Exception]) -> None:
    async def main() -> None:
        async def stumble(*_: Peer) -> None:
            raise mistake

        async with (
            Server(port=0, hosts=("127.0.0.1",)) as server,
            relay(server.address[1], stumble) as port,
        ):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await asyncio.Event().wait()
            finally:
                writer.transport.abort()

    with pytest.raises(mistake):
        asyncio.run(main())
