import struct
from pathlib import Path

import pytest

from lab.bench.cycles import Cycle, compare, cycles_row, ours, peer, sending
from lab.bench.figures import Results
from lab.bench.messages import TIMED, message

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.mark.usefixtures("may_capture")
def test_nothing_is_lost_between_ready_and_stop(tmp_path: Path) -> None:
    with sending(tmp_path) as (port, shared):
        for _ in range(3):
            cycle = ours(tmp_path / "a.pcapng", port, shared)
            assert cycle.sent >= 198
            assert cycle.lost == 0
    assert not (tmp_path / "a.pcapng").exists()


@pytest.mark.usefixtures("may_capture")
def test_the_peer_is_measured_alike(tmp_path: Path) -> None:
    with sending(tmp_path) as (port, shared):
        cycle = peer(tmp_path / "a.pcapng", port, shared)
    assert cycle.sent >= 198
    assert 0 <= cycle.lost <= cycle.sent


def test_what_counts_is_what_was_sent_in_between(tmp_path: Path) -> None:
    """A capture with the messages 0 to 9 but 5 in it, a segment each."""
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for number in set(range(10)) - {5}:
        payload = message(TIMED, number)
        total = 40 + len(payload)
        ip = struct.pack(">BxHHHBBH4s4s", 0x45, total, 0, 0, 64, 6, 0, bytes(4), bytes(4))
        tcp = struct.pack(">HHIIBBHHH", 1, 2, 0, 0, 0x50, 0x18, 0, 0, 0)
        data += struct.pack("<IIII", 0, 0, total, total) + ip + tcp + payload
    path = tmp_path / "a.pcap"
    for after, before, expected in (
        (0, 10, Cycle(9, 1)),
        (5, 10, Cycle(4, 0)),
        (0, 5, Cycle(4, 0)),
        (4, 12, Cycle(7, 3)),
    ):
        path.write_bytes(data)
        assert compare(path, after, before) == expected


def test_losses_of_all_captures_add_up() -> None:
    cycles = {"open_capture": [[Cycle(200, 0)] * 4], "tshark -w": [[Cycle(200, 200), Cycle(100, 20)]]}
    row = cycles_row(Results(cycles, {}))
    assert (row.figure(row.ours), row.figure(row.peers[0]), row.met) == (0, 220, True)
    assert "4 captures under load, 800 messages (tshark -w: 2, 300)" in row.name
    one_lost = cycles | {"open_capture": [[Cycle(200, 0)] * 199 + [Cycle(200, 1)]]}
    assert cycles_row(Results(one_lost, {})).met is False
