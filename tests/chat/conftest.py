"""A certificate for localhost, both transports, and an event loop that tolerates nothing left behind."""

import asyncio
import datetime
import gc
import ipaddress
import logging
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEM file with a key and its self-signed certificate."""
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
    path = tmp_path_factory.mktemp("certificate") / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.touch(mode=0o600)
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


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


@pytest.fixture(params=["plain", "tls"])
def wire(
    request: pytest.FixtureRequest, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
    """The server's and the client's context, on each transport."""
    return (None, None) if request.param == "plain" else (server_context, client_context)


@pytest.fixture
def run(caplog: pytest.LogCaptureFixture) -> Callable[[Coroutine[None, None, None]], None]:
    """Run a test's coroutine in asyncio's debug mode; fail if it leaves a task, a socket or a complaint behind."""

    def run_it(main: Coroutine[None, None, None]) -> None:
        async def watched() -> None:
            async with asyncio.timeout(60):
                await main
            assert asyncio.all_tasks() == {asyncio.current_task()}

        caplog.set_level(logging.INFO)
        with asyncio.Runner(debug=True) as runner:
            runner.get_loop().slow_callback_duration = 60
            runner.run(watched())
        gc.collect()  # an unclosed socket or transport warns when it is collected, and warnings are errors
        assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []

    return run_it
