import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Identity, create_authority, issue_server
from certs.contexts import client_context, server_context
from certs.errors import CertsError
from certs.revocation import check_revocation, revocation_list
from tests.certs.handshaking import Shaken, shake_hands

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
TIMES = NOW - 9 * DAY, NOW + 9 * DAY


@pytest.fixture
def authority() -> Identity:
    return create_authority(not_before=TIMES[0], not_after=TIMES[1])


def server_of(authority: Identity) -> Identity:
    return issue_server(authority, not_before=TIMES[0], not_after=TIMES[1])


@pytest.fixture
def revoked(authority: Identity) -> Identity:
    return server_of(authority)


@pytest.fixture
def crl(tmp_path: Path, authority: Identity, revoked: Identity) -> Path:
    path = tmp_path / "crl.pem"
    made = revocation_list(authority, [revoked.certificate], made=NOW - DAY, until=NOW + DAY)
    path.write_bytes(made.public_bytes(Encoding.PEM))
    return path


def test_openssl_reads_the_list(
    tmp_path: Path, authority: Identity, revoked: Identity, crl: Path, tool: Callable[[str], str]
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.certificate_pem)
    done = subprocess.run(
        [tool("openssl"), "crl", "-in", crl, "-noout", "-text", "-CAfile", ca],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "verify OK" in done.stderr
    assert f"Serial Number: {revoked.certificate.serial_number:X}" in done.stdout.replace("Number: 0", "Number: ")
    assert "Key Compromise" in done.stdout
    assert "X509v3 CRL Number" in done.stdout
    assert "X509v3 Authority Key Identifier" in done.stdout


def meet(tmp_path: Path, trusted: Identity, server: Identity, crl: Path | None) -> Shaken:
    ca, pem = tmp_path / "trusted.pem", tmp_path / "server.pem"
    ca.write_bytes(trusted.certificate_pem)
    pem.write_bytes(server.certificate_pem + server.key_pem)
    client = client_context(ca)
    if crl is not None:
        check_revocation(client, crl)
    return shake_hands(server_context(pem, pem), client)


def test_who_looks_at_the_list_refuses_what_is_on_it(
    tmp_path: Path, authority: Identity, revoked: Identity, crl: Path
) -> None:
    assert meet(tmp_path, authority, revoked, crl).verify_code == 23
    assert meet(tmp_path, authority, server_of(authority), crl).verify_code == 0
    assert meet(tmp_path, authority, revoked, None).verify_code == 0  # and who does not, does not


def test_a_ca_without_a_list_is_refused(tmp_path: Path, crl: Path) -> None:
    other = create_authority(common_name="Another CA", not_before=TIMES[0], not_after=TIMES[1])
    assert meet(tmp_path, other, server_of(other), crl).verify_code == 3  # unable to get certificate CRL


def test_a_list_of_last_week_is_refused(tmp_path: Path, authority: Identity) -> None:
    old = revocation_list(authority, [], made=NOW - 8 * DAY, until=NOW - DAY)
    path = tmp_path / "old.pem"
    path.write_bytes(old.public_bytes(Encoding.PEM))
    assert meet(tmp_path, authority, server_of(authority), path).verify_code == 12  # CRL has expired


@pytest.mark.parametrize("content", [None, b"", b"nonsense", "certificate", "both"])
def test_what_is_no_list_is_said_to_be_none(tmp_path: Path, authority: Identity, content: bytes | str | None) -> None:
    ca, path = tmp_path / "ca.pem", tmp_path / "crl.pem"
    ca.write_bytes(authority.certificate_pem)
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else server_of(authority).certificate_pem)
    if content == "both":  # it would be trusted from then on
        with path.open("ab") as file:
            file.write(revocation_list(authority, [], made=NOW, until=NOW + DAY).public_bytes(Encoding.PEM))
    with pytest.raises(CertsError, match=r"crl\.pem is no list of revoked certificates"):
        check_revocation(client_context(ca), path)


def test_times_in_the_wrong_order(authority: Identity) -> None:
    with pytest.raises(ValueError, match="update"):
        revocation_list(authority, [], made=NOW, until=NOW - DAY)
