"""TLS contexts for the lab's server and clients, and their errors in plain words.

Knows the `ssl` module and where a certificate file is. Must not know sockets, the chat, or how certificates are made.
Contract: everything here speaks TLS 1.2 or 1.3 only. A client verifies, and the one that does not says so in its name.

No context here looks at the SSLKEYLOGFILE variable (`ssl.create_default_context` does): secrets are logged only where a
caller asks for it by name.

A server that asks for client certificates checks a client's as strictly as clients check its own. Sessions may be
resumed there too: OpenSSL keeps the client's certificate in the session, sealed in the ticket that the client brings
back, so that who it is stays known. A ticket is good for one context; a new one asks for the certificate again.
"""

import os
import socket
import ssl
import stat
from pathlib import Path
from typing import NoReturn

from certs.errors import CertsError

_VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def server_context(
    certificate: Path,
    key: Path,
    *,
    keylog: Path | None = None,
    version: ssl.TLSVersion | None = None,
    client_ca: Path | None = None,
) -> ssl.SSLContext:
    """Make the context of a server.

    Args:
        certificate: its certificate in PEM.
        key: the private key of that certificate in PEM, not encrypted.
        keylog: a file to which the secrets of every connection are added, in the format that Wireshark reads. Whoever
            has it reads the traffic, so it is made with mode 0600; what it already holds stays.
        version: the only version to speak; TLS 1.2 and 1.3 when None.
        client_ca: the certificate in PEM of the CA from which every client must have one, for clients (RFC 5280 section
            4.2.1.12), and its key; who has none is refused in the handshake. None: clients are not asked.

    Raises:
        CertsError: when a file cannot be used, or the version is another one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _limit(context, version)
    _show(context, certificate, key)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        trust(context, client_ca)
    if keylog is not None:
        _log_keys(context, keylog)
    return context


def client_context(
    ca: Path,
    *,
    version: ssl.TLSVersion | None = None,
    own: tuple[Path, Path] | None = None,
    keylog: Path | None = None,
) -> ssl.SSLContext:
    """Make the context of a client that accepts only a server whose certificate comes from `ca` and names that server.

    It checks strictly (VERIFY_X509_STRICT, the default since Python 3.13) on every Python, and takes the server's name
    from subjectAltName alone (RFC 9525), where Python by itself would fall back on the common name.

    Args:
        ca: the certificate of the CA to trust, in PEM; no other one is trusted.
        version: the only version to speak; TLS 1.2 and 1.3 when None.
        own: its own certificate and the key of that, in PEM, shown to a server that asks. None: it has none to show.
        keylog: as for `server_context`.

    Raises:
        CertsError: when a file cannot be used, or the version is another one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _limit(context, version)
    context.hostname_checks_common_name = False
    trust(context, ca)
    if own is not None:
        _show(context, *own)
    if keylog is not None:
        _log_keys(context, keylog)
    return context


def unverified_client_context(*, own: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """Make the context of a client that accepts any certificate from anybody. It is here only to show what that costs.

    The traffic is still encrypted, but nobody knows for whom: someone in the middle answers with a certificate of their
    own, reads and changes everything, passes it on, and neither end can tell.

    Args:
        own: as for `client_context`.

    Raises:
        CertsError: when a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _limit(context, None)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if own is not None:
        _show(context, *own)
    return context


def _show(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Load what this side shows."""
    _check_readable(certificate, key)

    def refuse_to_ask() -> NoReturn:  # else OpenSSL stops the program to ask on the terminal
        raise CertsError(f"The key {key} is under a pass phrase: give one without, as nobody is asked for it here.")

    try:
        context.load_cert_chain(certificate, key, password=refuse_to_ask)
    except ssl.SSLError as error:
        raise CertsError(
            f"{certificate} and {key} are not a certificate and its own key in PEM form "
            f"({error.reason or error}): make them again."
        ) from error


def trust(context: ssl.SSLContext, ca: Path) -> None:
    """Make a context trust one more CA, the first time the only one, and check strictly what it signed.

    Raises:
        CertsError: the file cannot be used.
    """
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    _check_readable(ca)
    try:
        context.load_verify_locations(cafile=ca)
    except ssl.SSLError as error:
        raise CertsError(
            f"{ca} holds no certificate in PEM form ({error.reason or error}): make the certificates again."
        ) from error


def _limit(context: ssl.SSLContext, version: ssl.TLSVersion | None) -> None:
    if version is not None and version not in _VERSIONS:
        raise CertsError(f"The lab does not speak {version.name}: choose TLS 1.2 or TLS 1.3.")
    context.minimum_version = version or ssl.TLSVersion.TLSv1_2
    # TLS 1.2 lets a client shake hands again and again at the server's cost (CVE-2011-1473); TLS 1.3 has no such thing.
    context.options |= ssl.OP_NO_RENEGOTIATION
    if version is not None:
        context.maximum_version = version


def _check_readable(*paths: Path) -> None:
    """Name the file that cannot be opened, as the ssl module's own error does not."""
    for path in paths:
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            raise CertsError(f"{path} cannot be read ({error.strerror}): make the certificates first.") from error


def _log_keys(context: ssl.SSLContext, path: Path) -> None:
    """Have the keys written; the file is made before OpenSSL does, which would let everybody read it (0644)."""
    try:
        # O_NONBLOCK: opening a named pipe that nobody reads fails rather than waits.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise CertsError(f"The key log {path} is not a file: give the name of a file to write.")
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CertsError(f"The key log {path} cannot be written ({error.strerror}): choose another place.") from error
    context.keylog_filename = str(path)


# X509_V_ERR_* of openssl/x509_vfy.h, as in `verify_code`.
_REFUSALS = {
    9: "The server's certificate is not valid yet: check the clock of this machine and of the server's.",
    10: "The server's certificate has expired: restart the server so that it renews it, or check this machine's clock.",
    18: "The server's certificate is signed by itself and not by a CA this client trusts: give the server one from the "
    "lab's CA, or trust this one on purpose.",
    19: "The server's certificate leads to a CA that this client does not trust: give the client the CA of "
    "that server.",
    20: "The server's certificate comes from a CA that this client does not know: give the client the CA of "
    "that server.",
    62: "The server's certificate is for another name: connect by a name that it lists as subjectAltName, such as "
    "localhost, or have one made for this name.",
    64: "The server's certificate is for another address: connect by an address that it lists as subjectAltName, or "
    "have one made for this address.",
    79: "The certificate that signed the server's is not one of a CA (no basicConstraints): have the server's "
    "certificate made by the lab's CA.",
}

# What the other side said in an alert (RFC 8446 section 6), or what came in place of TLS, as in `reason`. Clients may
# have shown a certificate, too.
_FAILURES = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "The server lets in only who shows a certificate, and this client has shown "
    "none: have one made by the server's CA, and show it.",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "The client has shown no certificate, and this server lets nobody in without: "
    "have one made by the lab's CA.",
    "TLSV1_ALERT_UNKNOWN_CA": "The other side refused our certificate because it does not trust its CA: show one from "
    "the CA that it trusts, or give it ours.",
    "TLSV1_ALERT_DECRYPT_ERROR": "The other side refused our signature: the key does not belong to the certificate.",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "The other side refused our certificate because it is for something else: a "
    "server's is no client's.",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "The other side refused our certificate because it is not valid now: renew it, "
    "or check the clocks.",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "The other side refused our certificate because it was revoked: have another "
    "one made.",
    "SSLV3_ALERT_BAD_CERTIFICATE": "The other side refused our certificate: check which name is in it, and who signed "
    "it.",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "The other side refused our certificate without saying why: look at the message "
    "there.",
    "TLSV1_ALERT_PROTOCOL_VERSION": "The other side does not speak this TLS version: allow the same one on both sides.",
    "UNSUPPORTED_PROTOCOL": "The other side speaks only a TLS version that is not allowed here: allow the same one on "
    "both sides.",
    "WRONG_VERSION_NUMBER": "The other side does not speak TLS: check that this is the port of the TLS server and not "
    "the plaintext one.",
    "HTTP_REQUEST": "What came in is a web request and not TLS: connect with a TLS client to this port.",
    # what TLS 1.2 says of a missing certificate, too (RFC 5246 section 7.4.6)
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "The two sides have no cipher in common, or the server wants a certificate and "
    "this client has shown none: do not limit the ciphers, or show one.",
    "NO_SHARED_CIPHER": "The two sides have no cipher in common: do not limit the ciphers on either side.",
}


def explain(error: OSError) -> str:
    """Say in one plain sentence why a TLS connection failed and what to do.

    Args:
        error: what connecting or the handshake raised; `ssl.SSLError` is an `OSError`. A certificate that was refused
            here is the server's.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _REFUSALS.get(
            error.verify_code,
            f"The server's certificate was refused ({error.verify_message}): have it made by the lab's CA.",
        )
    if isinstance(error, ConnectionRefusedError):
        return "Nothing listens at that address: start the server, or check host and port."
    if isinstance(error, socket.gaierror):
        return "That host name is not known: check its spelling, or use localhost."
    if isinstance(error, TimeoutError):
        return "The other side did not answer in time: check that it runs and speaks TLS on this port."
    # Python 3.11.2, Debian 12's own, calls an abrupt end ZeroReturn.
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError):
        return "The other side closed the connection before TLS was ready: look at the message on its side."
    if isinstance(error, ssl.SSLError):
        return _FAILURES.get(
            error.reason or "",
            f"The TLS connection failed ({error.reason or error}): compare the TLS settings of both sides.",
        )
    return f"The connection failed ({error.strerror or error}): check host, port and network."
