import asyncio
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.readers import ReaderName, read_segments
from capture.streams import reassemble
from lab.errors import LabError
from lab.scenarios.running import run_in_time
from lab.scenarios.tamper import run as tamper_run
from lab.scenarios.tamper.changes import Flip, OnTheWay, Tampering, Target, Transport
from lab.scenarios.tamper.run import PAIRINGS, XorLines, record
from tests.lab.scenarios.conftest import MakeSetting

TARGET = Target(("one", "two", "three", "four", "five"), 2, Flip(1, 2))


@given(st.lists(st.binary().filter(lambda line: b"\n" not in line)), st.binary(min_size=1), st.integers(1, 9))
def test_xor_lines(lines: list[bytes], key: bytes, step: int) -> None:
    sealing, opening = XorLines(key), XorLines(key)
    sealed = [sealing.seal(line) for line in lines]
    for line, data in zip(lines, sealed, strict=True):
        assert int.from_bytes(data[:2], "big") == len(data) - 2
        assert bytes(a ^ b for a, b in zip(data[2:], cycle(key), strict=False)) == line + b"\n"
    wire = b"".join(sealed)
    opened = [line for at in range(0, len(wire), step) for line in opening.open(wire[at : at + step])]
    assert opened == lines


def test_every_pairing_has_ports_of_its_own(make_setting: MakeSetting, best_reader: ReaderName) -> None:
    setting = make_setting("tamper")
    recording = asyncio.run(record(setting, TARGET))
    assert set(recording.hops) == {(transport, tampering) for transport in Transport for tampering in Tampering}
    ports = [port for hops in recording.hops.values() for port in (hops.relay, hops.server)]
    assert len(set(ports)) == 2 * len(PAIRINGS) == 48
    assert recording.counters.dropped == 0
    # one connection to each attacker, two to each server, every one captured from its first byte to its last
    streams = reassemble(read_segments(setting.folder.capture, best_reader))
    counted = sorted(stream.destination.port for stream in streams if stream.from_client)
    assert counted == sorted(
        port for hops in recording.hops.values() for port in (hops.relay, hops.server, hops.server)
    )
    assert [gap for stream in streams for gap in stream.gaps] == []


def test_a_chat_that_does_not_end_is_given_up(make_setting: MakeSetting, monkeypatch: pytest.MonkeyPatch) -> None:
    # the first message is left out, and bob is waited for in vain
    early = replace(TARGET, at=3)

    class Early(OnTheWay):
        def __init__(self, transport: Transport, _: Tampering, target: Target) -> None:
            super().__init__(transport, Tampering.DROP, replace(target, at=0))

    monkeypatch.setattr(tamper_run, "OnTheWay", Early)
    setting = make_setting("tamper")
    with pytest.raises(LabError, match="did not end within"):
        run_in_time(record(setting, early), 0.5)
    assert not list(Path(setting.folder.path).glob("*/"))
