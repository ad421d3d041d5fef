"""Client certificates that the small CA signs, and the name in one.

Knows X.509. Must not know files, clocks, sockets, or which names a chat allows. Contract: what is made here passes
OpenSSL's strict checks (X509_V_FLAG_X509_STRICT) as a TLS client's and as nothing else, and `holder` reads back the
name that `issue_client` was given.

The name stands in the subject's commonName and nowhere else. The subject is whom a certificate is about, and that
attribute is what they are commonly called (RFC 5280 section 4.1.2.6; X.520 section 6.2.2). It is UTF-8 and takes any
letter, and its 64 characters are more than a nickname has. subjectAltName is made for host names, addresses, mail
addresses and URIs (section 4.2.1.6); no form of it is agreed on for nicknames. That names are no longer looked for in
commonName is a rule for servers (RFC 9525).
"""

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.authority import Identity, PrivateKey, builder, named, sign_leaf, usage


def issue_client(
    authority: Identity, name: str, *, not_before: datetime, not_after: datetime, key: PrivateKey | None = None
) -> Identity:
    """Make a client certificate for the person called `name`, signed by `authority`.

    Args:
        authority: the CA that signs.
        name: 1 to 64 characters (RFC 5280 appendix A.1, ub-common-name).
        not_before: the first moment it is valid, with a time zone.
        not_after: the last moment it is valid, with a time zone.
        key: the key of a client being renewed. None makes one on the curve P-256.

    Raises:
        ValueError: for a name of no or too many characters, or times in the wrong order.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    begun = builder(named(name), authority.certificate.subject, key, not_before, not_after)
    # a client's key signs the handshake (CertificateVerify), and does nothing else; and it is for clients only, as a
    # server's certificate, which says so too, is no client's
    return sign_leaf(begun, authority, key, usage(digital_signature=True), ExtendedKeyUsageOID.CLIENT_AUTH)


def holder(certificate: bytes, *, at: datetime | None = None) -> str | None:
    """Return whom a certificate is for: its one common name. None where it has none or several, or cannot be read.

    It says nothing about whether the certificate is to be trusted: whoever verified it knows that.

    Args:
        certificate: in DER.
        at: a moment, with a time zone, at which it must be valid; else None is returned. A handshake that resumes a
            session asks for no certificate again (RFC 8446, section 2.2), so that an expired one would still do.
    """
    try:
        read = x509.load_der_x509_certificate(certificate)
        subject, valid = read.subject, (read.not_valid_before_utc, read.not_valid_after_utc)
    except (ValueError, TypeError, x509.InvalidVersion):  # parsed only when asked for
        return None
    if at is not None and not valid[0] <= at <= valid[1]:
        return None
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    value = names[0].value if len(names) == 1 else None
    return value if isinstance(value, str) else None
