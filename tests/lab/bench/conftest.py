"""A watch over what a measurement leaves behind, and the machine that may capture."""

import contextlib
import os
import select
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from capture.sources import refusal


def _mine(name: str) -> set[str]:
    """The processes, of whatever parent, that have `name` in their environment."""
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                environment = (process / "environ").read_bytes()
            except OSError:
                continue
            if name.encode() in environment:
                found.add(process.name)
    return found


def _wait_for(process: str) -> None:
    """Wait until a process has ended, but not for ever: what its parent's end has told it to do takes a moment."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(int(process))
        select.select([descriptor], [], [], 10)
        os.close(descriptor)


@pytest.fixture
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail if a test leaves behind a temporary file, or a process of the test's: a mark in the environment shows it."""
    monkeypatch.setenv("LAB_BENCH_TEST", str(tmp_path))
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []
    for process in _mine(str(tmp_path)):
        _wait_for(process)
    assert _mine(str(tmp_path)) == set()


@pytest.fixture
def may_capture(tool: Callable[[str], str]) -> None:
    """Skip where a packet socket may not be had; tshark must be there."""
    tool("tshark")
    refused = refusal("packet-socket")
    if refused is not None:
        pytest.skip(refused)
