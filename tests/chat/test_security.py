import datetime
import ipaddress
import ssl
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from chat.security import READABLE, Lock, Security, of_tls, read_certificate


def der_of(pem: Path) -> bytes:
    """The certificate in a file that holds its key before it."""
    return x509.load_pem_x509_certificate(pem.read_bytes().partition(b"-----END PRIVATE KEY-----\n")[2]).public_bytes(
        Encoding.DER
    )


def shaken(client: ssl.SSLContext, server: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """The two ends of a connection whose handshake is done."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(down, up, server_hostname="localhost"),
        server.wrap_bio(up, down, server_side=True),
    )
    for _ in range(4):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ends


@pytest.mark.parametrize(
    ("version", "name"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
)
def test_verified(
    client_context: ssl.SSLContext,
    server_context: ssl.SSLContext,
    certificate: Path,
    version: ssl.TLSVersion,
    name: str,
) -> None:
    server_context.minimum_version = server_context.maximum_version = version
    client, server = shaken(client_context, server_context)
    cipher = server.cipher()
    assert cipher is not None
    assert of_tls(client) == Security(Lock.VERIFIED, name, cipher[0], der_of(certificate))
    assert of_tls(server) == Security(Lock.UNVERIFIED, name, cipher[0], None), "the server asked nobody who they are"


@pytest.mark.parametrize("check", [ssl.CERT_NONE, ssl.CERT_REQUIRED])
def test_nobody_verified(client_context: ssl.SSLContext, server_context: ssl.SSLContext, check: ssl.VerifyMode) -> None:
    """Also a good certificate verifies nobody while it may be for any name."""
    client_context.check_hostname = False
    client_context.verify_mode = check
    client, _ = shaken(client_context, server_context)
    security = of_tls(client)
    assert security.lock is Lock.UNVERIFIED
    assert security.version == "TLSv1.3"
    assert security.certificate == client.getpeercert(binary_form=True) is not None


def test_before_the_handshake_nothing_is_claimed(client_context: ssl.SSLContext) -> None:
    made = client_context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
    with pytest.raises(ValueError, match="handshake not done"):
        of_tls(made)


def test_plaintext() -> None:
    assert Security(Lock.READABLE, "", "", None) == READABLE
    assert [lock.value for lock in Lock] == [
        "encrypted and verified",
        "encrypted, nobody verified",
        "readable by anyone",
    ]


def openssl_says(openssl: str, der: bytes, *what: str) -> str:
    done = subprocess.run(
        [openssl, "x509", "-inform", "DER", "-noout", *what], input=der, capture_output=True, check=True, timeout=30
    )
    return done.stdout.decode().strip()


def made(*names: x509.GeneralName) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(
            x509.Name(
                [
                    x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "The lab"),
                    x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost"),
                ]
            )
        )
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a CA, of ours")]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2031, 11, 12, 13, 14, tzinfo=datetime.UTC))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_certificate_as_openssl_reads_it(tool: Callable[[str], str], certificate: Path) -> None:
    openssl = tool("openssl")
    for der in (der_of(certificate), made(x509.DNSName("lab.example"))):
        read = read_certificate(der)
        assert read is not None
        assert f"subject={read.subject}" == openssl_says(openssl, der, "-subject", "-nameopt", "RFC2253")
        assert f"issuer={read.issuer}" == openssl_says(openssl, der, "-issuer", "-nameopt", "RFC2253")
        fingerprint = openssl_says(openssl, der, "-fingerprint", "-sha256").partition("=")[2]
        assert read.fingerprint == fingerprint.lower()
        dates = openssl_says(openssl, der, "-dates").splitlines()
        for date, told in zip((read.not_before, read.not_after), dates, strict=True):
            seconds = ssl.cert_time_to_seconds(told.partition("=")[2])
            assert date == f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M} UTC"


def test_what_it_says() -> None:
    read = read_certificate(
        made(
            x509.DNSName("lab.example"),
            x509.RFC822Name("somebody@lab.example"),
            x509.IPAddress(ipaddress.ip_address("::1")),
            x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
            x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x04\x01a"),
        )
    )
    assert read is not None
    assert (read.subject, read.issuer) == ("CN=localhost,O=The lab", "CN=a CA\\, of ours")
    assert read.names == ("lab.example", "::1"), "host names and addresses, nothing else"
    assert (read.not_before, read.not_after) == ("2026-01-02 03:04 UTC", "2031-11-12 13:14 UTC")


def test_a_certificate_for_no_host() -> None:
    read = read_certificate(made())
    assert read is not None
    assert read.names == ()


BASE = made(x509.DNSName("lab.example"), x509.DirectoryName(x509.Name([])))
VERSION_3 = bytes.fromhex("a003020102")  # RFC 5280, section 4.1: the version, a number in a tag of its own
CONSTRAINTS, ALTERNATIVES = bytes.fromhex("0603551d13"), bytes.fromhex("0603551d11")  # the two extensions in it


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        b"not a certificate",
        BASE[:-1],
        BASE + b"\0",
        BASE.replace(VERSION_3, VERSION_3[:-1] + b"\x2a"),  # there is no such version
        BASE.replace(b"\x82\x0blab.example", b"\xa5\x0blab.example"),  # ediPartyName, which nobody reads
        BASE.replace(CONSTRAINTS, ALTERNATIVES),  # twice the same extension
        BASE.replace(b"lab.example", b"lab.ex\xffmple"),
        BASE.replace(b"\x17\r260102030400Z", b"\x17\r261302030400Z"),  # month 13
    ],
)
def test_what_cannot_be_read_is_none(der: bytes) -> None:
    assert der != BASE
    assert read_certificate(der) is None


@pytest.mark.filterwarnings("ignore::UserWarning")  # of cryptography, for what it reads but will not in later versions
@given(st.lists(st.tuples(st.integers(0, len(BASE) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_anything_may_be_sent(changes: list[tuple[int, int]]) -> None:
    der = bytearray(BASE)
    for at, byte in changes:
        der[at] = byte
    read = read_certificate(bytes(der))
    assert read is None or len(read.fingerprint) == 64 + 31
