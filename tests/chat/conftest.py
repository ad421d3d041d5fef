"""What the tests of the chat share: certificates, both transports and event loops, connections that may do anything."""

import asyncio
import datetime
import gc
import importlib.util
import ipaddress
import logging
import os
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chat import loop
from chat.client import Client
from chat.security import Lock
from chat.server import Server

if importlib.util.find_spec("_tkinter") is not None:  # else the tests of the window are skipped, and say so
    from tests.chat.screen import display, plain_house, screens, sit, tls_house  # noqa: F401  (fixtures)

Run = Callable[[Coroutine[None, None, None]], None]
Wire = tuple[ssl.SSLContext | None, ssl.SSLContext | None]


def make_certificate(path: Path) -> Path:
    """Write a PEM file with a key and its self-signed certificate for localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.touch(mode=0o600)
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEM file with a key and its self-signed certificate."""
    return make_certificate(tmp_path_factory.mktemp("certificate") / "localhost.pem")


@pytest.fixture
def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def client_context(certificate: Path) -> ssl.SSLContext:
    """One that verifies, as everybody's should."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate)
    return context


@pytest.fixture
def mutual(certificate: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Both sides, where the server asks for a certificate and the client shows one: the same, for brevity."""
    server, client = (ssl.SSLContext(way) for way in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT))
    server.verify_mode = ssl.CERT_REQUIRED
    for context in (server, client):
        context.load_cert_chain(certificate)
        context.load_verify_locations(certificate)
    return server, client


@pytest.fixture(params=["plain", "tls"])
def wire(
    request: pytest.FixtureRequest, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    """The server's and the client's context, on each transport."""
    return (None, None) if request.param == "plain" else (server_context, client_context)


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Run:
    """Run a test's coroutine; fail if it leaves a task, a socket or a complaint behind.

    Once on asyncio's own loop in debug mode, and once on uvloop where that is installed.
    """
    own = request.param == "asyncio"
    if not own and importlib.util.find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")

    def run_it(main: Coroutine[None, None, None]) -> None:
        async def watched() -> None:
            async with asyncio.timeout(60):
                await main
            assert asyncio.all_tasks() == {asyncio.current_task()}

        caplog.set_level(logging.INFO)
        gc.freeze()  # to search what the test has made only
        try:
            with asyncio.Runner(debug=own, loop_factory=None if own else loop.factory()) as runner:
                runner.get_loop().slow_callback_duration = 60
                runner.run(watched())
            gc.collect()  # an unclosed socket or transport warns when it is collected, and warnings are errors
        finally:
            gc.unfreeze()
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []

    return run_it


class Raw:
    """A connection on which anything can be sent, and nothing is read unless asked for."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def line(self) -> str:
        return (await self.reader.readuntil(b"\n")).decode().rstrip("\n")

    async def rest(self) -> bytes:
        return await self.reader.read()

    def read_on(self) -> asyncio.Task[bytes]:
        """Read all there will be, from now on: what waits for too long is lost where TLS ends (asyncio, uvloop)."""
        return asyncio.create_task(self.rest())


@asynccontextmanager
async def raw(
    server: Server,
    context: ssl.SSLContext | None = None,
    *,
    source: tuple[str, int] | None = None,
) -> AsyncIterator[Raw]:
    hostname = None if context is None else "localhost"
    reader, writer = await asyncio.open_connection(
        *server.address, ssl=context, server_hostname=hostname, local_addr=source
    )
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


class ByHand:
    """A client's side of TLS on a connection of bytes: every record passes through the test's hands."""

    def __init__(self, connection: Raw, context: ssl.SSLContext) -> None:
        self.connection = connection
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def hello(self) -> bytes:
        """Return the first flight."""
        with suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    async def shake_hands(self) -> None:
        """Do what is left of the handshake."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.connection.write(self.outgoing.read())
                await self._more()
            else:
                self.connection.write(self.outgoing.read())
                return

    def sealed(self, words: bytes) -> bytes:
        """Return the record that carries these words."""
        self.tls.write(words)
        return self.outgoing.read()

    async def line(self) -> str:
        """Return the next line; nothing may come after it yet."""
        words = b""
        while not words.endswith(b"\n"):
            try:
                words += self.tls.read(65536)
            except ssl.SSLWantReadError:
                await self._more()
        return words.decode().rstrip("\n")

    async def end(self) -> None:
        """Read to the alert that ends the connection; raise what the alert is, unless it is close_notify."""
        while True:
            try:
                if not self.tls.read(65536):
                    return
            except ssl.SSLZeroReturnError:  # we have said so too
                return
            except ssl.SSLWantReadError:
                await self._more()

    async def _more(self) -> None:
        data = await self.connection.reader.read(65536)
        assert data, "the connection ended without a word of TLS"
        self.incoming.write(data)


@asynccontextmanager
async def program(
    *command: str, errors: bool = False
) -> AsyncIterator[tuple[asyncio.StreamWriter, asyncio.StreamReader]]:
    """A real client's standard input and output, with its errors where they are wanted."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT if errors else asyncio.subprocess.DEVNULL
    )
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


@pytest.fixture
def contexts(client_context: ssl.SSLContext) -> dict[Lock, ssl.SSLContext]:
    """The client's side of TLS: one that verifies, and one that does not."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    return {Lock.VERIFIED: client_context, Lock.UNVERIFIED: anybody}
