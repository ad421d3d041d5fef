"""Solves exercise 12 with openssl, from the task's text; and makes each of its mistakes, with openssl as well."""

import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from tests.lab.exercises.solvers.tools import Mistake, asked

_YEAR = ("-days", "365")
_MONTH = timedelta(days=30)
_CA = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash")
_SERVER = {
    "basicConstraints": "critical,CA:FALSE",
    "keyUsage": "critical,digitalSignature",
    "extendedKeyUsage": "serverAuth",
    "subjectKeyIdentifier": "hash",
    "authorityKeyIdentifier": "keyid",
}
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")


def _openssl(folder: Path, *words: str) -> bytes:
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, check=True, timeout=60)
    return done.stdout


def _config(folder: Path, extensions: Sequence[str]) -> str:
    """A configuration of one's own: what openssl's default adds depends on the system."""
    lines = ["[req]", "distinguished_name = name", "x509_extensions = ca", "[name]", "[ca]", *extensions]
    (folder / "ca.cnf").write_text("\n".join(lines) + "\n")
    return "ca.cnf"


def _make_ca(place: Path, extensions: Sequence[str] = _CA) -> None:
    made = ("-x509", *_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=My CA", *_YEAR)
    _openssl(place, "req", "-config", _config(place, extensions), *made)


def _request(place: Path) -> None:
    _openssl(place, "req", "-new", *_KEY, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")


def _sign(place: Path, extensions: Mapping[str, str], serial: str) -> None:
    (place / "server.ext").write_text("".join(f"{name} = {value}\n" for name, value in extensions.items()))
    given = ("-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", serial)
    _openssl(place, "x509", *given, *_YEAR, "-extfile", "server.ext", "-out", "server.pem")


def _names(folder: Path) -> dict[str, str]:
    host = asked(folder, r"`([a-z0-9-]+\.test)`")
    return {**_SERVER, "subjectAltName": f"DNS:{host}"}


def _serial(folder: Path) -> str:
    return "0x" + asked(folder, r"hex(?:adecimal)? `(\d+)`")


def _hand_in(place: Path, folder: Path) -> None:
    for name in ("ca.pem", "server.pem", "server.key"):
        (folder / name).write_bytes((place / name).read_bytes())


def _make(folder: Path, **other: Any) -> None:
    """Make all, something of it in another way."""
    with tempfile.TemporaryDirectory() as outside:
        place = Path(outside)
        _make_ca(place, other.get("ca", _CA))
        _request(place)
        names = {**_names(folder), **other.get("server", {})}
        names = {name: value for name, value in names.items() if value}
        _sign(place, names, other.get("serial", _serial(folder)))
        if "then" in other:
            other["then"](place)
        _hand_in(place, folder)


def solve(folder: Path) -> None:
    _make(folder)


def solve_otherwise(folder: Path) -> None:
    """Solve it with what the task leaves open in another way."""
    server = {"basicConstraints": "", "keyUsage": "digitalSignature", "subjectKeyIdentifier": "none"}
    _make(folder, ca=(_CA[0], "keyUsage=keyCertSign", _CA[2]), server=server)


def _made(**other: Any) -> Mistake:
    def mistake(folder: Path, _: object) -> None:
        _make(folder, **other)

    return mistake


def _without(name: str) -> Mistake:
    return lambda folder, _: (folder / name).unlink()


def _nonsense(name: str) -> Mistake:
    def mistake(folder: Path, _: object) -> None:
        (folder / name).write_text("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n")

    return mistake


def _copy(source: str, target: str) -> Mistake:
    """Put one file in the place of another."""

    def then(place: Path) -> None:
        (place / target).write_bytes((place / source).read_bytes())

    return _made(then=then)


def _append(source: str, target: str) -> Mistake:
    def then(place: Path) -> None:
        (place / target).write_bytes((place / target).read_bytes() + (place / source).read_bytes())

    return _made(then=then)


def _beside(make: Callable[[Path], None]) -> Mistake:
    """Leave one more key in the folder."""

    def mistake(folder: Path, _: object) -> None:
        with tempfile.TemporaryDirectory() as outside:
            _make(folder, then=lambda place: make_in(place, Path(outside)))
            (folder / "other.key").write_bytes((Path(outside) / "other.key").read_bytes())

    def make_in(place: Path, outside: Path) -> None:
        make(place)
        (outside / "other.key").write_bytes((place / "other.key").read_bytes())

    return mistake


def _keep_ca_key(place: Path) -> None:
    (place / "other.key").write_bytes((place / "ca.key").read_bytes())


def _new_key(name: str) -> Callable[[Path], None]:
    def make(place: Path) -> None:
        _openssl(place, "genpkey", "-algorithm", "ed25519", "-out", name)

    return make


def _dated(name: str, begin: timedelta, end: timedelta) -> Mistake:
    """Sign a certificate again, for another time; `openssl x509` can do that only since 3.4."""

    def then(place: Path) -> None:
        old = x509.load_pem_x509_certificate((place / name).read_bytes())
        new = x509.CertificateBuilder(old.issuer, old.subject, old.public_key(), old.serial_number)
        now = datetime.now(UTC)
        new = new.not_valid_before(now + begin).not_valid_after(now + end)
        for extension in old.extensions:
            new = new.add_extension(extension.value, extension.critical)
        key = load_pem_private_key((place / "ca.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        (place / name).write_bytes(new.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))

    return _made(then=then)


def _signed_by_a_root(place: Path) -> None:
    """Let another CA sign the CA that has signed the server."""
    root = place / "root"
    root.mkdir()
    _make_ca(root)
    (place / "ca.ext").write_text("\n".join((*_CA, "authorityKeyIdentifier=keyid")) + "\n")
    _openssl(place, "req", "-new", "-key", "ca.key", "-subj", "/CN=My CA", "-out", "ca.csr")
    given = ("-req", "-in", "ca.csr", "-CA", "root/ca.pem", "-CAkey", "root/ca.key", "-set_serial", "7", *_YEAR)
    _openssl(place, "x509", *given, "-extfile", "ca.ext", "-out", "ca.pem")


def _short_key(place: Path) -> None:
    """Sign a key that is too short for the TLS of these days."""
    number = _openssl(place, "x509", "-in", "server.pem", "-noout", "-serial").decode().strip().partition("=")[2]
    _openssl(place, "genrsa", "-out", "server.key", "1024")
    _openssl(place, "req", "-new", "-key", "server.key", "-subj", "/CN=server", "-out", "server.csr")
    given = ("-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", f"0x{number}", *_YEAR)
    _openssl(place, "x509", *given, "-extfile", "server.ext", "-out", "server.pem")


def _no_identifier(folder: Path, _: object) -> None:
    # a request for what the CA does not have would not be signed at all
    _make(folder, ca=(*_CA[:2], "subjectKeyIdentifier=none"), server={"authorityKeyIdentifier": ""})


def _pass_phrase(place: Path) -> None:
    _openssl(place, "pkey", "-in", "server.key", "-aes256", "-passout", "pass:secret", "-out", "locked.key")
    (place / "locked.key").replace(place / "server.key")


def _with_x509(folder: Path, _: object) -> None:
    """Make the server's certificate with -x509, as a CA's is made."""
    config = _config(folder, [f"{name}={value}" for name, value in _names(folder).items() if value != "keyid"])
    options = ("-key", "server.key", "-subj", "/CN=server", *_YEAR, "-set_serial", _serial(folder))
    _openssl(folder, "req", "-x509", "-config", config, *options, "-out", "server.pem")


MISTAKES: Mapping[str, Mistake] = {
    "ca.missing": _without("ca.pem"),
    "ca.no_certificate": _nonsense("ca.pem"),
    "ca.no_ca_flag": _made(ca=("basicConstraints=critical,CA:FALSE", *_CA[1:])),
    "ca.no_cert_sign": _made(ca=(_CA[0], _CA[2])),
    "ca.not_critical": _made(ca=("basicConstraints=CA:TRUE", *_CA[1:])),
    "ca.no_identifier": _no_identifier,
    "ca.not_its_own": _made(then=_signed_by_a_root),
    "ca.expired": _dated("ca.pem", -2 * _MONTH, -_MONTH),
    "ca.not_yet_valid": _dated("ca.pem", _MONTH, 2 * _MONTH),
    "ca.strict": _made(ca=(*_CA[:2], "subjectKeyIdentifier=critical,hash")),
    "server.missing": _without("server.pem"),
    "server.no_certificate": _nonsense("server.pem"),
    "server.no_ca": _without("ca.pem"),
    "server.self_signed": _with_x509,
    "server.other_ca": _made(then=_make_ca),
    "server.ca_flag": _made(
        server={"basicConstraints": "critical,CA:TRUE", "keyUsage": "digitalSignature,keyCertSign"}
    ),
    "server.no_san": _made(server={"subjectAltName": ""}),
    "server.wrong_name": _made(server={"subjectAltName": "DNS:localhost"}),
    "server.expired": _dated("server.pem", -2 * _MONTH, -_MONTH),
    "server.not_yet_valid": _dated("server.pem", _MONTH, 2 * _MONTH),
    "server.no_key_usage": _made(server={"keyUsage": ""}),
    "server.no_purpose": _made(server={"extendedKeyUsage": "clientAuth"}),
    "server.strict": _made(server={"authorityKeyIdentifier": "none"}),
    "serial.no_server": _without("server.pem"),
    "serial.no_0x": lambda folder, _: _make(folder, serial=_serial(folder)[2:]),
    "serial.other_number": _made(serial="7"),
    "key.missing": _without("server.key"),
    "key.passphrase": _made(then=_pass_phrase),
    "key.no_key": _nonsense("server.key"),
    "key.no_server": _without("server.pem"),
    "key.ca_key": _copy("ca.key", "server.key"),
    "key.other_key": _made(then=_new_key("server.key")),
    "key.unusable": _made(then=_short_key),
    "secrecy.no_certificates": _without("server.pem"),
    "secrecy.ca_key": _beside(_keep_ca_key),
    "secrecy.key_in_certificate": _append("server.key", "server.pem"),
    "secrecy.another_key": _beside(_new_key("other.key")),
}
