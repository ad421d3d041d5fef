import platform
import subprocess
from collections.abc import Callable

import pytest

from lab.bench import machine


def test_it_says_what_was_measured_on(tool: Callable[[str], str]) -> None:
    described = machine.describe()
    said = subprocess.run([tool("tshark"), "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert str(described["tshark"]) in said.stdout.splitlines()[0]
    assert described["python"] == platform.python_version()
    assert isinstance(described["cores"], int)


def test_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_PROGRAMS", ("no-such-program",))
    monkeypatch.setattr(machine, "_PACKAGES", ("no-such-package",))
    described = machine.describe()
    assert (described["no-such-program"], described["no-such-package"]) == ("-", "-")
