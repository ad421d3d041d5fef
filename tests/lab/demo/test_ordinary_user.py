"""The demos as a user without rights, on a private loopback, for real."""

import os
import re
import stat
from collections.abc import Callable

import pytest

from capture.rights import Way, choose
from tests.lab.demo.conftest import Lab


@pytest.fixture
def ordinary(as_ordinary_user: Lab, tool: Callable[[str], str]) -> Lab:
    tool("dumpcap")
    if os.geteuid() != 0 and choose().way is not Way.PRIVATE:
        pytest.skip(f"this user captures in another way: {choose().why}")
    return as_ordinary_user


@pytest.mark.parametrize("reader", ["tshark", "pyshark", "scapy"])
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


def test_doctor_names_the_way_and_how_to_get_a_better_one(ordinary: Lab) -> None:
    done = ordinary.run("doctor")
    assert (done.status, done.err) == (0, "")
    assert "live, on a private loopback" in done.out
    assert "A private loopback needs no rights." in done.out


def test_wrong_arguments_are_told_once(ordinary: Lab) -> None:
    done = ordinary.run(*ordinary.demo("both", "--messages", "/nowhere"))
    assert (done.status, done.out) == (1, "")
    assert "/nowhere" in done.sentence
