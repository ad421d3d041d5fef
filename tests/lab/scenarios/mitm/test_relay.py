import asyncio
import contextlib
import inspect
import logging
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from certs.contexts import client_context, server_context, unverified_client_context
from chat.client import Client
from chat.errors import ChatError
from chat.server import Server
from lab.errors import LabError
from lab.folder import RunFolder
from lab.record import connector, loopback_server
from lab.scenarios import relay
from lab.scenarios.mitm import relay as mitm_relay
from lab.scenarios.mitm.cast import Cast, Shown, make_cast
from lab.scenarios.mitm.relay import terminating
from lab.scenarios.relay import Peer

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture
def files(tmp_path: Path) -> Cast:
    return make_cast(RunFolder(tmp_path), datetime.now(UTC).replace(microsecond=0))


def tls_server(files: Cast) -> Server:
    genuine = files.shown[Shown.GENUINE]
    return loopback_server(server_context(genuine, genuine))


@contextlib.asynccontextmanager
async def middle(
    files: Cast, server: Server, *, far: ssl.SSLContext | None = None, version: ssl.TLSVersion = V13
) -> AsyncIterator[int]:
    """The relay with a self-signed certificate, which turns "noon" into "midnight"."""
    fake = files.shown[Shown.SELF_SIGNED]
    near = server_context(fake, fake, version=version)
    meet = terminating(near, far or client_context(files.ca), lambda words: words.replace(b"noon", b"midnight"))
    async with relay.relay(server.address[1], meet) as port:
        yield port


@pytest.mark.parametrize("version", [V12, V13])
def test_words_are_changed_one_way_and_everything_else_passes(files: Cast, version: ssl.TLSVersion) -> None:
    async def main() -> None:
        async with (
            tls_server(files) as server,
            middle(files, server, version=version) as port,
            await connector(server.address[1], client_context(files.ca))("bob") as bob,
        ):
            async with await connector(port, unverified_client_context())("alice") as alice:
                assert alice.security.version == version.name.replace("_", ".")
                await alice.send("at noon")
                await bob.send("no, at noon")
                assert [await bob.receive() for _ in range(2)] == ["* alice has come in", "alice > at midnight"]
                assert await alice.receive() == "bob > no, at noon"
                assert await alice.users() == ("bob", "alice")
            assert await bob.receive() == "* alice has left"

    asyncio.run(main())


def test_lines_of_several_records_at_once(files: Cast) -> None:
    async def main() -> None:
        async with (
            tls_server(files) as server,
            middle(files, server) as port,
            await connector(server.address[1], client_context(files.ca))("bob") as bob,
        ):
            async with await connector(port, unverified_client_context())("alice") as alice:
                said = [f"noon {number} {'x' * 1000}" for number in range(200)]
                for text in said:
                    await alice.send(text)
            assert await bob.receive() == "* alice has come in"
            for text in said:
                assert await bob.receive() == f"alice > {text.replace('noon', 'midnight')}"

    asyncio.run(main())


def test_the_server_hears_nothing_where_the_client_refuses(files: Cast, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        with caplog.at_level(logging.INFO, logger="chat.server"):
            async with tls_server(files) as server, middle(files, server) as port:
                with pytest.raises(ChatError, match="not to be trusted"):
                    await connector(port, client_context(files.ca))("alice")

    asyncio.run(main())
    assert "connected" in caplog.text  # the relay has come, and gone without a word
    assert "secured" not in caplog.text
    assert "handshake failed" not in caplog.text


def test_a_server_that_the_relay_does_not_trust_ends_it_all(files: Cast) -> None:
    async def main() -> None:
        async with (
            tls_server(files) as server,
            middle(files, server, far=client_context(files.rogue)) as port,
        ):
            await connector(port, unverified_client_context())("alice")

    with pytest.raises(LabError, match="does not trust the lab's own server"):
        asyncio.run(main())


def test_a_client_that_says_hello_and_goes_away(files: Cast) -> None:
    async def main() -> None:
        async with tls_server(files) as server, middle(files, server) as port:
            for said in (b"", b"\x16\x03\x01", b"this is no TLS\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(said)
                writer.write_eof()
                assert await reader.read() == b""
                writer.close()
                await writer.wait_closed()

    asyncio.run(main())


def test_no_address_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The relay takes a port and what to do, so that there is nobody but this machine to attack."""
    assert list(inspect.signature(relay.relay).parameters) == ["port", "meet"]
    assert list(inspect.signature(terminating).parameters) == ["near", "far", "change"]
    source = inspect.getsource(mitm_relay)
    assert "open_connection" not in source
    assert "start_server" not in source
    hosts: list[object] = []
    connect, serve = asyncio.open_connection, asyncio.start_server

    async def connecting(host: str, port: int) -> Any:
        hosts.append(host)
        return await connect(host, port)

    async def serving(accept: Any, host: str, port: int) -> Any:
        hosts.append(host)
        return await serve(accept, host, port)

    async def refuse(*ends: Peer) -> None:
        raise AssertionError(ends)

    async def main() -> None:
        for where in ("192.0.2.1", "192.0.2.1:443", "example.org"):
            async with relay.relay(cast(Any, lambda where=where: where), refuse) as port:
                reader, writer = await connect("127.0.0.1", port)
                assert await reader.read() == b""  # there is no such port on this machine
                writer.close()
                await writer.wait_closed()

    monkeypatch.setattr(asyncio, "open_connection", connecting)
    monkeypatch.setattr(asyncio, "start_server", serving)
    asyncio.run(main())
    assert hosts == ["127.0.0.1"] * 6


def test_clients_stay_what_they_are(files: Cast) -> None:
    """Who leaves the relay in the middle of a conversation leaves the room, too."""

    async def main() -> None:
        async with (
            tls_server(files) as server,
            middle(files, server) as port,
            await connector(server.address[1], client_context(files.ca))("bob") as bob,
        ):
            alice: Client = await connector(port, unverified_client_context())("alice")
            assert await bob.receive() == "* alice has come in"
            alice.cut()
            await alice.close()
            assert await bob.receive() == "* alice has left"

    asyncio.run(main())
