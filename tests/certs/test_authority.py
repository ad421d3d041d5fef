import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.authority import Identity, create_authority, issue_server

NOW = datetime.now(UTC).replace(microsecond=0)
START, END = NOW - timedelta(hours=1), NOW + timedelta(days=30)


def openssl(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, timeout=30, check=False)


def verify(directory: Path, authority: Identity, server: Identity, *options: str) -> bytes:
    """Ask openssl; return b"" when it is content, and its complaint when not."""
    (directory / "ca.pem").write_bytes(authority.certificate_pem)
    (directory / "server.pem").write_bytes(server.certificate_pem)
    done = openssl(
        *("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(directory / "ca.pem")),
        *(*options, str(directory / "server.pem")),
    )
    return b"" if done.returncode == 0 else done.stderr


@pytest.fixture
def authority() -> Identity:
    return create_authority(not_before=START, not_after=END)


@pytest.mark.parametrize(
    "option", [("-verify_hostname", "localhost"), ("-verify_ip", "127.0.0.1"), ("-verify_ip", "::1")]
)
def test_openssl_accepts_the_chain_strictly(tmp_path: Path, authority: Identity, option: tuple[str, str]) -> None:
    server = issue_server(authority, not_before=START, not_after=END)
    assert verify(tmp_path, authority, server, *option) == b""


def test_openssl_refuses_other_names_and_addresses(tmp_path: Path, authority: Identity) -> None:
    server = issue_server(authority, names=["chat.test"], addresses=[], not_before=START, not_after=END)
    assert verify(tmp_path, authority, server, "-verify_hostname", "chat.test") == b""
    assert b"hostname mismatch" in verify(tmp_path, authority, server, "-verify_hostname", "localhost")
    assert b"IP address mismatch" in verify(tmp_path, authority, server, "-verify_ip", "127.0.0.1")


def test_openssl_refuses_another_authority_of_the_same_name(tmp_path: Path, authority: Identity) -> None:
    server = issue_server(authority, not_before=START, not_after=END)
    other = create_authority(not_before=START, not_after=END)
    assert b"unable to get local issuer certificate" in verify(tmp_path, other, server)


def test_a_server_certificate_is_for_servers_and_signs_nothing(tmp_path: Path, authority: Identity) -> None:
    server = issue_server(authority, not_before=START, not_after=END)
    assert b"unsuitable certificate purpose" in verify(tmp_path, authority, server, "-purpose", "sslclient")
    below = issue_server(server, not_before=START, not_after=END)
    chain = tmp_path / "chain.pem"
    chain.write_bytes(server.certificate_pem)
    assert b"invalid CA certificate" in verify(tmp_path, authority, below, "-untrusted", str(chain))


def test_the_extensions_as_openssl_reads_them(authority: Identity) -> None:
    ca = openssl("x509", "-noout", "-text", stdin=authority.certificate_pem).stdout
    assert b"X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0\n" in ca
    assert b"X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign\n" in ca
    assert b"X509v3 Subject Key Identifier" in ca
    assert b"NIST CURVE: P-256" in ca
    server = issue_server(authority, not_before=START, not_after=END)
    leaf = openssl("x509", "-noout", "-text", stdin=server.certificate_pem).stdout
    assert b"DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1\n" in leaf
    assert b"X509v3 Extended Key Usage: \n                TLS Web Server Authentication\n" in leaf
    assert b"X509v3 Key Usage: critical\n                Digital Signature\n" in leaf
    assert b"X509v3 Basic Constraints: critical\n                CA:FALSE\n" in leaf
    assert b"X509v3 Authority Key Identifier" in leaf


def test_a_renewed_authority_still_vouches_for_what_it_signed(tmp_path: Path, authority: Identity) -> None:
    server = issue_server(authority, not_before=START, not_after=END)
    renewed = create_authority(not_before=START, not_after=END + timedelta(days=900), key=authority.key)
    assert renewed.certificate.serial_number != authority.certificate.serial_number
    assert verify(tmp_path, renewed, server) == b""


def test_key_pem_is_the_key_of_the_certificate_and_is_not_shown(authority: Identity) -> None:
    assert authority.key_pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    public = openssl("pkey", "-pubout", stdin=authority.key_pem).stdout
    assert public == openssl("x509", "-noout", "-pubkey", stdin=authority.certificate_pem).stdout != b""
    assert "key=" not in repr(authority)


def test_what_cannot_be_a_certificate_is_a_value_error(authority: Identity) -> None:
    with pytest.raises(ValueError, match="at least one name"):
        issue_server(authority, names=[], addresses=[], not_before=START, not_after=END)
    with pytest.raises(ValueError, match="not appear to be"):
        issue_server(authority, addresses=["localhost"], not_before=START, not_after=END)
    with pytest.raises(ValueError, match=r"ASCII|idna"):
        issue_server(authority, names=["niño.test"], not_before=START, not_after=END)
    with pytest.raises(ValueError, match="length"):
        create_authority(common_name="x" * 65, not_before=START, not_after=END)
    with pytest.raises(ValueError, match="before"):
        create_authority(not_before=END, not_after=START)
