"""Who can read a connection: what a lock beside the conversation may say, and the certificate behind it.

Knows: `ssl.SSLObject`, X.509 by `cryptography`. Must not know: how the lock is drawn, or in which language. Contract:
what is said here was measured on the connection itself, after its handshake.
"""

import ssl
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography import x509


class Lock(Enum):
    """Who can read what passes. The values are the words for it."""

    VERIFIED = "encrypted and verified"
    UNVERIFIED = "encrypted, nobody verified"
    READABLE = "readable by anyone"


@dataclass(frozen=True, slots=True)
class Security:
    """How a connection is protected.

    Attributes:
        lock: who can read it.
        version: the TLS version by OpenSSL's name (`TLSv1.3`), empty in plaintext.
        cipher: the cipher suite by OpenSSL's name, empty in plaintext.
        certificate: the server's certificate in DER, None in plaintext.
    """

    lock: Lock
    version: str = ""
    cipher: str = ""
    certificate: bytes | None = None


READABLE: Final = Security(Lock.READABLE)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says (RFC 5280, section 4.1.2).

    Attributes:
        subject: whom it is for, as RFC 4514 writes names.
        issuer: who signed it.
        names: the host names and addresses in subjectAltName.
        not_before: from when it is valid, `2026-11-25 18:00 UTC`.
        not_after: until when.
        fingerprint: SHA-256 of its DER form, in hex with colons.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: str
    not_after: str
    fingerprint: str


def of_tls(tls: ssl.SSLObject) -> Security:
    """Return how a TLS connection is protected, once its handshake is done."""
    verified = tls.context.verify_mode is ssl.CERT_REQUIRED and tls.context.check_hostname
    cipher = tls.cipher()
    return Security(
        lock=Lock.VERIFIED if verified else Lock.UNVERIFIED,
        version=tls.version() or "",
        cipher=cipher[0] if cipher else "",
        certificate=tls.getpeercert(binary_form=True),
    )


def read_certificate(der: bytes) -> Certificate | None:
    """Return what a certificate says, None where it cannot be read: whoever verifies nobody may be sent anything."""
    from cryptography import x509  # noqa: PLC0415  (slow to import, and only who looks at a certificate needs it)
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415

    try:
        read = x509.load_der_x509_certificate(der)
        return Certificate(
            subject=read.subject.rfc4514_string(),
            issuer=read.issuer.rfc4514_string(),
            names=_names(read),
            not_before=f"{read.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            not_after=f"{read.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
            fingerprint=read.fingerprint(hashes.SHA256()).hex(":"),
        )
    except (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None


def _names(certificate: "x509.Certificate") -> tuple[str, ...]:
    from cryptography import x509  # noqa: PLC0415

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress))
