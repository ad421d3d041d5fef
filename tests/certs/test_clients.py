import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from certs.authority import Identity, builder, create_authority, issue_server
from certs.clients import holder, issue_client

START = datetime(2030, 5, 1, tzinfo=UTC)
END = START + timedelta(days=30)


@pytest.fixture(scope="module")
def authority() -> Identity:
    return create_authority(not_before=START, not_after=END)


def der(identity: Identity) -> bytes:
    return identity.certificate.public_bytes(Encoding.DER)


def verify(folder: Path, authority: Identity, client: Identity, *options: str) -> str:
    """What `openssl verify` says, strictly, a day after the start."""
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    (folder / "client.pem").write_bytes(client.certificate_pem)
    at = str(int((START + timedelta(days=1)).timestamp()))
    command = ["openssl", "verify", "-x509_strict", "-attime", at, *options, "-CAfile", "ca.pem", "client.pem"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


def test_openssl_takes_it_for_a_client_and_for_nothing_else(tmp_path: Path, authority: Identity) -> None:
    client = issue_client(authority, "alice", not_before=START, not_after=END)
    assert verify(tmp_path, authority, client, "-purpose", "sslclient") == "client.pem: OK\n"
    assert "unsuitable certificate purpose" in verify(tmp_path, authority, client, "-purpose", "sslserver")
    other = create_authority(not_before=START, not_after=END)  # its name is the same
    assert "unable to get local issuer certificate" in verify(tmp_path, other, client)


def test_the_extensions_as_openssl_reads_them(authority: Identity) -> None:
    client = issue_client(authority, "alice", not_before=START, not_after=END)
    command = ["openssl", "x509", "-noout", "-text"]
    done = subprocess.run(command, input=client.certificate_pem, capture_output=True, timeout=30, check=True)
    text = done.stdout.decode()
    assert "Issuer: CN = Traffic lab CA" in text.replace("CN=", "CN = ")
    assert "Subject: CN = alice" in text.replace("CN=", "CN = ")
    assert "X509v3 Extended Key Usage: \n                TLS Web Client Authentication\n" in text
    assert "X509v3 Key Usage: critical\n                Digital Signature\n" in text
    assert "X509v3 Basic Constraints: critical\n                CA:FALSE\n" in text
    assert "Subject Alternative Name" not in text


@pytest.mark.parametrize("name", ["alice", "Begoña", "жанна", "李雷", "a.b-c_1", "x" * 64])
def test_the_name_is_read_back(authority: Identity, name: str) -> None:
    assert holder(der(issue_client(authority, name, not_before=START, not_after=END))) == name


@pytest.mark.parametrize("name", ["", "x" * 65])
def test_names_that_no_certificate_can_hold(authority: Identity, name: str) -> None:
    with pytest.raises(ValueError, match=r"characters|length"):
        issue_client(authority, name, not_before=START, not_after=END)


def test_a_key_is_kept_when_it_is_renewed(authority: Identity) -> None:
    first = issue_client(authority, "alice", not_before=START, not_after=END)
    second = issue_client(authority, "alice", not_before=START, not_after=END, key=first.key)
    assert second.certificate.public_key() == first.certificate.public_key()
    assert second.certificate.serial_number != first.certificate.serial_number


def test_what_says_no_one_name(authority: Identity) -> None:
    key = ec.generate_private_key(ec.SECP256R1())

    def named(*attributes: x509.NameAttribute[str]) -> bytes:
        made = builder(x509.Name(attributes), authority.certificate.subject, key, START, END)
        return made.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.DER)

    common = x509.NameAttribute(NameOID.COMMON_NAME, "alice")
    assert holder(named(common)) == "alice"
    assert holder(named(common, x509.NameAttribute(NameOID.COMMON_NAME, "bob"))) is None
    assert holder(named(x509.NameAttribute(NameOID.ORGANIZATION_NAME, "alice"))) is None
    assert holder(named()) is None
    assert holder(named(common)[:-1]) is None
    assert holder(b"") is None
    assert holder(der(issue_server(authority, not_before=START, not_after=END))) == "Traffic lab server"
