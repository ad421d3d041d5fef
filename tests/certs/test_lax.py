from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs import wrong
from certs.authority import Identity, create_authority, issue_server
from certs.contexts import client_context, server_context
from certs.errors import CertsError
from certs.lax import credulous_client_context, nameless_client_context
from tests.certs.handshaking import shake_hands

NOW = datetime.now(UTC).replace(microsecond=0)
YEAR = timedelta(days=365)


@pytest.fixture
def authority() -> Identity:
    return create_authority(not_before=NOW - YEAR, not_after=NOW + YEAR)


@pytest.fixture
def rogue() -> Identity:
    return create_authority(common_name="Rogue CA", not_before=NOW - YEAR, not_after=NOW + YEAR)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, identity: Identity) -> Path:
        path = tmp_path / name
        path.write_bytes(identity.certificate_pem + identity.key_pem)
        return path

    return write


def test_nameless_differs_in_the_name_alone(authority: Identity, rogue: Identity, save: Callable[..., Path]) -> None:
    ca = save("ca.pem", authority)
    lax, strict = nameless_client_context(ca), client_context(ca)
    assert not lax.check_hostname
    assert (lax.verify_mode, lax.verify_flags, lax.options) == (strict.verify_mode, strict.verify_flags, strict.options)
    other = save("other.pem", wrong.for_another_name(authority, NOW))
    assert shake_hands(server_context(other, other), strict).verify_code == 62
    assert shake_hands(server_context(other, other), lax).verify_code == 0
    old = save("old.pem", wrong.expired(authority, NOW))
    assert shake_hands(server_context(old, old), lax).verify_code == 10
    strange = save("strange.pem", issue_server(rogue, not_before=NOW - YEAR, not_after=NOW + YEAR))
    assert shake_hands(server_context(strange, strange), lax).verify_code == 20


def test_credulous_differs_in_the_ca_alone(authority: Identity, rogue: Identity, save: Callable[..., Path]) -> None:
    ca = save("ca.pem", authority)
    lax, strict = credulous_client_context(ca, save("rogue.pem", rogue)), client_context(ca)
    assert lax.check_hostname
    assert (lax.verify_mode, lax.verify_flags, lax.options) == (strict.verify_mode, strict.verify_flags, strict.options)
    for signer, code in ((authority, 0), (rogue, 20)):
        server = save("server.pem", issue_server(signer, not_before=NOW - YEAR, not_after=NOW + YEAR))
        assert shake_hands(server_context(server, server), strict).verify_code == code
        assert shake_hands(server_context(server, server), lax).verify_code == 0
        assert shake_hands(server_context(server, server), lax, "elsewhere.example").verify_code == 62


@pytest.mark.parametrize("content", [None, b"nonsense"])
def test_a_ca_that_is_none(authority: Identity, save: Callable[..., Path], content: bytes | None) -> None:
    ca = save("ca.pem", authority)
    path = ca.with_name("rogue.pem")
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CertsError, match=r"rogue\.pem (holds no certificate|cannot be read)"):
        credulous_client_context(ca, path)
