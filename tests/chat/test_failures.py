"""Against what the client really says, so that a sentence that is worded anew there is missed here."""

import asyncio
import socket
import ssl
import string
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from chat import failures
from chat.client import Client
from chat.errors import ChatError
from chat.server import Server
from chat.words import Words
from tests.chat.conftest import make_certificate

Run = Callable[[Coroutine[None, None, None]], None]


def known(error: BaseException) -> str:
    notice = failures.recognise(str(error))
    assert notice is not None, error
    assert notice.template.format_map(notice.fields) == str(error)
    return notice.template


@asynccontextmanager
async def answering(data: bytes, *, hold: bool = True) -> AsyncIterator[int]:
    """A server of any kind: says this, and waits until the client ends the connection, or ends it itself."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        if hold:
            await reader.read()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        done.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await done.wait()


@pytest.mark.parametrize("template", failures.TEMPLATES)
def test_each_is_recognised(template: str) -> None:
    names = [name for _, name, _, _ in string.Formatter().parse(template) if name]
    fields = dict.fromkeys(names, "12")
    notice = failures.recognise(template.format_map(fields))
    assert notice is not None
    assert (notice.template, notice.fields) == (template, fields)


def test_others_are_not() -> None:
    assert failures.recognise("Who are you?") is None
    assert failures.recognise("") is None


def test_what_connecting_fails_with(
    run: Run, server_context: ssl.SSLContext, client_context: ssl.SSLContext, certificate: object
) -> None:
    assert certificate
    trusting_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with socket.socket() as taken:  # bound and never listening: refused
        taken.bind(("127.0.0.1", 0))
        closed = taken.getsockname()[1]

        async def refused(port: int, **how: object) -> str:
            with pytest.raises(ChatError) as caught:
                await Client.connect("127.0.0.1", port, "alice", **how)  # type: ignore[arg-type]  # options of a test
            return known(caught.value)

        async def main() -> None:
            assert (await refused(closed)).startswith("Nothing listens at {where}")
            assert (await refused(0)).startswith("There is no port")
            with pytest.raises(ChatError) as nowhere:
                await Client.connect("no.such.host.invalid", 1, "alice")
            assert known(nowhere.value).startswith("The host in {where} cannot be found")
            async with Server(port=0) as plain, Server(port=0, context=server_context) as secure:
                assert (await refused(secure.address[1])).startswith("{where} does not let you in")
                assert (await refused(plain.address[1], context=client_context)).startswith("TLS with {where} failed")
                assert (await refused(secure.address[1], context=trusting_nobody)).startswith("The certificate of")
                wrong_name = await refused(secure.address[1], context=client_context, server_hostname="other.example")
                assert wrong_name.startswith("The certificate of {where} is not to be trusted ({reason})")

            async with answering(b"", hold=False) as port:
                assert (await refused(port)).startswith("{where} closed the connection before it let you in")
            async with answering(b"") as port:
                assert (await refused(port, timeout=0.05)).startswith("{where} did not answer within")
            async with answering(b"220 mail\r\n") as port:
                assert (await refused(port)).startswith("What answers at {where} is not this chat")

        run(main())


def test_what_a_client_without_a_good_certificate_is_refused_with(
    run: Run, mutual: tuple[ssl.SSLContext, ssl.SSLContext], client_context: ssl.SSLContext, tmp_path: Path
) -> None:
    async def main() -> None:
        async with Server(port=0, context=mutual[0]) as server:

            async def refused() -> str:
                with pytest.raises(ChatError) as caught:
                    await Client.connect("localhost", server.address[1], "alice", context=client_context)
                assert isinstance(caught.value.__cause__, ssl.SSLError)
                assert Words("es").sentence(str(caught.value)) != str(caught.value)
                return known(caught.value)

            assert await refused() == "{where} lets in only who shows a certificate: connect with yours."
            client_context.load_cert_chain(make_certificate(tmp_path / "own.pem"))
            assert (await refused()).startswith("{where} does not accept your certificate ({reason})")

    run(main())


def test_how_a_connection_ends(run: Run) -> None:
    async def main() -> None:
        async with Server(port=0) as server:
            client = await Client.connect(*server.address, "alice")
        await client.receive()  # the server is closing
        with pytest.raises(ChatError) as caught:
            await client.receive()
        assert known(caught.value) == "The connection is gone: {why}"
        notice = failures.recognise(str(caught.value))
        assert notice is not None
        assert notice.fields["why"] in failures.TEMPLATES
        await client.close()

    run(main())
