"""What the files of exercise 12 are worth: each looked at by itself, then all together in a real handshake.

Knows X.509 and what is wanted. Returns mistakes, and raises none for what a student can do wrong.
"""

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.contexts import server_context, unverified_client_context
from certs.errors import CertsError
from chat.wire import Tls, shake_hands
from lab.errors import LabError
from lab.exercises.live import write_private
from lab.exercises.verifying import certificates, names_of, refusal
from lab.exercises.work import Work

CA, SERVER, KEY = "ca.pem", "server.pem", "server.key"
_LARGEST = 1 << 14  # bytes of a key; one of 4096 bits has 3,300
_MOST_FILES = 100  # that are searched for keys
_PRIVATE = b"PRIVATE KEY-----"  # how the first line of any private key in PEM form ends (RFC 7468, sections 10 and 11)
_NO_SERVER = 26  # X509_V_ERR_INVALID_PURPOSE, said of the CA's certificate alone: rightly, as it is for no server


_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the task asks for: the server's name, and the serial number of its certificate."""

    host: str
    serial: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What is wrong, step by step: the name of a mistake, "" where it is right.

    Attributes:
        wanted: what the task asks for.
        ca: of the CA's certificate.
        server: of the server's.
        serial: of its serial number.
        key: of the server's private key.
        secrecy: of the keys that lie beside it.
    """

    wanted: Wanted
    ca: str
    server: str
    serial: str
    key: str
    secrecy: str


def judge_files(work: Work, wanted: Wanted) -> Truth:
    """Return what is wrong with the files.

    Raises:
        LabError: OpenSSL cannot use a certificate at all.
    """
    ca, no_ca = _certificate(work, CA)
    server, no_server = _certificate(work, SERVER)
    return Truth(
        wanted=wanted,
        ca=_judge_ca(ca) if ca else no_ca,
        server=_judge_server(server, ca, wanted.host) if server else no_server,
        serial=_judge_serial(server, wanted.serial) if server else "no_server",
        key=_judge_key(work, server, ca, wanted.host),
        secrecy=_judge_secrecy(work, ca) if ca and server else "no_certificates",
    )


def _certificate(work: Work, name: str) -> tuple[x509.Certificate | None, str]:
    """Return the first certificate of a file, or else what is wrong with the file."""
    if not work.has(name):
        return None, "missing"
    try:
        return certificates(work.read(name), name)[0], ""
    except LabError:
        return None, "no_certificate"


def _judge_ca(ca: x509.Certificate) -> str:
    usage = _extension(ca, x509.KeyUsage)
    mistakes = {
        "no_ca_flag": not _is_ca(ca),
        "not_its_own": not _signed_by(ca, ca),
        "no_cert_sign": usage is None or not usage.key_cert_sign,
        "no_identifier": _extension(ca, x509.SubjectKeyIdentifier) is None,
        "not_critical": not all(e.critical for e in ca.extensions if isinstance(e.value, x509.BasicConstraints)),
    }
    wrong = next((mistake for mistake, made in mistakes.items() if made), "") or _time(ca)
    return wrong or ("" if refusal(ca, (ca,), None) in (0, _NO_SERVER) else "strict")


def _judge_server(server: x509.Certificate, ca: x509.Certificate | None, host: str) -> str:
    usage, purposes = _extension(server, x509.KeyUsage), _extension(server, x509.ExtendedKeyUsage)
    mistakes = {
        "self_signed": _signed_by(server, server),
        "no_ca": ca is None,
        "other_ca": ca is not None and not _signed_by(server, ca),
        "ca_flag": _is_ca(server),
        "no_san": not names_of(server),
        "wrong_name": host not in names_of(server),
        "no_key_usage": usage is None or not usage.digital_signature,
        "no_purpose": purposes is None or ExtendedKeyUsageOID.SERVER_AUTH not in purposes,
    }
    wrong = next((mistake for mistake, made in mistakes.items() if made), "") or _time(server)
    if wrong or ca is None or _judge_ca(ca):  # what is wrong with the CA counts there, and only there
        return wrong
    return "strict" if refusal(ca, (server,), host) else ""


def _judge_serial(server: x509.Certificate, serial: int) -> str:
    if server.serial_number == serial:
        return ""
    return "no_0x" if server.serial_number == int(f"{serial:x}") else "other_number"


def _judge_key(work: Work, server: x509.Certificate | None, ca: x509.Certificate | None, host: str) -> str:
    if not work.has(KEY):
        return "missing"
    data = work.read(KEY)
    try:
        public = _public_of(data)
    except TypeError:  # as `cryptography` says it
        return "passphrase"
    if public is None:
        return "no_key"
    if server is None:
        return "no_server"
    if public != _public(server):
        return "ca_key" if ca is not None and public == _public(ca) else "other_key"
    return _judge_handshake(server, data, host)


def _judge_handshake(server: x509.Certificate, key: bytes, host: str) -> str:
    """Let a client that looks at no certificate shake hands with a server that has these: that asks for the key."""
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder) / SERVER, Path(folder) / KEY
        for path, data in zip(paths, (server.public_bytes(Encoding.PEM), key), strict=True):
            write_private(path, data)
        try:
            answering = Tls(server_context(*paths), server_side=True)
        except CertsError:
            return "unusable"
    asking = Tls(unverified_client_context(), server_hostname=host)
    shake_hands(asking, answering)
    return "" if asking.ready and answering.ready else "unusable"


def _judge_secrecy(work: Work, ca: x509.Certificate) -> str:
    for name in (CA, SERVER):
        if _PRIVATE in work.read(name):
            return "key_in_certificate"
    found = ""
    for path in sorted(work.folder.iterdir())[:_MOST_FILES]:
        if path.name == KEY or not work.has(path.name) or path.stat().st_size > _LARGEST:
            continue
        data = work.read(path.name)
        if _PRIVATE in data:
            found = "ca_key" if _belongs(data, ca) else found or "another_key"
    return found


def _belongs(key: bytes, certificate: x509.Certificate) -> bool:
    try:
        return _public_of(key) == _public(certificate)
    except TypeError:
        return False  # under a pass phrase: nobody knows whose it is


def _public_of(key: bytes) -> bytes | None:
    """Return the public key that belongs to a private one; None where that is none.

    Raises:
        TypeError: it is under a pass phrase.
    """
    if len(key) > _LARGEST:
        return None
    try:
        # checking that its primes are some would cost seconds with a large one
        private = load_pem_private_key(key, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _is_ca(certificate: x509.Certificate) -> bool:
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _time(certificate: x509.Certificate) -> str:
    now = datetime.now(UTC)
    if now < certificate.not_valid_before_utc:
        return "not_yet_valid"
    return "expired" if now > certificate.not_valid_after_utc else ""


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
