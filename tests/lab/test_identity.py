from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.errors import CertsError
from certs.store import open_client, open_store
from chat.errors import NicknameError
from lab.errors import LabError
from lab.identity import identify, issue, shown


def der(path: Path) -> bytes:
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("name", ["alice", "Lucía", "жанна", "a.b-c_1"])
def test_a_name_goes_into_a_certificate_and_comes_out(tmp_path: Path, name: str) -> None:
    client = issue(tmp_path, f" {name} ")
    assert client.certificate == tmp_path / "clients" / f"{name}.pem"
    assert identify(der(client.certificate)) == name
    assert "still valid" in issue(tmp_path, name).renewed


def test_certificates_that_name_nobody_in_the_chat(tmp_path: Path) -> None:
    """The CA signs what it is told to; what the chat would not take is no identity there."""
    assert identify(der(open_store(tmp_path).server_certificate)) is None
    for name in ("two words", "admin", "x" * 30, "a\u0301lvaro"):  # the last one is not in NFC
        assert identify(der(open_client(tmp_path, name).certificate)) is None
    assert identify(b"") is None


@pytest.mark.parametrize("name", ["two words", "a/b", "..", "", "teacher", "x" * 21, "pаypal"])  # noqa: RUF001
def test_names_that_nobody_may_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(NicknameError):
        issue(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("other", ["Alice", "a1ice", "ＡLICE"])  # noqa: RUF001
def test_nobody_gets_a_name_that_could_be_taken_for_anothers(tmp_path: Path, other: str) -> None:
    issue(tmp_path, "alice")
    with pytest.raises(LabError, match=f"There is a certificate for alice, for whom {other} could be taken"):
        issue(tmp_path, other)
    assert identify(der(issue(tmp_path, "alicia").certificate)) == "alicia"


def test_what_a_client_shows(tmp_path: Path) -> None:
    client = issue(tmp_path, "a.b")
    assert shown(None, None) is None
    beside = shown(client.certificate, None)
    assert beside is not None
    assert (beside.files, beside.name) == ((client.certificate, client.key), "a.b")
    elsewhere = shown(client.certificate, tmp_path / "own.key")
    assert elsewhere is not None
    assert elsewhere.files == (client.certificate, tmp_path / "own.key")
    nameless = shown(open_store(tmp_path).server_certificate, None)
    assert nameless is not None
    assert nameless.name == ""
    with pytest.raises(LabError, match=r"own\.key alone shows nobody who you are"):
        shown(None, tmp_path / "own.key")
    with pytest.raises(CertsError, match="cannot be read"):
        shown(tmp_path / "none.pem", None)


def test_an_expired_certificate_names_nobody(tmp_path: Path) -> None:
    """Also where a session is resumed, and OpenSSL does not look at the certificate again."""
    past = datetime.now(UTC) - timedelta(days=400)
    assert identify(der(open_client(tmp_path, "alice", now=past).certificate)) is None
    assert identify(der(open_client(tmp_path, "alice").certificate)) == "alice"


def test_two_at_once_do_not_both_get_names_that_look_alike(tmp_path: Path) -> None:
    open_store(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        tries = [pool.submit(issue, tmp_path, name) for name in ("bobNl", "bobN1")]
    assert [type(one.exception()) for one in tries if one.exception() is not None] == [LabError]
