from collections.abc import Callable

import pytest

from lab.bench import dissecting, peers
from lab.bench.figures import Size

TINY = Size(rounds=1, messages=0, seconds=0, cycles=0, peer_cycles=0, through_tshark=0, packets=())


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dissecting, "_FRAMES", 30)


@pytest.mark.usefixtures("nothing_left")
def test_everybody_takes_every_frame_apart(tool: Callable[[str], str]) -> None:
    tool("tshark")
    tool("sharkd")
    (row,) = dissecting.dissecting(TINY)
    sides = (row.ours, *row.peers)
    assert [side.name for side in sides] == ["sharkd", "pdml", "pyshark FileCapture"]
    assert [side.why for side in sides] == ["", "", ""]
    assert all(side.values for side in sides)


def test_one_that_leaves_frames_out_is_not_counted(monkeypatch: pytest.MonkeyPatch, tool: Callable[[str], str]) -> None:
    tool("tshark")
    monkeypatch.setattr(dissecting, "_OURS", ("pdml",))
    monkeypatch.setattr(peers, "DISSECT_PYSHARK", 'print(\'{"packets": 29, "seconds": 1, "peak": 0}\', flush=True)')
    (row,) = dissecting.dissecting(TINY)
    assert row.peers[0].why == "pyshark FileCapture read 29 packets of 30."
