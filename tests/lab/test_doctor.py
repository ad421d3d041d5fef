import platform
import socket
import ssl
from pathlib import Path

import pytest

from capture.rights import MEANING, Choice, Way, choose
from lab.doctor import Check, examine

LOOPBACK = Choice(Way.LOOPBACK, "dumpcap may capture on lo.")
TAP = Choice(Way.TAP, "dumpcap may not capture on lo.")


def by_name(choice: Choice) -> dict[str, Check]:
    checks = examine(choice)
    assert len({check.name for check in checks}) == len(checks)
    return {check.name: check for check in checks}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A system with no programs but those that a test puts into this folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("capture.tools._EXTRA_FOLDERS", ())
    return tmp_path


def put(folder: Path, name: str, says: str = "") -> None:
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def free_ports(monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = one.getsockname()[1], two.getsockname()[1]
    monkeypatch.setattr("lab.doctor._PORTS", ports)
    return ports


def test_this_machine(free_ports: tuple[int, int]) -> None:
    choice = choose()
    checks = by_name(choice)
    assert next(iter(checks)) == "Python"
    assert list(checks)[-1] == "Way of capturing"
    assert platform.python_version() in checks["Python"].found
    assert ssl.OPENSSL_VERSION in checks["Python"].found
    assert checks["Way of capturing"].found == f"{MEANING[choice.way]}. {choice.why}"
    for port in free_ports:
        assert checks[f"Port {port}"] == Check(f"Port {port}", True, "free")
    for check in checks.values():
        assert check.found
        assert not (check.good and check.advice)


def test_the_ports_are_those_of_the_command_line() -> None:
    assert {"Port 12345", "Port 12346"} <= set(by_name(LOOPBACK))


def test_a_system_with_nothing(bare: Path) -> None:
    assert list(bare.iterdir()) == []
    choice = choose()
    assert choice.way is Way.TAP
    checks = by_name(choice)
    for name in ("tshark", "dumpcap", "openssl", "xxd"):
        assert not checks[name].good
        assert checks[name].found.startswith("not installed; it ")
        assert checks[name].advice == "Install it: see https://www.wireshark.org/download.html"
    assert not checks["Rights"].good
    assert not checks["Way of capturing"].good
    assert checks["Way of capturing"].found.startswith(MEANING[Way.TAP])
    assert "dumpcap" in checks["Way of capturing"].found


@pytest.mark.parametrize(
    ("manager", "advice"),
    [
        ("apt-get", "Install it: sudo apt-get install -y tshark"),
        ("dnf", "Install it: sudo dnf install -y wireshark-cli"),
        ("pacman", "Install it: sudo pacman -S --needed wireshark-cli"),
        ("brew", "Install it: brew install wireshark"),
    ],
)
def test_advice_for_this_system(bare: Path, manager: str, advice: str) -> None:
    put(bare, manager)
    checks = by_name(TAP)
    assert checks["tshark"].advice == checks["dumpcap"].advice == advice


def test_versions_are_what_the_programs_say(bare: Path) -> None:
    put(bare, "tshark", "TShark (Wireshark) 9.8.7 (Git v9.8.7)")
    put(bare, "dumpcap", "no version here")
    put(bare, "openssl", "OpenSSL 3.5.1 1 Jul 2025")
    put(bare, "xxd")
    checks = by_name(LOOPBACK)
    assert checks["tshark"].found == f"9.8.7 at {bare}/tshark"
    assert checks["dumpcap"].found == f"unknown at {bare}/dumpcap"
    assert checks["openssl"].found == f"3.5.1 at {bare}/openssl"
    assert checks["xxd"].found == f"at {bare}/xxd"
    assert all(checks[name].good for name in ("tshark", "dumpcap", "openssl", "xxd"))


def test_rights(bare: Path) -> None:
    assert by_name(LOOPBACK)["Rights"].good
    put(bare, "dumpcap")
    without_manager = by_name(TAP)["Rights"]
    assert not without_manager.good
    assert without_manager.advice == ""
    put(bare, "apt-get")
    advice = by_name(TAP)["Rights"].advice
    assert "sudo dpkg-reconfigure wireshark-common" in advice
    assert "usermod -aG wireshark $USER" in advice


def test_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("lab.doctor._PORTS", (port,))
        check = by_name(LOOPBACK)[f"Port {port}"]
    assert not check.good
    assert "in use" in check.found
    assert check.advice == "Stop what uses it, or give the demos other ports."
