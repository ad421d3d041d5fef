import asyncio
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs import wrong
from certs.authority import Identity, create_authority, issue_server
from certs.contexts import client_context, unverified_client_context
from chat.errors import ChatError
from lab.notebook.visits import visit

NOW = datetime.now(UTC)
MONTH = timedelta(days=30)


@pytest.fixture(scope="module")
def authority() -> Identity:
    return create_authority(not_before=NOW - MONTH, not_after=NOW + MONTH)


@pytest.fixture(scope="module")
def genuine(authority: Identity) -> Identity:
    return issue_server(authority, not_before=NOW - MONTH, not_after=NOW + MONTH)


@pytest.fixture
def ca(authority: Identity, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_bytes(authority.certificate_pem)
    return path


def test_a_careful_client_says_what_openssl_says(
    authority: Identity, genuine: Identity, ca: Path, tool: Callable[[str], str]
) -> None:
    mallory = wrong.for_another_name(authority, NOW)
    chains = {
        "genuine": [genuine],
        "self-signed": [wrong.self_signed(NOW)],
        "expired": [wrong.expired(authority, NOW)],
        "not yet": [wrong.not_yet_valid(authority, NOW)],
        "no CA": [wrong.signed_by_no_ca(mallory, NOW), mallory],
    }
    for name, chain in chains.items():
        said = visit(chain, client_context(ca))
        leaf, others = ca.with_name("leaf.pem"), ca.with_name("others.pem")
        leaf.write_bytes(chain[0].certificate_pem)
        others.write_bytes(b"".join(each.certificate_pem for each in chain))
        command = [tool("openssl"), "verify", "-x509_strict", "-CAfile", str(ca), "-untrusted", str(others), str(leaf)]
        openssl = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (said is None) == (openssl.returncode == 0) == (name == "genuine"), name
        assert said is None or said in openssl.stderr, name


def test_the_name_is_asked_for(authority: Identity, ca: Path) -> None:
    assert "localhost" in (visit([wrong.for_another_name(authority, NOW)], client_context(ca)) or "")


def test_a_client_that_checks_nothing_goes_in() -> None:
    assert visit([wrong.self_signed(NOW)], unverified_client_context()) is None


def test_it_works_where_a_loop_runs_already(genuine: Identity, ca: Path) -> None:
    async def cell() -> str | None:
        return visit([genuine], client_context(ca))

    assert asyncio.run(cell()) is None


def test_another_failure_is_no_refusal(genuine: Identity, ca: Path) -> None:
    client = client_context(ca)
    client.maximum_version = client.minimum_version  # TLS 1.2
    client.set_ciphers("AES128-GCM-SHA256")  # for an RSA key, which the server has not
    with pytest.raises(ChatError):
        visit([genuine], client)
