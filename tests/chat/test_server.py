import asyncio
import os
import re
import signal
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from chat import protocol
from chat.client import Client
from chat.errors import ChatError, ConnectionLost
from chat.server import Limits, Server

Run = Callable[[Coroutine[None, None, None]], None]
Wire = tuple[ssl.SSLContext | None, ssl.SSLContext | None]


class Raw:
    """A connection on which anything can be sent, and nothing is read unless asked for."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def line(self) -> str:
        return (await self.reader.readuntil(b"\n")).decode().rstrip("\n")

    async def rest(self) -> bytes:
        return await self.reader.read()


@asynccontextmanager
async def raw(server: Server, context: ssl.SSLContext | None = None) -> AsyncIterator[Raw]:
    hostname = None if context is None else "localhost"
    reader, writer = await asyncio.open_connection(*server.address, ssl=context, server_hostname=hostname)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def program(*command: str) -> AsyncIterator[tuple[asyncio.StreamWriter, asyncio.StreamReader]]:
    """A real client's standard input and output."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdin, process.stdout
    finally:
        if process.returncode is None:
            with suppress(
                ProcessLookupError
            ):  # not kill(): that reaps a process that has just ended behind the loop's back
                os.kill(process.pid, signal.SIGKILL)
        process.stdin.close()
        await process.communicate()


async def join(server: Server, name: str, context: ssl.SSLContext | None = None) -> Client:
    return await Client.connect(
        *server.address, name, context=context, server_hostname=None if context is None else "localhost"
    )


async def read_line(stream: asyncio.StreamReader) -> str:
    return (await stream.readuntil(b"\n")).decode().rstrip("\n")


def test_a_conversation(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0]) as server,
            await join(server, "alice", wire[1]) as alice,
            await join(server, "bob", wire[1]) as bob,
        ):
            assert await alice.receive() == "* bob has come in"
            await alice.send("¿Qué tal? 👋")
            assert await bob.receive() == "alice > ¿Qué tal? 👋"
            await bob.send("x" * protocol.MAX_LINE)
            assert await alice.receive() == "bob > " + "x" * protocol.MAX_LINE
            await bob.leave()
            assert await alice.receive() == "* bob has left"

    run(main())


def real_client(tool: Callable[[str], str], server: Server, certificate: Path, *, tls: bool) -> list[str]:
    host, port = server.address
    if not tls:
        return [tool("nc"), host, str(port)]
    return [
        *(tool("openssl"), "s_client", "-quiet", "-connect", f"{host}:{port}", "-servername", "localhost"),
        *("-CAfile", str(certificate), "-verify_return_error", "-verify_hostname", "localhost"),
    ]


def test_nc_and_openssl_are_full_clients(run: Run, wire: Wire, tool: Callable[[str], str], certificate: Path) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server, await join(server, "alice", wire[1]) as alice:
            command = real_client(tool, server, certificate, tls=wire[0] is not None)
            async with program(*command) as (bob_in, bob_out), program(*command) as (carol_in, carol_out):
                bob_in.write("bób\n".encode())
                assert await read_line(bob_out) == "* welcome, bób. 2 here: alice, bób"
                assert await alice.receive() == "* bób has come in"
                carol_in.write(b"carol\r\nhi all\r\n")
                assert await read_line(carol_out) == "* welcome, carol. 3 here: alice, bób, carol"
                assert await read_line(bob_out) == "* carol has come in"
                assert await read_line(bob_out) == "carol > hi all"
                bob_in.write("¡señor! 🎉\n!usuarios\n!nonsense\n".encode())
                assert await read_line(carol_out) == "bób > ¡señor! 🎉"
                assert await read_line(bob_out) == "* 3 here: alice, bób, carol"
                assert (await read_line(bob_out)).startswith("* There is no such command")
                carol_in.write(b"!salir\n")
                carol_in.close()  # nc ends when both directions have
                assert await carol_out.read() == b""
                assert await read_line(bob_out) == "* carol has left"
                assert [await alice.receive() for _ in range(4)] == [
                    "* carol has come in",
                    "carol > hi all",
                    "bób > ¡señor! 🎉",
                    "* carol has left",
                ]
            assert await alice.receive() == "* bób has left"

    run(main())


def test_a_script_piped_into_nc_reads_its_answers(run: Run, tool: Callable[[str], str]) -> None:
    async def main() -> None:
        async with Server(port=0) as server, program(tool("nc"), "-N", *map(str, server.address)) as (typed, shown):
            typed.write(b"bob\n!users\ncut off")
            typed.close()
            assert await shown.read() == b"* welcome, bob. 1 here: bob\n* 1 here: bob\n"

    run(main())


@pytest.mark.parametrize("limits", [Limits(max_backlog=64 * 1024), Limits(stall_timeout=0.3)])
def test_a_slow_reader_is_dropped_alone(run: Run, wire: Wire, limits: Limits) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0], limits=limits) as server,
            raw(server, wire[1]) as slow,
            await join(server, "alice", wire[1]) as alice,
            await join(server, "bob", wire[1]) as bob,
        ):
            slow.writer.write(b"slow\n")
            while await bob.receive() != "* slow has come in":
                pass
            heard: list[str] = []
            sent, text = 0, "x" * 4000
            while "* slow has left" not in heard[-2:]:
                await alice.send(f"{sent} {text}")
                sent += 1
                heard.append(await bob.receive())
                assert sent < 20_000
            while len(heard) <= sent:
                heard.append(await bob.receive())
            heard.remove("* slow has left")
            assert heard == [f"alice > {number} {text}" for number in range(sent)]
            assert await alice.users() == ("alice", "bob")

    run(main())


def test_a_fast_speaker_gets_nobody_dropped(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0]) as server,
            await join(server, "alice", wire[1]) as alice,
            raw(server, wire[1]) as flood,
        ):
            flood.writer.write(b"flood\n" + b"a\n" * 200_000 + b"!quit\n")
            assert await alice.receive() == "* flood has come in"
            for _ in range(200_000):
                assert await alice.receive() == "flood > a"
            assert await alice.receive() == "* flood has left"

    run(main())


@pytest.mark.parametrize("reset", [False, True])
def test_half_a_line_is_not_said_and_the_leaving_is(run: Run, wire: Wire, reset: bool) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server, await join(server, "alice", wire[1]) as alice:
            async with raw(server, wire[1]) as bob:
                bob.writer.write(b"bob\n")
                assert await bob.line() == "* welcome, bob. 2 here: alice, bob"
                bob.writer.write(b"whole\nhalf a li")
                assert await alice.receive() == "* bob has come in"
                assert await alice.receive() == "bob > whole"
                if reset:
                    bob.writer.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
            assert await alice.receive() == "* bob has left"

    run(main())


def test_ten_megabytes_without_a_line_end(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server, await join(server, "alice", wire[1]) as alice:
            async with raw(server, wire[1]) as bob:
                bob.writer.write(b"bob\n" + b"x" * 10_000_000 + b"\nstill here\n")
                await bob.writer.drain()
                assert await bob.line() == "* welcome, bob. 2 here: alice, bob"
                assert await bob.line() == "* A line has at most 4096 bytes: send it in several."
                assert await alice.receive() == "* bob has come in"
                assert await alice.receive() == "bob > still here"
            assert await alice.receive() == "* bob has left"

    run(main())


def test_nothing_received_acts_on_the_terminal_of_the_log(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with Server(port=0) as server, raw(server) as evil:
            evil.writer.write(b"\x1b]0;owned\x07\n\xff\xfe\nJos\xc3\xa9\nsecret words\n!users\n")
            refused = [await evil.line(), await evil.line()]
            assert all(line.startswith("* name refused: ") for line in refused)
            assert await evil.line() == "* welcome, José. 1 here: José"
            assert await evil.line() == "* 1 here: José"

    run(main())
    messages = [record.getMessage() for record in caplog.records if record.name == "chat.server"]
    assert 'event="joined" member=1 name="Jos\\u00e9"' in messages
    assert all(message.isascii() and message.isprintable() for message in messages)
    assert "secret" not in "".join(messages)


def test_a_taken_name_may_be_corrected(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0]) as server,
            await join(server, "alice", wire[1]),
            raw(server, wire[1]) as bob,
        ):
            bob.writer.write(b"ALICE\nbob\n")
            assert await bob.line() == "* name refused: The name ALICE is taken: choose another one."
            assert await bob.line() == "* welcome, bob. 2 here: alice, bob"

    run(main())


def test_five_bad_names_end_the_connection(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server, raw(server, wire[1]) as bad:
            bad.writer.write(b"a b\n" * 9)
            lines = (await bad.rest()).decode().splitlines()
            assert len(lines) == 6
            assert lines[-1] == protocol.TOO_MANY_NAMES

    run(main())


def test_plaintext_on_the_tls_port(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=server_context) as server,
            await join(server, "alice", client_context) as alice,
        ):
            async with raw(server) as lost:
                lost.writer.write(b"robert\n")
                with suppress(ConnectionResetError):
                    assert b"robert" not in await lost.rest()
            assert await alice.users() == ("alice",)

    run(main())
    failed = [record.getMessage() for record in caplog.records if "handshake failed" in record.getMessage()]
    assert len(failed) == 1
    assert re.fullmatch(r'event="handshake failed" member=2 why="\w+"', failed[0])


def test_tls_on_the_plaintext_port(run: Run, client_context: ssl.SSLContext) -> None:
    async def main() -> None:
        async with Server(port=0) as server, await join(server, "alice") as alice:
            async with raw(server) as lost:
                incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
                tls = client_context.wrap_bio(incoming, outgoing, server_hostname="localhost")
                with pytest.raises(ssl.SSLWantReadError):
                    tls.do_handshake()
                lost.writer.write(outgoing.read())
                assert (await lost.rest()).decode() == protocol.PLAIN_PORT + "\n"
            assert await alice.users() == ("alice",)

    run(main())


def test_a_handshake_blocks_nobody_and_ends(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        limits = Limits(handshake_timeout=0.3)
        async with Server(port=0, context=server_context, limits=limits) as server, raw(server) as silent:
            async with await join(server, "alice", client_context) as alice:
                assert await alice.users() == ("alice",)
            assert await silent.rest() == b""

    run(main())
    assert "handshake failed" in caplog.text


def test_who_leaves_during_the_handshake_is_forgotten(run: Run, server_context: ssl.SSLContext) -> None:
    async def main() -> None:
        async with Server(port=0, context=server_context) as server:
            for hello in (b"", b"\x16\x03\x01"):
                async with raw(server) as gone:
                    gone.writer.write(hello)

    run(main())


def test_names_do_not_take_forever(run: Run, wire: Wire) -> None:
    async def main() -> None:
        limits = Limits(nickname_timeout=0.2)
        async with (
            Server(port=0, context=wire[0], limits=limits) as server,
            raw(server, wire[1]) as silent,
            await join(server, "alice", wire[1]) as alice,
        ):
            assert (await silent.rest()).decode() == protocol.NAME_TIMEOUT + "\n"
            assert await alice.users() == ("alice",)

    run(main())


def test_a_full_room(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0], limits=Limits(max_clients=1)) as server:
            async with await join(server, "alice", wire[1]):
                with pytest.raises(ChatError, match="does not let you in: the room is full"):
                    await join(server, "bob", wire[1])
            async with await join(server, "bob", wire[1]) as bob:
                assert await bob.users() == ("bob",)

    run(main())


def test_closing_says_so_and_leaves_the_port_free(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server:
            alice, bob = await join(server, "alice", wire[1]), await join(server, "bob", wire[1])
            assert await alice.receive() == "* bob has come in"
        for client in (alice, bob):
            assert await client.receive() == protocol.SERVER_CLOSING
            with pytest.raises(ConnectionLost):
                await client.receive()
            await client.leave()
        async with Server(port=server.address[1], context=wire[0]) as again:
            assert again.address == server.address

    run(main())


def test_closing_does_not_wait_for_those_who_do_not(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    async def main() -> None:
        limits = Limits(close_timeout=0.2)
        async with (
            AsyncExitStack() as clients,
            Server(port=0, limits=limits) as plain,
            Server(port=0, context=server_context, limits=limits) as tls,
        ):
            for server, context, name in ((plain, None, b"a\n"), (tls, client_context, b"b\n"), (tls, None, b"")):
                # Blocking sockets that nobody serves: they will never answer a goodbye.
                deaf = await asyncio.to_thread(connect_blocking, server.address, context, name)
                clients.enter_context(deaf)
            started = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - started < 5

    run(main())


def connect_blocking(address: tuple[str, int], context: ssl.SSLContext | None, name: bytes) -> socket.socket:
    plain = socket.create_connection(address, timeout=20)
    made = plain if context is None else context.wrap_socket(plain, server_hostname="localhost")
    if name:
        made.sendall(name)
        assert made.recv(1000).startswith(b"* welcome")
    return made


def test_a_long_line_passes_through_a_small_window(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0], receive_buffer=2048) as server,
            await join(server, "alice", wire[1]) as alice,
            await join(server, "bob", wire[1]) as bob,
        ):
            for _ in range(20):
                await bob.send("x" * protocol.MAX_LINE)
            assert await alice.receive() == "* bob has come in"
            for _ in range(20):
                assert await alice.receive() == "bob > " + "x" * protocol.MAX_LINE

    run(main())


def test_an_address_that_cannot_be_listened_on(run: Run) -> None:
    async def refusal(host: str, port: int) -> str:
        with pytest.raises(ChatError) as caught:
            async with Server(host=host, port=port):
                pass
        return str(caught.value)

    async def main() -> None:
        async with Server(port=0) as server:
            port = server.address[1]
            assert await refusal("127.0.0.1", port) == (
                f"Port {port} on 127.0.0.1 is in use: stop the program that has it, or choose another port."
            )
        assert (await refusal("192.0.2.1", 0)).startswith("192.0.2.1 is not an address of this machine:")
        assert (await refusal("no.such.host.invalid", 0)).startswith("The host 'no.such.host.invalid' cannot be found")
        assert (await refusal("127.0.0.1", 70000)).startswith("There is no port 70000:")

    run(main())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open any port")
def test_a_port_for_root_only(run: Run) -> None:
    async def main() -> None:
        with pytest.raises(ChatError, match="may not be opened by this user"):
            async with Server(port=1):
                pass

    run(main())
