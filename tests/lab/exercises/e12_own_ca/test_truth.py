"""What the files of exercise 12 are worth, whatever they are; `openssl verify` is asked, too."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.exercises.e12_own_ca.checks import EXERCISE
from lab.exercises.e12_own_ca.truth import Wanted, judge_files
from lab.exercises.work import Work
from tests.lab.exercises.conftest import Solve, draw_of, make_mistake, mistakes
from tests.lab.exercises.solvers import e12


def test_what_is_wanted_decides(solved: Solve) -> None:
    work = Work(solved(EXERCISE, e12), draw_of(EXERCISE))
    found = judge_files(work, Wanted("another.test", 1))
    assert (found.ca, found.server, found.serial, found.key) == ("", "wrong_name", "other_number", "")


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server.key"])
@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"-----BEGIN CERTIFICATE-----\n", b"x" * 100_000])
def test_whatever_is_handed_in_is_judged(solved: Solve, name: str, data: bytes) -> None:
    folder = solved(EXERCISE, e12)
    (folder / name).write_bytes(data)
    found = mistakes(EXERCISE, folder)
    assert found[{"ca.pem": "ca", "server.pem": "server", "server.key": "key"}[name]] in ("no_certificate", "no_key")


def test_openssl_agrees(solved: Solve, tool: Callable[[str], str]) -> None:
    folder = solved(EXERCISE, e12)

    def verify(place: Path) -> int:
        options = ("-x509_strict", "-purpose", "sslserver", "-CAfile", "ca.pem", "server.pem")
        return subprocess.run(
            [tool("openssl"), "verify", *options], cwd=place, check=False, capture_output=True, timeout=60
        ).returncode

    assert verify(folder) == 0
    make_mistake(folder, e12, "server.strict")
    assert verify(folder) != 0
