"""Certificates that are taken back before they end: the CA's list of them (CRL), and clients that look at it.

Knows X.509 (RFC 5280, section 5) and what the `ssl` module can check. Must not know when a list is made, or who keeps
it where.
"""

import ssl
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from certs.authority import Identity
from certs.errors import CertsError


def revocation_list(
    authority: Identity, revoked: Iterable[x509.Certificate], *, made: datetime, until: datetime
) -> x509.CertificateRevocationList:
    """Make the list of what `authority` takes back.

    Args:
        authority: the CA that signs it; what is revoked must be its own.
        revoked: the certificates; their keys were stolen (keyCompromise, RFC 5280, section 5.3.1).
        made: when the list is made, and everything on it revoked; with a time zone.
        until: when the next list is to be there; later than that, this one counts for nothing.

    Raises:
        ValueError: the times are in the wrong order.
    """
    issuer = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(made)
        .next_update(until)
        # RFC 5280, sections 5.2.1 and 5.2.3: a list must have both
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for certificate in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(certificate.serial_number)
            .revocation_date(made)
            .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
            .build()
        )
    return builder.sign(authority.key, hashes.SHA256())


def check_revocation(context: ssl.SSLContext, crl: Path) -> None:
    """Make a client refuse servers whose certificate is on the list in the file `crl` (PEM), or whose CA has no list.

    Neither Python nor OpenSSL looks at any list, or fetches one, unless it is told to.

    Raises:
        CertsError: the file cannot be read, or holds no list.
    """
    tried = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        tried.load_verify_locations(cafile=crl)
    except OSError as error:  # ssl.SSLError is one too
        raise _not_a_list(crl) from error
    found = tried.cert_store_stats()
    if not found["crl"] or found["x509"]:  # a certificate in the file would be trusted from then on
        raise _not_a_list(crl)
    context.load_verify_locations(cafile=crl)
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _not_a_list(crl: Path) -> CertsError:
    return CertsError(
        f"{crl} is no list of revoked certificates (CRL) in PEM form and nothing else: have the CA make one."
    )
