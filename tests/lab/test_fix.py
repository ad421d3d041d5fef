import shlex
import subprocess
from pathlib import Path

import pytest

from capture.rights import Choice, Way
from capture.sources import SOURCES, SourceName
from lab.fix import Fix, cannot, fixes, script

LOOPBACK = Choice(Way.LOOPBACK, "", "packet-socket")
PRIVATE = Choice(Way.PRIVATE, "", "packet-socket")
TAP = Choice(Way.TAP, "")
NONE: dict[SourceName, str | None] = dict.fromkeys(SOURCES, "it needs a right.")
UBUNTU = "kernel.apparmor_restrict_unprivileged_userns"
PROGRAMS = ("tshark", "xxd", "nc", "openssl", "tcpdump", "unshare")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A system with no programs but those that a test puts into this folder."""
    programs = tmp_path / "it's here"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr("capture.tools._EXTRA_FOLDERS", ())
    return programs


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)


def commands(found: tuple[Fix, ...]) -> list[str]:
    return [command for fix in found for command in fix.commands]


def test_nothing_to_do(bare: Path) -> None:
    put(bare, *PROGRAMS)
    assert fixes(LOOPBACK, dict.fromkeys(SOURCES)) == ()
    assert cannot(LOOPBACK) == ()
    assert script((), ()) == "# Nothing is missing: there is nothing to run."


@pytest.mark.parametrize(
    ("manager", "install", "group"),
    [
        ("apt-get", "sudo apt-get install -y tshark", "sudo dpkg-reconfigure -f noninteractive wireshark-common"),
        ("dnf", "sudo dnf install -y wireshark-cli", 'sudo usermod -aG wireshark "$USER"'),
        ("pacman", "sudo pacman -S --needed wireshark-cli", 'sudo usermod -aG wireshark "$USER"'),
        ("brew", "brew install wireshark", "brew install --cask wireshark-chmodbpf"),
    ],
)
def test_each_system_has_its_commands(bare: Path, tmp_path: Path, manager: str, install: str, group: str) -> None:
    put(bare, manager, *(name for name in PROGRAMS if name != "tshark"))
    found = commands(fixes(PRIVATE, NONE, tmp_path))
    assert found[0] == install
    assert group in found
    # a macOS program has no file capabilities
    assert any("setcap" in command for command in found) == (manager != "brew")


def test_a_path_is_quoted(bare: Path, tmp_path: Path) -> None:
    put(bare, *PROGRAMS)
    found = commands(fixes(PRIVATE, NONE, tmp_path))
    path = str((bare / "tcpdump").resolve())
    for command in found[2:]:
        assert shlex.split(command)[-1] == path


@pytest.mark.parametrize(
    ("switch", "value", "command"),
    [
        ("kernel/unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", f"sudo sysctl -w {UBUNTU}=0"),
        ("user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=10000"),
    ],
)
def test_switches_that_forbid_namespaces(bare: Path, tmp_path: Path, switch: str, value: str, command: str) -> None:
    put(bare, *PROGRAMS)
    file = tmp_path / "sys" / switch
    file.parent.mkdir(parents=True)
    file.write_text(f"{value}\n")
    assert command in commands(fixes(TAP, NONE, tmp_path / "sys"))
    # where there is a private loopback nothing forbids it
    assert command not in commands(fixes(PRIVATE, NONE, tmp_path / "sys"))
    file.write_text("12345\n")
    assert command not in commands(fixes(TAP, NONE, tmp_path / "sys"))


@pytest.mark.usefixtures("bare")
def test_what_cannot_be_had_is_said() -> None:
    (sentence,) = cannot(TAP)
    assert "only Linux" in sentence
    assert f"# {sentence}" in script((), (sentence,))
    assert cannot(PRIVATE) == ()


def test_the_script_is_a_script(bare: Path, tmp_path: Path) -> None:
    put(bare, "apt-get", "tcpdump")
    text = script(fixes(TAP, NONE, tmp_path), cannot(TAP))
    subprocess.run(["/bin/sh", "-n"], input=text, text=True, check=True)
    assert text.startswith("# Nothing of this has been run.")
    assert all(line.startswith(("# ", "sudo ", "echo ")) or not line for line in text.splitlines())
