"""A small certificate authority and the server certificates it signs, as objects.

Knows X.509. Must not know files, clocks or sockets: the caller says from when until when, and saves what it wants saved
(`certs.store` does). Contract: what is made here passes OpenSSL's strict checks (X509_V_FLAG_X509_STRICT), which are
the default of Python's own client since 3.13.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and the private key that belongs to it."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate in PEM (RFC 7468 section 5)."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key in PEM, PKCS #8, not encrypted (RFC 7468 section 10)."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def create_authority(
    *,
    common_name: str = "Traffic lab CA",
    not_before: datetime,
    not_after: datetime,
    key: PrivateKey | None = None,
) -> Identity:
    """Make a CA that signs itself and may sign servers, but no further CA (path length 0).

    Args:
        common_name: the subject and issuer name, 1 to 64 characters (RFC 5280 appendix A.1, ub-common-name).
        not_before: the first moment it is valid, with a time zone.
        not_after: the last moment it is valid, with a time zone.
        key: the key of a CA being renewed; certificates it has signed stay valid under the new one. None makes a key.

    Raises:
        ValueError: for a name of no or too many characters, or times in the wrong order.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = named(common_name)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        builder(name, name, key, not_before, not_after)
        # RFC 5280 sections 4.2.1.9 and 4.2.1.3: a CA has both, and the first of them must be critical.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate, key)


def issue_server(
    authority: Identity,
    *,
    names: Sequence[str] = ("localhost",),
    addresses: Sequence[str] = ("127.0.0.1", "::1"),
    not_before: datetime,
    not_after: datetime,
    key: PrivateKey | None = None,
    serial_number: int | None = None,
) -> Identity:
    """Make a server certificate for some names and addresses, signed by `authority`.

    Args:
        authority: the CA that signs.
        names: DNS names in ASCII, as a client would ask for them (SNI).
        addresses: IPv4 and IPv6 addresses as text.
        not_before: the first moment it is valid, with a time zone.
        not_after: the last moment it is valid, with a time zone.
        key: the key of a server being renewed, or one of a kind asked for. None makes one on the curve P-256.
        serial_number: at most 20 bytes, positive (RFC 5280 section 4.1.2.2). None makes a random one.

    Raises:
        ValueError: when there is neither a name nor an address, one of them cannot be one, the serial number cannot be
            one, or the times are in the wrong order.
    """
    dns = [x509.DNSName(name) for name in names]
    ip = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    if not dns and not ip:
        raise ValueError("a server certificate needs at least one name or address")
    key = key or ec.generate_private_key(ec.SECP256R1())
    # The name a client checks is in subjectAltName alone (RFC 9525), so the subject only describes.
    begun = builder(
        named("Traffic lab server"), authority.certificate.subject, key, not_before, not_after, serial_number
    )
    begun = begun.add_extension(x509.SubjectAlternativeName([*dns, *ip]), critical=False)
    # an RSA key may also be what a client encrypts its secret to (RSA key exchange, RFC 5246 section 7.4.7.1)
    key_usage = usage(digital_signature=True, key_encipherment=isinstance(key, rsa.RSAPrivateKey))
    return sign_leaf(begun, authority, key, key_usage, ExtendedKeyUsageOID.SERVER_AUTH)


def sign_leaf(
    begun: x509.CertificateBuilder,
    authority: Identity,
    key: PrivateKey,
    key_usage: x509.KeyUsage,
    purpose: x509.ObjectIdentifier,
) -> Identity:
    """Complete a certificate that is no CA's with what strict checks want of it, and sign it.

    Args:
        begun: its names, key and times.
        authority: the CA that signs.
        key: its private key.
        key_usage: what the key may do.
        purpose: the one thing that it is for (RFC 5280 section 4.2.1.12).
    """
    issuer_key = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        begun.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Identity(certificate, key)


def named(common_name: str) -> x509.Name:
    """Return the name of a subject or issuer that has nothing but a common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: PrivateKey,
    not_before: datetime,
    not_after: datetime,
    serial_number: int | None = None,
) -> x509.CertificateBuilder:
    """Return what every certificate here begins with: names, key, times, a serial number (its own if not given)."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number() if serial_number is None else serial_number)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )


def usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    """Return a keyUsage extension with these bits and no others (RFC 5280 section 4.2.1.3)."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
