import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from chat import notices
from chat.client import Client, _Connection, reach
from chat.errors import ChatError, ConnectionLost, NicknameError, ProtocolError
from chat.lines import MAX_LINE
from chat.security import READABLE, Lock
from chat.server import Server
from chat.wire import Tls
from tests.chat.conftest import Run, Wire, join


@asynccontextmanager
async def answering(*chunks: bytes) -> AsyncIterator[tuple[str, int]]:
    """A server of any kind: reads a line, sends these bytes, ends the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readline()
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()


def only_certificate(path: Path) -> str:
    pem = path.read_text("ascii")
    return pem[pem.index("-----BEGIN CERTIFICATE-----") :]


def test_what_is_known_after_connecting(run: Run, wire: Wire, certificate: Path) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server, await join(server, " Jose\u0301 ", wire[1]) as client:
            assert client.name == "José"
            assert client.welcome == "* welcome, José. 1 here: José"
            if wire[1] is None:
                assert client.security == READABLE
            else:
                assert client.security.lock is Lock.VERIFIED
                assert client.security.version == "TLSv1.3"
                assert client.security.cipher.startswith("TLS_")
                assert client.security.certificate == ssl.PEM_cert_to_DER_cert(only_certificate(certificate))

    run(main())


def test_users_leaves_other_lines_for_receive(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with (
            Server(port=0, context=wire[0]) as server,
            await join(server, "alice", wire[1]) as alice,
            await join(server, "bob", wire[1]) as bob,
        ):
            await bob.send("* 1 here: mallory")
            waiting = asyncio.create_task(alice.receive())
            assert await alice.users() == ("alice", "bob")
            assert await waiting == "* bob has come in"
            assert await alice.receive() == "bob > * 1 here: mallory"
            await alice.send("!users")
            assert await alice.receive() == "* 2 here: alice, bob"

    run(main())


def test_nothing_is_sent_that_would_be_refused(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server, await join(server, "alice", None) as alice:
            for text in ("two\nlines", "x" * (MAX_LINE + 1), "", "\x1b[2J", "!kick"):
                with pytest.raises(ProtocolError, match=r"^[^.]+\.$"):
                    await alice.send(text)
            await alice.send("!users")
            assert await alice.receive() == "* 1 here: alice"

    run(main())


def test_leaving_is_polite_and_may_be_repeated(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server, await join(server, "alice", wire[1]) as alice:
            bob = await join(server, "bob", wire[1])
            await bob.send("bye")
            await alice.send("wait!")
            await alice.users()
            await bob.leave()
            assert [await alice.receive() for _ in range(3)] == ["* bob has come in", "bob > bye", "* bob has left"]
            assert await bob.receive() == "alice > wait!"
            with pytest.raises(ConnectionLost, match=r"^The connection is gone: the server ended the connection\.$"):
                await bob.receive()
            with pytest.raises(ConnectionLost):
                await bob.send("too late")
            with pytest.raises(ConnectionLost):
                await bob.users()
            await bob.leave()
            await bob.close()

    run(main())


def test_an_error_in_the_block_closes_without_a_word(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server, await join(server, "alice", wire[1]) as alice:
            with pytest.raises(ZeroDivisionError):
                async with await join(server, "bob", wire[1]):
                    raise ZeroDivisionError
            assert [await alice.receive(), await alice.receive()] == ["* bob has come in", "* bob has left"]

    run(main())


def test_names_that_are_refused(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server, await join(server, "alice", wire[1]):
            with pytest.raises(NicknameError, match=f"^{notices.sentence(notices.NAME_TAKEN, name='Alice')}$"):
                await join(server, "Alice", wire[1])
            with pytest.raises(NicknameError, match="made of letters"):
                await join(server, "\x1b[31m", wire[1])

    run(main())


def test_nobody_there(run: Run) -> None:
    async def main() -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            with pytest.raises(ChatError) as caught:
                await Client.connect("127.0.0.1", port, "alice")
        assert str(caught.value).startswith(f"Nothing listens at 127.0.0.1:{port}: start the server")
        assert isinstance(caught.value.__cause__, ConnectionRefusedError)
        with pytest.raises(ChatError, match="cannot be found: check its name"):
            await Client.connect("no.such.host.invalid", 1, "alice")
        with pytest.raises(ChatError, match="There is no port 70000"):
            await Client.connect("127.0.0.1", 70000, "alice")

    run(main())


def test_a_server_that_never_answers(run: Run) -> None:
    async def main() -> None:
        why = r"did not answer within 0\.2 seconds"
        with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ChatError, match=why):
            await Client.connect("127.0.0.1", silent.getsockname()[1], "alice", timeout=0.2)

    run(main())


def test_a_certificate_nobody_vouches_for(run: Run, server_context: ssl.SSLContext) -> None:
    async def main() -> None:
        async with Server(port=0, context=server_context) as server:
            with pytest.raises(ChatError, match=r"^The certificate of .* is not to be trusted \(") as caught:
                await join(server, "alice", ssl.create_default_context())
            assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)

    run(main())


def test_a_certificate_for_another_name(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    async def main() -> None:
        async with Server(port=0, context=server_context) as server:
            with pytest.raises(ChatError, match="not to be trusted"):
                await Client.connect(*server.address, "alice", context=client_context, server_hostname="example.org")

    run(main())


def test_the_wrong_transport(run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    async def main() -> None:
        async with Server(port=0) as plain, Server(port=0, context=server_context) as tls:
            with pytest.raises(
                ChatError, match=r"^TLS with .* failed \(.*\): check that this port speaks TLS\.$"
            ) as caught:
                await join(plain, "alice", client_context)
            assert isinstance(caught.value.__cause__, ssl.SSLError)
            with pytest.raises(ChatError, match=f"does not let you in: {notices.SPEAKS_TLS}"):
                await join(tls, "alice", None)

    run(main())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "is not this chat: check the address."),
        (b"* we are closed today\n", "does not let you in: we are closed today."),
        (b"x" * 100_000, "it sent a line too long to be from a chat server: check the address."),
        (b"\x15\x03\x01\x00\x02\x02\x46", "this port speaks TLS: connect with TLS, or to the plaintext port."),
        (b"", "closed the connection before it let you in"),
        (b"half a line", "closed the connection before it let you in"),
    ],
)
def test_something_else_answers(run: Run, answer: bytes, why: str) -> None:
    async def main() -> None:
        async with answering(answer) as address:
            with pytest.raises(ChatError) as caught:
                await Client.connect(*address, "alice")
            assert why in str(caught.value)

    run(main())


def test_bytes_that_are_no_text_are_shown_as_such(run: Run) -> None:
    async def main() -> None:
        async with answering(b"* welcome, alice. 1 here: alice\nbob > \xff\r\n") as address:
            client = await Client.connect(*address, "alice")
            assert await client.receive() == "bob > \\xff"
            with pytest.raises(ConnectionLost):
                await client.receive()
            await client.close()

    run(main())


def test_lines_wait_for_a_late_reader(run: Run) -> None:
    async def main() -> None:
        flood = b"".join(b"* %d\n" % number for number in range(100_000))
        async with answering(b"* welcome, alice. 1 here: alice\n", flood) as address:
            client = await Client.connect(*address, "alice")
            assert [await client.receive() for _ in range(100_000)] == [f"* {number}" for number in range(100_000)]
            await client.close()

    run(main())


def test_reaching_is_not_noticed(run: Run, wire: Wire) -> None:
    async def main() -> None:
        async with Server(port=0, context=wire[0]) as server, await join(server, "alice", wire[1]) as alice:
            await reach("localhost", server.address[1], wire[1])
            assert await alice.users() == ("alice",)

    run(main())


def test_reaching_fails_in_the_same_words(run: Run, server_context: ssl.SSLContext) -> None:
    async def main() -> None:
        async with Server(port=0) as gone:
            port = gone.address[1]
        stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        async with Server(port=0, context=server_context) as tls, Server(port=0) as plain:
            for where, context in ((port, None), (tls.address[1], stranger), (plain.address[1], stranger)):
                with pytest.raises(ChatError) as ours:
                    await reach("localhost", where, context)
                with pytest.raises(ChatError) as theirs:
                    await Client.connect("localhost", where, "bob", context=context)
                assert str(ours.value) == str(theirs.value)
                assert type(ours.value.__cause__) is type(theirs.value.__cause__)

    run(main())


def test_who_says_nothing_is_waited_for_a_while(run: Run) -> None:
    async def main() -> None:
        done = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()
            await writer.wait_closed()
            done.set()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(ChatError, match=r"did not answer within 0\.05 seconds"):
                await reach("127.0.0.1", port, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), timeout=0.05)
            await done.wait()

    run(main())


@pytest.mark.parametrize("host", ["a..b", f"{'x' * 64}.example", "half\ud83d", "a\0b"])
def test_a_host_that_is_no_name(run: Run, host: str) -> None:
    async def main() -> None:
        with pytest.raises(ChatError, match="cannot be found: check its name"):
            await Client.connect(host, 12345, "bob")

    run(main())


def test_what_comes_after_the_goodbye_is_not_kept(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    async def main() -> None:
        hung_up = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tls, words = Tls(server_context, server_side=True), b""
            while not words:
                words = tls.receive(await reader.read(65536))
                writer.write(tls.outgoing())
            writer.write(tls.send(b"* welcome, bob. 1 here: bob\n") + tls.end())
            with suppress(OSError):
                while not writer.is_closing():  # it never stops by itself
                    writer.write(bytes(65536))
                    await writer.drain()
            hung_up.set()
            writer.transport.abort()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            client = await Client.connect("localhost", port, "bob", context=client_context)
            with pytest.raises(ConnectionLost):
                await client.receive()
            await hung_up.wait()
            await client.close()

    run(main())


def test_who_gives_up_in_between_leaves_no_unheard_error(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure that nobody waits for any more would be logged, with a traceback; `run` looks at the log."""
    made = _Connection.connection_made

    async def main() -> None:
        async with Server(port=0, context=server_context) as server:
            connecting = asyncio.create_task(Client.connect(*server.address, "alice", context=client_context))

            def stop(self: _Connection, transport: asyncio.BaseTransport) -> None:
                made(self, transport)
                connecting.cancel()

            monkeypatch.setattr(_Connection, "connection_made", stop)
            with pytest.raises(asyncio.CancelledError):
                await connecting

    run(main())
