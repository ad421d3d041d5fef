import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyshark
import pytest

from lab.errors import LabError
from lab.notebook.packets import from_each

DATA = Path(__file__).parents[2] / "data"


def capture(name: str, shown: str) -> Callable[[asyncio.AbstractEventLoop], Any]:
    return lambda loop: pyshark.FileCapture(str(DATA / name), display_filter=shown, keep_packets=False, eventloop=loop)


def test_payloads_are_those_of_tshark_whatever_loop_runs(tool: Callable[[str], str]) -> None:
    line = [tool("tshark"), "-r", str(DATA / "plain.pcapng"), "-Y", "tcp.len > 0", "-T", "fields"]
    line += ["-e", "frame.number", "-e", "tcp.payload"]
    printed = subprocess.run(line, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()

    async def cell() -> list[tuple[int, str]]:
        return from_each(capture("plain.pcapng", "tcp.len > 0"), lambda p: (int(p.number), p.tcp.payload))

    found = asyncio.run(cell())
    assert found
    assert [f"{frame}\t{payload.replace(':', '')}" for frame, payload in found] == printed


def test_a_filter_that_tshark_does_not_know_is_one_sentence(tool: Callable[[str], str]) -> None:
    tool("tshark")
    with pytest.raises(LabError, match=r"^tshark, run by pyshark, gave up: [^\n]+$"):
        from_each(capture("plain.pcapng", "tcp.lenght > 0"), lambda p: p.number)


def test_a_field_that_is_not_there_is_python_s_error(tool: Callable[[str], str]) -> None:
    """And nothing is left of pyshark that would complain later."""
    tool("tshark")
    with pytest.raises(AttributeError):
        from_each(capture("plain.pcapng", "tcp"), lambda p: p.tls.app_data)
