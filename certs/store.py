"""The lab's certificates as files: ca.pem, ca.key, server.pem and server.key in one directory, clients' in one below.

Knows files, their modes and the clock. Must not know TLS or who uses the files. Contract: after `open_store` the four
files belong together and are valid now, after `open_client` these and the client's two. What has expired is renewed;
what is damaged or not ours is never overwritten.

Renewing keeps the keys. So it replaces one certificate, in one step, and there is no moment, crash included, in which a
certificate stands beside a key that is not its own.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from certs.authority import Identity, create_authority, issue_server
from certs.clients import holder, issue_client
from certs.errors import CertsError

# Trusting a CA is a step a person takes by hand, so it should be needed once. It signs nothing but this machine's lab.
_CA_LIFETIME = timedelta(days=3650)
# A stolen server key is worth something until its certificate ends, and nobody has to act when the lab renews it.
_SERVER_LIFETIME = timedelta(days=90)
# A person's own has to be asked for again, so it lasts a term.
_CLIENT_LIFETIME = timedelta(days=180)
# A lesson that starts just before the end must not be cut off by it.
_MARGIN = timedelta(days=1)
# Virtual machines and WSL wake up with a clock that is behind, and would call a fresh certificate not yet valid.
_CLOCK_ERROR = timedelta(hours=1)

_LOOPBACK = (ip_address("127.0.0.1"), ip_address("::1"))
_FILES = "ca.pem, ca.key, server.pem and server.key"


@dataclass(frozen=True, slots=True)
class Store:
    """Where the files are, and one sentence or more about what was done to them (`renewed`)."""

    ca_certificate: Path
    server_certificate: Path
    server_key: Path
    renewed: str


@dataclass(frozen=True, slots=True)
class ClientFiles:
    """Where a client's files are, and one sentence or more about what was done to them (`renewed`)."""

    certificate: Path
    key: Path
    renewed: str


def open_store(directory: Path, *, now: datetime | None = None, addresses: Sequence[str] = ()) -> Store:
    """Make the certificates in `directory`, renew the expired ones, or leave all as it is.

    The directory is made with mode 0700, keys with 0600 from their first byte; a key that others may read is set back
    to 0600. Processes that call this at the same time take turns (flock(2)) and get the same files.

    Args:
        directory: where the files are or shall be.
        now: the moment to judge validity by, with a time zone; the system's clock when None.
        addresses: IP addresses that the server's certificate must be for, beside localhost's.

    Raises:
        CertsError: when a file is damaged, missing beside its other half, not of this CA, or cannot be read or written.
    """
    with _kept(directory):
        store, _ = _bring_up_to_date(directory, _moment(now), addresses)
        return store


def open_client(
    directory: Path,
    name: str,
    *,
    now: datetime | None = None,
    refuse: Callable[[Sequence[str]], None] = lambda _: None,
) -> ClientFiles:
    """Make the certificate of a client, renew one that has expired, or leave it as it is.

    Its files are clients/NAME.pem and clients/NAME.key in the directory of the CA that signs it, which is brought up to
    date first, as by `open_store`; modes are as there.

    Args:
        directory: where the CA is or shall be.
        name: whom the certificate is for: 1 to 64 characters, and no path.
        now: the moment to judge validity by, with a time zone; the system's clock when None.
        refuse: is called with the names of all others who have one, and raises where this name must not be beside
            them. Nobody else can get one meanwhile.

    Raises:
        CertsError: as `open_store`, or the name cannot be that of a file.
    """
    now = _moment(now)
    if "/" in name or "\0" in name or not 1 <= len(name) <= 64:
        raise CertsError(f"No certificate can be made for {name!a}: choose a name of 1 to 64 characters without a /.")
    with _kept(directory):
        _, authority = _bring_up_to_date(directory, now, ())
        (directory / "clients").mkdir(mode=0o700, exist_ok=True)
        refuse([path.stem for path in sorted((directory / "clients").glob("*.pem")) if path.stem != name])
        return _bring_client_up_to_date(directory, name, authority, now)


def read_holder(certificate: Path) -> str | None:
    """Return whom the first certificate in a PEM file is for, as `certs.clients.holder`.

    Raises:
        CertsError: it cannot be read.
    """
    try:
        read = x509.load_pem_x509_certificate(certificate.read_bytes())
    except OSError as error:
        raise CertsError(f"{certificate} cannot be read ({error.strerror}): make the certificates first.") from error
    except ValueError as error:
        raise CertsError(f"{certificate} is not a certificate in PEM form: make it again.") from error
    return holder(read.public_bytes(Encoding.DER))


def _bring_client_up_to_date(directory: Path, name: str, authority: Identity, now: datetime) -> ClientFiles:
    path, key_path = directory / "clients" / f"{name}.pem", directory / "clients" / f"{name}.key"
    files = f"{path.name} and {key_path.name}"
    closed = _close_to_others(key_path)
    certificate, key = _read_pair(path, key_path, files)
    why = None
    if certificate is not None:
        _check_issued_by(certificate, authority.certificate, path, directory / "ca.pem", files)
        if holder(certificate.public_bytes(Encoding.DER)) != name:  # alice.pem is Alice.pem on some systems
            raise _not_usable(f"{path} is somebody else's", files)
        why = _why_renew(certificate, now)
    if certificate is None or key is None or why:
        not_after = min(now + _CLIENT_LIFETIME, authority.certificate.not_valid_after_utc)
        identity = issue_client(authority, name, not_before=now - _CLOCK_ERROR, not_after=not_after, key=key)
        _save(identity, path, key_path, new_key=key is None)
        certificate = identity.certificate
        done = f"Renewed the certificate of {name}, because {why}; now" if why else f"Made the certificate of {name},"
    else:
        done = f"The certificate of {name} is still"
    said = f"{done} valid until {certificate.not_valid_after_utc:%Y-%m-%d}."
    return ClientFiles(path, key_path, f"{said} {closed}" if closed else said)


def _moment(now: datetime | None) -> datetime:
    return (now or datetime.now(UTC)).replace(microsecond=0)


def _bring_up_to_date(directory: Path, now: datetime, addresses: Sequence[str]) -> tuple[Store, Identity]:
    """Return the store, and its CA."""
    ca_path, ca_key_path = directory / "ca.pem", directory / "ca.key"
    server_path, server_key_path = directory / "server.pem", directory / "server.key"
    notes = [note for path in (ca_key_path, server_key_path) if (note := _close_to_others(path))]

    # Everything is read and judged before anything is written.
    ca, ca_key = _read_pair(ca_path, ca_key_path, _FILES)
    server, server_key = _read_pair(server_path, server_key_path, _FILES)
    if server is not None:
        _check_issued_by(server, ca, server_path, ca_path, _FILES)

    renewed = []
    why_ca = None if ca is None else _why_renew(ca, now)
    if ca is None or ca_key is None or why_ca:
        authority = create_authority(not_before=now - _CLOCK_ERROR, not_after=now + _CA_LIFETIME, key=ca_key)
        _save(authority, ca_path, ca_key_path, new_key=ca_key is None)
        renewed.append("CA")
    else:
        authority = Identity(ca, ca_key)

    named = _LOOPBACK if server is None else _addresses(server)
    wanted = tuple(dict.fromkeys((*named, *map(ip_address, addresses))))
    why_server = None if server is None else _why_renew(server, now)
    if why_server is None and wanted != named:
        why_server = f"the old one is not for {', '.join(str(address) for address in wanted if address not in named)}"
    if server is None or server_key is None or why_server:
        # Never beyond the CA's own end, so that the two are always renewed together.
        not_after = min(now + _SERVER_LIFETIME, authority.certificate.not_valid_after_utc)
        identity = issue_server(
            authority,
            not_before=now - _CLOCK_ERROR,
            not_after=not_after,
            key=server_key,
            addresses=tuple(map(str, wanted)),
        )
        _save(identity, server_path, server_key_path, new_key=server_key is None)
        renewed.append("server certificate")
    else:
        identity = Identity(server, server_key)

    until = f"valid until {identity.certificate.not_valid_after_utc:%Y-%m-%d}"
    what = " and ".join(renewed)
    if because := why_server or why_ca:
        notes.insert(0, f"Renewed the {what}, because {because}; now {until}.")
    elif renewed:
        notes.insert(0, f"Made the {what}, {until}.")
    else:
        notes.insert(0, f"The server certificate is still {until}.")
    return Store(ca_path, server_path, server_key_path, " ".join(notes)), authority


def _addresses(certificate: x509.Certificate) -> tuple[IPv4Address | IPv6Address, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    found = names.get_values_for_type(x509.IPAddress)
    return tuple(address for address in found if isinstance(address, IPv4Address | IPv6Address))


def _why_renew(certificate: x509.Certificate, now: datetime) -> str | None:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < start:
        return f"the old one is valid only from {start:%Y-%m-%d %H:%M} UTC on"
    if now >= end:
        return f"the old one expired on {end:%Y-%m-%d}"
    if end - now <= _MARGIN:
        return f"the old one expires on {end:%Y-%m-%d}"
    return None


def _read_pair(
    certificate_path: Path, key_path: Path, files: str
) -> tuple[x509.Certificate | None, ec.EllipticCurvePrivateKey | None]:
    """Read a certificate and its key; a key may stand alone, as a crash before the certificate was saved leaves it."""
    certificate, key = _read_certificate(certificate_path, files), _read_key(key_path, files)
    if certificate is not None and key is None:
        raise _not_usable(f"{certificate_path} has lost its key {key_path.name}", files)
    if certificate is not None and key is not None and certificate.public_key() != key.public_key():
        raise _not_usable(f"{certificate_path} and {key_path.name} do not belong together", files)
    return certificate, key


def _read_certificate(path: Path, files: str) -> x509.Certificate | None:
    data = _read(path, files)
    if data is None:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(data)
        certificate.public_key()  # parsed only when asked for, and to be judged here
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _not_usable(f"{path} is not a certificate in PEM form", files) from error
    return certificate


def _read_key(path: Path, files: str) -> ec.EllipticCurvePrivateKey | None:
    data = _read(path, files)
    if data is None:
        return None
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it is encrypted
        raise _not_usable(f"{path} is not an unencrypted private key in PEM form", files) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _not_usable(f"{path} is not a key that the lab made", files)
    return key


def _read(path: Path, files: str) -> bytes | None:
    if path.exists() and not path.is_file():  # reading a named pipe would wait for ever
        raise _not_usable(f"{path} is not a file", files)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _check_issued_by(
    issued: x509.Certificate, ca: x509.Certificate | None, path: Path, ca_path: Path, files: str
) -> None:
    if ca is None:
        raise _not_usable(f"{path} has lost its CA {ca_path.name}", files)
    try:
        issued.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise _not_usable(f"{path} was not issued by {ca_path.name}", files) from error


def _not_usable(what: str, files: str) -> CertsError:
    return CertsError(f"{what}: delete {files} there, and new ones are made the next time.")


def _close_to_others(key_path: Path) -> str | None:
    """Take the rights of group and others off a key, and say so: whoever could read it may have."""
    try:
        mode = key_path.stat().st_mode
    except FileNotFoundError:
        return None
    if not mode & 0o077 or not key_path.is_file():
        return None
    key_path.chmod(0o600)
    return f"{key_path.name} was open to other users and is closed to them now (0600)."


def _save(identity: Identity, certificate_path: Path, key_path: Path, *, new_key: bool) -> None:
    # The key goes first: a key without a certificate is mended by the next call, the reverse could not be.
    if new_key:
        _write(key_path, identity.key_pem, 0o600)
    _write(certificate_path, identity.certificate_pem, 0o644)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Put a file in place whole or not at all."""
    temporary = path.with_name(f".{path.name}.new")
    # We hold the lock, so one that exists was left by a crash. O_EXCL below keeps a link from leading us elsewhere.
    temporary.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _kept(directory: Path) -> Iterator[None]:
    """Hold the directory, made where there is none yet; what the system refuses is said in a sentence."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(directory):
            yield
    except OSError as error:
        raise CertsError(
            f"The certificates cannot be kept in {directory} ({error.strerror or error}): "
            "check its owner, its rights and the free space, or choose another directory."
        ) from error


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock; the system lets go of it when the process ends, however it ends (flock(2))."""
    descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
