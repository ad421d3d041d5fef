"""Every engine is given the same packets, and says the same of them as who reads the file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from capture import engines
from capture.engines import EngineName
from capture.readers import READERS, read_segments
from tests.capture.engines.feeding import packets_of, show
from tests.capture.talking import run


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("engine", READERS)
@pytest.mark.parametrize("name", ["ipv6.pcapng", "tls12.pcapng"])
def test_the_engines_agree(engine: EngineName, name: str, data: Path, tool: Callable[[str], str]) -> None:
    tool("tshark")
    path = data / name
    seen, failures = run(show(engines.make(engine, [9]), packets_of(path)))
    assert failures == []
    assert [dissection.segment for dissection in seen] == list(read_segments(path, "tshark"))
    assert "tls" in name or all(dissection.data == dissection.segment.payload for dissection in seen)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("engine", READERS)
def test_nothing_to_see(engine: EngineName, tool: Callable[[str], str]) -> None:
    tool("tshark")
    assert run(show(engines.make(engine, [9]), [])) == ([], [])


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("engine", READERS)
def test_closed_before_it_started(engine: EngineName) -> None:
    run(engines.make(engine, [9]).close())
