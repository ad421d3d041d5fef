import hashlib
import socket
import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs import wrong
from certs.authority import Identity, create_authority, issue_server
from certs.contexts import server_context
from certs.pinning import PinError, pinned_client_context, spki_sha256
from tests.certs.handshaking import shake_hands

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture
def server() -> Identity:
    return wrong.self_signed(NOW)


def context_of(path: Path, identity: Identity, version: ssl.TLSVersion = V13) -> ssl.SSLContext:
    path.write_bytes(identity.certificate_pem + identity.key_pem)
    return server_context(path, path, version=version)


def test_the_hash_is_the_one_openssl_makes(server: Identity, tool: Callable[[str], str]) -> None:
    def openssl(*arguments: str, stdin: bytes) -> bytes:
        done = subprocess.run([tool("openssl"), *arguments], input=stdin, capture_output=True, timeout=30, check=True)
        return done.stdout

    public = openssl("x509", "-noout", "-pubkey", stdin=server.certificate_pem)
    der = openssl("pkey", "-pubin", "-outform", "DER", stdin=public)
    assert spki_sha256(server.certificate) == hashlib.sha256(der).digest()


@pytest.mark.parametrize("version", [V12, V13])
def test_the_key_is_all_that_counts(tmp_path: Path, server: Identity, version: ssl.TLSVersion) -> None:
    client = pinned_client_context(spki_sha256(server.certificate))
    met = shake_hands(context_of(tmp_path / "own.pem", server, version), client)
    assert (met.client, met.server) == (None, None)
    # the same key in a certificate that no other client would take
    authority = create_authority(not_before=NOW - 9 * DAY, not_after=NOW + 9 * DAY)
    renewed = issue_server(
        authority, names=["elsewhere.example"], not_before=NOW - 9 * DAY, not_after=NOW - DAY, key=server.key
    )
    assert shake_hands(context_of(tmp_path / "renewed.pem", renewed, version), client).client is None


@pytest.mark.parametrize("version", [V12, V13])
def test_another_key_is_left_with_a_goodbye_and_no_word(
    tmp_path: Path, server: Identity, version: ssl.TLSVersion
) -> None:
    other = context_of(tmp_path / "other.pem", wrong.self_signed(NOW), version)
    met = shake_hands(other, pinned_client_context(spki_sha256(server.certificate)))
    assert isinstance(met.client, PinError)
    assert "not the one that is pinned" in str(met.client)
    assert met.client.reason == PinError.reason
    # after its Finished there is one record more: the alert, which is 2 bytes long inside
    records = [record for flight in met.flights[1:] for record in cut(flight)]
    length = 2 + 1 + 16 if version is V13 else 8 + 2 + 16  # RFC 8446, section 5.2; RFC 5288, section 3
    assert records[-1][0] == (23 if version is V13 else 21)
    assert len(records[-1]) == 5 + length
    assert met.server is None  # TLS itself was content


def cut(flight: bytes) -> list[bytes]:
    found = []
    while flight:
        end = 5 + int.from_bytes(flight[3:5], "big")
        found.append(flight[:end])
        flight = flight[end:]
    return found


def test_a_certificate_that_cannot_be_read_has_not_the_key(tmp_path: Path, server: Identity) -> None:
    # X.509 has no version 9; OpenSSL does not mind where it verifies nothing
    der = server.certificate.public_bytes(Encoding.DER)
    assert der.count(b"\xa0\x03\x02\x01\x02") == 1
    odd = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x08")
    with pytest.raises(x509.InvalidVersion):
        x509.load_der_x509_certificate(odd)
    path = tmp_path / "odd.pem"
    path.write_bytes(ssl.DER_cert_to_PEM_cert(odd).encode() + server.key_pem)
    met = shake_hands(server_context(path, path), pinned_client_context(spki_sha256(server.certificate)))
    assert isinstance(met.client, PinError)


def test_a_socket_is_not_wrapped_without_the_check(server: Identity) -> None:
    context = pinned_client_context(spki_sha256(server.certificate))
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(PinError, match="made by wrap_bio"):
        context.wrap_socket(ours, server_hostname="localhost")
