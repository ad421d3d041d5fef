import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from capture import tools
from capture.errors import ToolMissingError


def test_find_and_version(tool: Callable[[str], str]) -> None:
    path = tool("tshark")
    assert tools.find("tshark") == path
    assert tools.require("tshark") == path
    first_line = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    assert f"TShark (Wireshark) {tools.version(path)} " in first_line


@pytest.mark.usefixtures("no_tools")
def test_missing() -> None:
    assert tools.find("tshark") is None
    with pytest.raises(ToolMissingError, match=r"tshark is not installed: .*make doctor"):
        tools.require("tshark")


def test_finds_what_no_shell_finds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "tshark"
    program.write_text("#!/bin/sh\necho 'no number here'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(tools, "_EXTRA_FOLDERS", (str(tmp_path),))
    assert tools.find("tshark") == str(program)
    assert tools.version(str(program)) == "unknown"


def test_loopback_is_an_interface_of_this_system() -> None:
    assert Path("/sys/class/net", tools.LOOPBACK).exists() or tools.LOOPBACK == "lo0"
