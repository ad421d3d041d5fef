"""A client that knows its server's public key and asks nobody else: pinning.

Knows the `ssl` module and SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), whose SHA-256 is what RFC 7469, section
2.4, pins. Contract: the key is compared as soon as the handshake is done, and before a word can be sent.
"""

import contextlib
import hashlib
import ssl

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certs.contexts import unverified_client_context


class PinError(ssl.SSLError):
    """The server has another key than the pinned one."""

    reason = "the server's key is not the one that is pinned"


def spki_sha256(certificate: x509.Certificate) -> bytes:
    """Return the SHA-256 of a certificate's public key, as SubjectPublicKeyInfo in DER."""
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).digest()


def pinned_client_context(pin: bytes) -> ssl.SSLContext:
    """Make the context of a client that accepts whoever has the key with the SHA-256 `pin`, and nobody else.

    It checks nothing but that: the handshake itself proves that the server has the private key (CertificateVerify, RFC
    8446, section 4.4.3). It is for connections by `SSLContext.wrap_bio`, as the chat makes them. With another key
    `do_handshake` raises PinError, after the client's goodbye (close_notify) has been laid out to be sent.
    """
    context = unverified_client_context()
    context.sslobject_class = _pinning(pin)
    context.sslsocket_class = _Unpinned
    return context


class _Unpinned(ssl.SSLSocket):
    """`wrap_socket` would check nothing at all: it is refused rather than let through."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: ARG002  (as it is called)
        raise PinError("a pinned connection is made by wrap_bio")


def _pinning(pin: bytes) -> type[ssl.SSLObject]:
    class Pinning(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            if not _is(self.getpeercert(binary_form=True), pin):
                with contextlib.suppress(ssl.SSLError):  # SSLWantReadError: the other side has not said goodbye yet
                    self.unwrap()
                raise PinError(PinError.reason)

    return Pinning


def _is(der: bytes | None, pin: bytes) -> bool:
    try:
        return der is not None and spki_sha256(x509.load_der_x509_certificate(der)) == pin
    except (
        ValueError,
        TypeError,
        x509.InvalidVersion,
        UnsupportedAlgorithm,
    ):  # whoever shows what cannot be read does not show that key
        return False
