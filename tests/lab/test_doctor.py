import platform
import socket
import ssl
from pathlib import Path

import pytest

from capture.rights import MEANING, Choice, Way, choose, refusals
from capture.sources import SOURCES, SourceName
from lab.doctor import Check, examine

LOOPBACK = Choice(Way.LOOPBACK, "The packet-socket may capture on lo.", "packet-socket")
PRIVATE = Choice(Way.PRIVATE, "A private loopback needs no rights.", "packet-socket")
TAP = Choice(Way.TAP, "Nothing may capture on lo.")
ALL: dict[SourceName, str | None] = dict.fromkeys(SOURCES)
NONE: dict[SourceName, str | None] = dict.fromkeys(SOURCES, "it needs a right.")


def by_name(choice: Choice, refused: dict[SourceName, str | None] = ALL) -> dict[str, Check]:
    checks = examine(choice, refused)
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
    checks = by_name(choice, refusals())
    assert next(iter(checks)) == "Python"
    assert list(checks)[-1] == "Way of capturing"
    assert platform.python_version() in checks["Python"].found
    assert ssl.OPENSSL_VERSION in checks["Python"].found
    assert checks["Way of capturing"].found == f"{MEANING[choice.way]}. {choice.why}"
    for port in free_ports:
        assert checks[f"Port {port}"] == Check(f"Port {port}", True, "free")
    for check in checks.values():
        assert check.found
        assert not (check.good and check.advice) or check.name == "Way of capturing"


def test_the_ports_are_those_of_the_command_line() -> None:
    assert {"Port 12345", "Port 12346"} <= set(by_name(LOOPBACK))


def test_a_system_with_nothing(bare: Path) -> None:
    assert list(bare.iterdir()) == []
    checks = by_name(TAP, NONE)
    for name in ("tshark", "openssl", "xxd"):
        assert not checks[name].good
        assert checks[name].found.startswith("not installed; it ")
        assert checks[name].advice == "Install it: see https://www.wireshark.org/download.html"
    for source in SOURCES:
        assert checks[source] == Check(source, False, "may not capture on lo: it needs a right.")
    assert checks["Engines"].found.startswith("native and scapy show")
    assert not checks["Way of capturing"].good
    assert checks["Way of capturing"].found.startswith(MEANING[Way.TAP])
    assert checks["Way of capturing"].advice.endswith("python -m lab doctor --fix")


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
    assert checks["tshark"].advice == advice


def test_versions_are_what_the_programs_say(bare: Path) -> None:
    put(bare, "tshark", "TShark (Wireshark) 9.8.7 (Git v9.8.7)")
    put(bare, "openssl", "OpenSSL 3.5.1 1 Jul 2025")
    put(bare, "xxd")
    checks = by_name(LOOPBACK)
    assert checks["tshark"].found == f"9.8.7 at {bare}/tshark"
    assert checks["openssl"].found == f"3.5.1 at {bare}/openssl"
    assert checks["xxd"].found == f"at {bare}/xxd"
    assert all(checks[name].good for name in ("tshark", "openssl", "xxd"))
    assert checks["Engines"].found.startswith("native, tshark, pyshark and scapy")


def test_who_may_capture() -> None:
    assert by_name(LOOPBACK)["dumpcap"].good
    # where there is a way, a source that may not is no trouble
    assert by_name(PRIVATE, NONE)["dumpcap"].good
    private = by_name(PRIVATE, NONE)["Way of capturing"]
    assert private.good
    assert private.advice.endswith("doctor --fix")
    assert by_name(LOOPBACK)["Way of capturing"].advice == ""


def test_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("lab.doctor._PORTS", (port,))
        check = by_name(LOOPBACK)[f"Port {port}"]
    assert not check.good
    assert "in use" in check.found
    assert check.advice == "Stop what uses it, or give the demos other ports."
