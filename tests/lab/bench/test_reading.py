from collections.abc import Callable
from pathlib import Path

import pytest

from lab.bench import peers
from lab.bench.figures import Results, Size
from lab.bench.files import write_capture
from lab.bench.programs import python
from lab.bench.reading import Read, bare, native_rows, natively, read, through_tshark
from lab.errors import LabError

TINY = Size(
    rounds=1, messages=0, seconds=0, cycles=0, peer_cycles=0, through_tshark=200, packets=(100, 300)
)  # fmt: skip


@pytest.mark.usefixtures("nothing_left")
def test_what_was_read_is_what_is_in_the_file(tmp_path: Path) -> None:
    path = write_capture(tmp_path / "a.pcap", 400)
    command = python("-m", "lab.bench.ours", "read", "native")
    done = read("the reader", command, path, 400)
    assert done.rate == pytest.approx(400 / done.seconds)
    with pytest.raises(LabError, match=r"^the reader read 400 packets of 401\.$"):
        read("the reader", command, path, 401)


@pytest.mark.usefixtures("nothing_left")
def test_scapy_reads_every_packet(tmp_path: Path) -> None:
    path = write_capture(tmp_path / "a.pcap", 50)
    assert read("scapy", python("-c", peers.READ_SCAPY), path, 50).seconds > 0


@pytest.mark.usefixtures("nothing_left")
def test_a_file_through_tshark(tool: Callable[[str], str]) -> None:
    tool("tshark")
    (row,) = through_tshark(TINY)
    assert row.target is not None
    assert [side.why for side in (row.ours, *row.peers)] == ["", "", ""]
    assert row.peers[0].name == "bare tshark -T fields"


def test_a_file_that_tshark_cannot_read(tmp_path: Path, tool: Callable[[str], str]) -> None:
    tool("tshark")
    with pytest.raises(LabError, match="tshark could not read its file"):
        bare(tmp_path / "none.pcap", 1)


def test_ratios_of_rates_and_of_memory() -> None:
    done = {
        "native reader, 100": [Read(100, 1.0, 40 << 20)],
        "native reader, 300": [Read(300, 0.5, 60 << 20)],
        "dpkt": [Read(100, 1.0)],
        "scapy PcapReader": [Read(50, 5.0)],
    }
    small, large, memory = native_rows(Results(done, {}), TINY)
    assert (small.ratio(small.peers[0]), small.met) == (1, False)
    assert (large.ratio(large.peers[0]), large.met) == (6, True)
    assert large.ratio(large.peers[1]) == 60
    assert (memory.figure(memory.ours), memory.ratio(memory.peers[0]), memory.met) == (60, 1.5, False)


@pytest.mark.usefixtures("nothing_left")
def test_without_dpkt_the_rest_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "READ_DPKT", "import a_package_that_is_not_there")
    small, *_, memory = natively(TINY)
    assert small.ours.values
    assert "No module named 'a_package_that_is_not_there'" in small.peers[0].why
    assert small.met is None
    assert memory.met is True
