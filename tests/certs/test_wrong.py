import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs import wrong
from certs.authority import Identity, create_authority

NOW = datetime.now(UTC).replace(microsecond=0)
YEAR, DAY = timedelta(days=365), timedelta(days=1)


@pytest.fixture
def authority() -> Identity:
    return create_authority(not_before=NOW - YEAR, not_after=NOW + YEAR)


@pytest.fixture
def verify(tmp_path: Path, tool: Callable[[str], str]) -> Callable[..., str]:
    """Ask openssl; return "OK" or its complaint: "error 10 at 0 depth lookup: …"."""

    def ask(trusted: Identity, server: Identity, *options: str, above: Identity | None = None) -> str:
        files = {"ca": trusted, "server": server, "above": above or server}
        for name, identity in files.items():
            (tmp_path / name).write_bytes(identity.certificate_pem)
        if "-attime" not in options:
            options = ("-attime", str(int(NOW.timestamp())), *options)
        chain = ("-CAfile", tmp_path / "ca", "-untrusted", tmp_path / "above")
        done = subprocess.run(
            [tool("openssl"), "verify", "-x509_strict", "-purpose", "sslserver", *chain, *options, tmp_path / "server"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if done.returncode == 0:
            return "OK"
        return next(line for line in done.stderr.splitlines() if line.startswith("error"))

    return ask


LOCALHOST = ("-verify_hostname", "localhost")


def at(moment: datetime) -> tuple[str, ...]:
    return ("-attime", str(int(moment.timestamp())), *LOCALHOST)


def test_self_signed(authority: Identity, verify: Callable[..., str]) -> None:
    alone = wrong.self_signed(NOW)
    assert verify(authority, alone, *LOCALHOST).startswith("error 18 at 0 depth")
    alone.certificate.verify_directly_issued_by(alone.certificate)
    # nothing else is wrong with it: whoever trusts it takes it
    assert verify(alone, alone, *LOCALHOST, "-partial_chain") == "OK"


def test_for_another_name(authority: Identity, verify: Callable[..., str]) -> None:
    other = wrong.for_another_name(authority, NOW)
    assert verify(authority, other, *LOCALHOST).startswith("error 62 at 0 depth")
    assert verify(authority, other, "-verify_hostname", wrong.OTHER_NAME) == "OK"


def test_expired(authority: Identity, verify: Callable[..., str]) -> None:
    old = wrong.expired(authority, NOW)
    assert verify(authority, old, *LOCALHOST).startswith("error 10 at 0 depth")
    assert verify(authority, old, *at(old.certificate.not_valid_after_utc - DAY)) == "OK"


def test_not_yet_valid(authority: Identity, verify: Callable[..., str]) -> None:
    young = wrong.not_yet_valid(authority, NOW)
    assert verify(authority, young, *LOCALHOST).startswith("error 9 at 0 depth")
    assert verify(authority, young, *at(young.certificate.not_valid_before_utc + DAY)) == "OK"


def test_signed_by_no_ca(authority: Identity, verify: Callable[..., str]) -> None:
    signer = wrong.for_another_name(authority, NOW)
    fake = wrong.signed_by_no_ca(signer, NOW)
    said = verify(authority, fake, *LOCALHOST, above=signer)
    assert "at 1 depth" in said  # it is the signer that is refused
    assert "invalid CA certificate" in said
    # the signature itself is right, and the signer a genuine one
    fake.certificate.verify_directly_issued_by(signer.certificate)
    assert verify(authority, signer) == "OK"
