"""What the lab's client says of certificates, against `openssl verify`."""

import base64
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from certs import wrong
from certs.authority import Identity, PrivateKey, create_authority, issue_server
from lab.errors import LabError
from lab.exercises.verifying import certificates, names_of, refusal

_NOW = datetime.now(UTC).replace(microsecond=0)
_MONTH = timedelta(days=30)


@pytest.fixture(scope="module")
def authority() -> Identity:
    return create_authority(not_before=_NOW - 4 * _MONTH, not_after=_NOW + 4 * _MONTH)


def _issued(authority: Identity, key: PrivateKey | None = None) -> Identity:
    return issue_server(authority, not_before=_NOW - _MONTH, not_after=_NOW + _MONTH, key=key)


def _chains(authority: Identity) -> dict[int, tuple[Identity, ...]]:
    """A chain for each verify error."""
    other = create_authority(not_before=_NOW - _MONTH, not_after=_NOW + _MONTH)
    server = _issued(authority)
    return {
        0: (server,),
        9: (wrong.not_yet_valid(authority, _NOW),),
        10: (wrong.expired(authority, _NOW),),
        18: (wrong.self_signed(_NOW),),
        20: (_issued(other),),
        62: (wrong.for_another_name(authority, _NOW),),
        79: (wrong.signed_by_no_ca(server, _NOW), server),
    }


def test_the_client_says_what_openssl_says(authority: Identity, tmp_path: Path, tool: Callable[[str], str]) -> None:
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem)
    options = ("-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost", "-CAfile", "ca.pem")
    for code, chain in _chains(authority).items():
        (tmp_path / "chain.pem").write_bytes(b"".join(identity.certificate_pem for identity in chain))
        done = subprocess.run(
            [tool("openssl"), "verify", *options, "-untrusted", "chain.pem", "chain.pem"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
        said = re.search(r"error (\d+) at", done.stderr)
        assert (int(said[1]) if said else done.returncode) == code
        assert refusal(authority.certificate, [identity.certificate for identity in chain], "localhost") == code


def test_an_rsa_key_is_no_reason(authority: Identity) -> None:
    key = rsa.generate_private_key(65537, 2048)
    assert refusal(authority.certificate, [_issued(authority, key).certificate], "localhost") == 0


def test_a_client_may_look_at_no_name(authority: Identity) -> None:
    other = wrong.for_another_name(authority, _NOW).certificate
    assert refusal(authority.certificate, [other], "localhost") == 62
    assert refusal(authority.certificate, [other], None) == 0


def test_a_chain_may_be_longer_than_a_record(authority: Identity) -> None:
    chain = [_issued(authority).certificate] * 60  # 30 KB
    assert refusal(authority.certificate, chain, "localhost") == 0


def test_certificates_are_read(authority: Identity) -> None:
    server = _issued(authority)
    both = server.certificate_pem + authority.certificate_pem
    assert certificates(both, "chain.pem") == (server.certificate, authority.certificate)
    assert names_of(server.certificate) == ("localhost",)
    assert names_of(authority.certificate) == ()


@pytest.mark.parametrize("data", [b"", b"no PEM", b"\xff" * 70_000])
def test_what_is_no_certificate_is_named(data: bytes) -> None:
    with pytest.raises(LabError, match=r"chain\.pem"):
        certificates(data, "chain.pem")


def test_a_key_is_no_certificate(authority: Identity) -> None:
    with pytest.raises(LabError, match=r"ca\.pem"):
        certificates(authority.key_pem, "ca.pem")


@pytest.mark.parametrize("at", range(40, 700, 60))
def test_a_damaged_certificate_is_no_crash(authority: Identity, at: int) -> None:
    der = bytearray(_issued(authority).certificate.public_bytes(Encoding.DER))
    der[at % len(der)] ^= 0x10
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(bytes(der)) + b"-----END CERTIFICATE-----\n"
    try:
        chain = certificates(pem, "a.pem")
        code = refusal(authority.certificate, chain, "localhost")
    except LabError:
        return
    assert code
