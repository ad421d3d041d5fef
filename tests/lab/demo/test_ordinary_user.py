"""The demos as a user without rights, on a private loopback, for real."""

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable

import pytest

from capture.rights import Way, choose
from tests.lab.demo.conftest import Lab


@pytest.fixture
def ordinary(as_ordinary_user: Lab) -> Lab:
    if os.geteuid() != 0 and choose().way is not Way.PRIVATE:
        pytest.skip(f"this user captures in another way: {choose().why}")
    return as_ordinary_user


@pytest.mark.parametrize("reader", ["tshark", "native"])
def test_demo_both(ordinary: Lab, reader: str) -> None:
    done = ordinary.run(*ordinary.demo("both", "--reader", reader))
    assert (done.status, done.err) == (0, "")
    assert "Captured live, on a private loopback" in done.out
    assert re.findall(r"(\d+ of \d+) messages", done.out) == ["12 of 12", "0 of 12", "12 of 12"]
    assert ", 0 dropped" in done.out
    folder = ordinary.run_folder()
    owner = ordinary.home.stat().st_uid
    names = {"capture.pcapng", "tls.keylog", "transcript.json", "verdict.json"}
    assert {file.name for file in folder.iterdir()} == names
    assert {path.stat().st_uid for path in (folder, *folder.iterdir(), *ordinary.certs.iterdir())} == {owner}
    assert stat.S_IMODE((folder / "tls.keylog").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_its_report(ordinary: Lab) -> None:
    done = ordinary.run(*ordinary.demo("both", "--report"))
    assert (done.status, done.err) == (0, "")
    report = ordinary.run_folder() / "report.html"
    assert done.out.splitlines()[-1].startswith(f"Report: {report} ")
    assert (report.stat().st_uid, stat.S_IMODE(report.stat().st_mode)) == (ordinary.home.stat().st_uid, 0o600)
    assert '"way_id":"private"' in report.read_text("utf-8")


def test_doctor_names_the_way_and_how_to_get_a_better_one(ordinary: Lab) -> None:
    done = ordinary.run("doctor")
    assert (done.status, done.err) == (0, "")
    assert "live, on a private loopback" in done.out
    assert "A private loopback needs no rights." in done.out


def test_wrong_arguments_are_told_once(ordinary: Lab) -> None:
    done = ordinary.run(*ordinary.demo("both", "--messages", "/nowhere"))
    assert (done.status, done.out) == (1, "")
    assert "/nowhere" in done.sentence


@pytest.mark.parametrize(
    ("source", "capabilities"), [("tcpdump", "cap_net_raw=eip"), ("dumpcap", "cap_net_raw,cap_net_admin=eip")]
)
def test_a_program_with_file_capabilities(
    as_ordinary_user: Lab, tool: Callable[[str], str], source: str, capabilities: str
) -> None:
    """What `doctor --fix` advises, on a copy of the program: the right is the group's, and capturing works with it."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a program a right")
    programs = as_ordinary_user.home / "programs"
    programs.mkdir()
    programs.chmod(0o755)
    program = programs / source
    shutil.copyfile(tool(source), program)
    os.chown(program, 0, as_ordinary_user.home.stat().st_gid)
    program.chmod(0o750)
    subprocess.run([tool("setcap"), capabilities, str(program)], check=True, timeout=30)
    done = as_ordinary_user.run(*as_ordinary_user.demo("both"), env={"PATH": str(programs)})
    assert (done.status, done.err) == (0, "")
    assert "Captured live, on the loopback interface" in done.out
    assert re.findall(r"(\d+ of \d+) messages", done.out) == ["12 of 12", "0 of 12", "12 of 12"]
    doctor = as_ordinary_user.run("doctor", env={"PATH": str(programs)})
    assert f"The {source} may capture on lo." in doctor.out


def test_doctor_prints_commands_and_runs_none(ordinary: Lab) -> None:
    programs = ordinary.home / "programs"
    programs.mkdir()
    programs.chmod(0o755)
    sudo = programs / "sudo"
    sudo.write_text('#!/bin/sh\ntouch "$HOME/ran"\n')
    sudo.chmod(0o755)
    done = ordinary.run("doctor", "--fix", env={"PATH": f"{programs}:{os.environ['PATH']}"})
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("# Nothing of this has been run.")
    assert 'sudo usermod -aG wireshark "$USER"' in done.out
    assert not (ordinary.home / "ran").exists()
    # what is no command is a comment: the shell reads it all
    subprocess.run(["sh", "-n"], input=done.out, text=True, check=True, timeout=30)
