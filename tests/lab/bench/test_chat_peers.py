import contextlib
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.tools import find
from certs.contexts import client_context
from certs.store import open_store
from lab.bench.chat_load import DIALECTS, load
from lab.bench.chat_peers import ngircd_configuration
from lab.bench.programs import python, running
from lab.errors import LabError

pytestmark = pytest.mark.usefixtures("nothing_left")


def must_be_installed() -> None:
    """Skip a test on a person's machine without ngIRCd, which is an ordinary user's to leave out; fail in CI."""
    if find("ngircd") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("ngircd is not installed")


@contextlib.contextmanager
def serving(kind: str, *files: Path) -> Iterator[int]:
    """Run a server; afterwards nothing listens any more."""
    if kind == "ngircd":
        must_be_installed()
    with running(kind, python("-m", "lab.bench.chat_peers", kind, *map(str, files))) as server:
        port = int(server.line())
        yield port
    # what a killed program has started is gone as soon as it runs again
    with contextlib.suppress(ConnectionRefusedError):
        while True:
            socket.create_connection(("127.0.0.1", port)).close()
            os.sched_yield()


@pytest.mark.parametrize(("kind", "dialect"), [("threads", "raw"), ("raw", "raw"), ("ngircd", "irc")])
@pytest.mark.parametrize("tls", [False, True])
def test_it_delivers_everything(kind: str, dialect: str, tls: bool, tmp_path: Path) -> None:
    store = open_store(tmp_path / "certs")
    files = [store.server_certificate, store.server_key] if tls else []
    context = client_context(store.ca_certificate, version=ssl.TLSVersion.TLSv1_3) if tls else None
    with serving(kind, *files) as port:
        assert load(port, DIALECTS[dialect], 12, 2200, context).deliveries == 2200


@pytest.mark.parametrize("kind", ["threads", "raw", "ngircd"])
def test_it_listens_on_loopback_only(kind: str) -> None:
    with serving(kind) as port:
        tables = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()]
        # proc(5): the local address, in hex, and the state, of which 0A is LISTEN
        listening = [line[1] for line in tables if line[3] == "0A" and line[1].endswith(f":{port:04X}")]
    assert listening == [f"0100007F:{port:04X}"]


def test_one_that_cannot_start_says_so(tmp_path: Path) -> None:
    must_be_installed()
    command = python("-m", "lab.bench.chat_peers", "ngircd", str(tmp_path / "no.pem"), str(tmp_path / "no.key"))
    with running("ngircd", command) as server, pytest.raises(LabError, match=r"^ngircd ended too early: .+"):
        server.line()


def test_plaintext_and_tls_are_not_both_served(tmp_path: Path) -> None:
    plain = ngircd_configuration(1234, (), tmp_path)
    assert "Ports = 1234" in plain
    assert "[SSL]" not in plain
    tls = ngircd_configuration(1234, (tmp_path / "a.pem", tmp_path / "a.key"), tmp_path)
    assert tls.count("Ports = 1234") == 1
    assert tls.index("[SSL]") < tls.index("Ports = 1234")
