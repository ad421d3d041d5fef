import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from certs.contexts import server_context
from certs.pinning import spki_sha256
from lab.errors import LabError
from lab.folder import RunFolder
from lab.scenarios.mitm.cast import Cast, Shown, Who, client_contexts, make_cast
from tests.certs.handshaking import shake_hands

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def cast(tmp_path: Path) -> Cast:
    return make_cast(RunFolder(tmp_path), NOW)


def test_files_are_closed_to_others_and_hold_what_is_shown_with_its_key(cast: Cast, tmp_path: Path) -> None:
    files = {cast.ca, cast.rogue, cast.crl, *cast.shown.values()}
    assert files == set(tmp_path.iterdir())
    assert len(files) == 3 + len(Shown)
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for shown, file in cast.shown.items():
        server_context(file, file)  # OpenSSL takes no key that is another's
        chain = x509.load_pem_x509_certificates(file.read_bytes())
        assert len(chain) == (2 if shown is Shown.CA_BIT_MISSING else 1)
    # only what must be secret is so
    assert b"PRIVATE KEY" not in cast.ca.read_bytes() + cast.rogue.read_bytes() + cast.crl.read_bytes()


def test_no_key_is_shared_and_the_pin_is_the_servers(cast: Cast) -> None:
    keys = {}
    for shown, file in cast.shown.items():
        keys[shown] = spki_sha256(x509.load_pem_x509_certificates(file.read_bytes())[0])
    assert len(set(keys.values())) == len(Shown)
    assert cast.pin == keys[Shown.GENUINE]


def test_nothing_is_overwritten(cast: Cast) -> None:
    with pytest.raises(LabError, match="File exists"):
        make_cast(RunFolder(cast.ca.parent), NOW)


def test_the_contexts_are_five_and_each_takes_the_genuine_one(cast: Cast) -> None:
    contexts = client_contexts(cast)
    assert list(contexts) == list(Who)
    server = server_context(cast.shown[Shown.GENUINE], cast.shown[Shown.GENUINE])
    for context in contexts.values():
        assert shake_hands(server, context).client is None
    verifying = {who for who, context in contexts.items() if context.verify_mode is ssl.CERT_REQUIRED}
    assert verifying == {Who.STRICT, Who.NAMELESS, Who.CREDULOUS}
    assert {who for who, context in contexts.items() if context.check_hostname} == {Who.STRICT, Who.CREDULOUS}
    looking = {who for who, context in contexts.items() if context.verify_flags & ssl.VERIFY_CRL_CHECK_LEAF}
    assert looking == {Who.STRICT}
