"""What tries share: certificates as openssl judges them, and no port twice."""

import contextlib
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.exercises.capstone import props as module
from lab.exercises.capstone.people import GoneError
from lab.exercises.capstone.props import LOOPBACK, Ports, props
from tests.lab.exercises.capstone.variants import DRAW


def verified(openssl: str, folder: Path, name: str) -> bool:
    command = [openssl, "verify", "-x509_strict", "-CAfile", "ca.pem", "-verify_hostname", "localhost", f"{name}.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=30).returncode == 0


def test_openssl_judges_the_certificates_so_too(tmp_path: Path, tool: Callable[[str], str]) -> None:
    folder = props(tmp_path, DRAW).folder
    judged = {name: verified(tool("openssl"), folder, name) for name in ("server", "stranger", "elsewhere")}
    assert judged == {"server": True, "stranger": False, "elsewhere": False}
    assert (folder / "server.key").stat().st_mode & 0o777 == 0o600


def test_no_port_is_given_twice_nor_one_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PORTS", range(32_000, 32_040))
    monkeypatch.setattr(module, "_PORTS_TRIED", 40)
    free, ports = Ports().give(), Ports()
    with socket.create_server((LOOPBACK, free)):
        with ThreadPoolExecutor(4) as pool:
            given = list(pool.map(lambda _: ports.give(), range(20)))
        for _ in range(20):
            with contextlib.suppress(GoneError):
                given.append(ports.give())
    assert free not in given
    assert len(set(given)) == len(given)
