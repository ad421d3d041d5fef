"""Whether a client takes a certificate, asked of OpenSSL itself, as a real client in a handshake would ask it.

Knows certificates that somebody hands in, the lab's verifying client and the two messages that show it a certificate.
No private key is needed for that: in TLS 1.2 a server shows its certificate before it has to prove that it owns it
(RFC 5246, section 7.3). Must not know any exercise.
"""

import ssl
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from capture.tls import CERTIFICATE, HANDSHAKE, SERVER_HELLO, TLS_1_2
from certs.contexts import client_context
from certs.errors import CertsError
from lab.errors import LabError

_LARGEST = 1 << 16  # bytes of a file; a chain of three has less than a tenth of it
# ECDHE with RSA and with ECDSA, AES128-GCM-SHA256 (RFC 5289, section 3.2)
_RSA_SUITE, _SUITE = b"\xc0\x2f", b"\xc0\x2b"
# renegotiation_info, empty (RFC 5746, section 3.6): without it OpenSSL breaks off before it looks at a certificate
_EXTENSIONS = b"\xff\x01\x00\x01\x00"


def certificates(data: bytes, name: str) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PEM file, at least one.

    Args:
        data: the file.
        name: what it is called, for the error.

    Raises:
        LabError: there is none in it, or one that cannot be read.
    """
    if len(data) > _LARGEST:
        msg = f"{name} is larger than the {_LARGEST:,} bytes that a few certificates have."
        raise LabError(msg)
    try:
        with warnings.catch_warnings():  # of what old software wrote into certificates: nothing for a terminal
            warnings.simplefilter("ignore")
            found = tuple(x509.load_pem_x509_certificates(data))
            for certificate in found:
                # what is read only when it is asked for
                _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.public_key()
    # its own errors have no common base below Exception
    except Exception as error:
        msg = f"{name} holds no certificate in PEM form that can be read."
        raise LabError(msg) from error
    return found


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the DNS names in subjectAltName, the only ones that a client looks at (RFC 9525, section 6.3)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.get_values_for_type(x509.DNSName))


def refusal(ca: x509.Certificate, chain: Sequence[x509.Certificate], host: str | None) -> int:
    """Return why the lab's strict client refuses a server's certificate, 0 where it takes it.

    Args:
        ca: the only CA it trusts.
        chain: what the server sends, its own certificate first.
        host: the name of the server; None for a client that looks at no name.

    Returns:
        The number of OpenSSL's verify error, X509_V_ERR_… of openssl/x509_vfy.h, as `openssl verify` prints it.

    Raises:
        LabError: it did not come to that: OpenSSL cannot use these certificates at all.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ca.pem"
        path.write_bytes(ca.public_bytes(Encoding.PEM))
        try:
            context = client_context(path, version=ssl.TLSVersion.TLSv1_2)
        except CertsError as error:
            msg = "OpenSSL cannot use the CA's certificate at all."
            raise LabError(msg) from error
    context.check_hostname = host is not None
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=host)
    incoming.write(_server_flight(chain))
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass  # it has taken the certificate, and waits for what the server says next
    except ssl.SSLCertVerificationError as error:
        return error.verify_code
    except ssl.SSLError as error:
        msg = f"OpenSSL cannot use these certificates at all ({error.reason})."
        raise LabError(msg) from error
    return 0


def _server_flight(chain: Sequence[x509.Certificate]) -> bytes:
    """Return the record with ServerHello and Certificate (RFC 5246, sections 7.4.1.3 and 7.4.2)."""
    suite = _RSA_SUITE if isinstance(chain[0].public_key(), rsa.RSAPublicKey) else _SUITE
    hello = TLS_1_2.to_bytes(2, "big") + bytes(32) + b"\0" + suite + b"\0" + _vector(_EXTENSIONS, 2)
    listed = b"".join(_vector(certificate.public_bytes(Encoding.DER), 3) for certificate in chain)
    messages = bytes([SERVER_HELLO]) + _vector(hello, 3) + bytes([CERTIFICATE]) + _vector(_vector(listed, 3), 3)
    pieces = [messages[at : at + (1 << 14)] for at in range(0, len(messages), 1 << 14)]  # RFC 5246, section 6.2.1
    return b"".join(bytes([HANDSHAKE]) + TLS_1_2.to_bytes(2, "big") + _vector(piece, 2) for piece in pieces)


def _vector(data: bytes, length: int) -> bytes:
    return len(data).to_bytes(length, "big") + data
