"""sharkd and PDML, two programs, must say the same of every frame of every shipped capture."""

import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.dissection import Dissection
from capture.dissectors import DissectorName, Understood, best_dissector, dissect
from capture.errors import CaptureError, NotACaptureError, ToolMissingError, TornCaptureError
from capture.packets import packets
from tests.capture.conftest import DATA

PORTS: dict[int, Understood] = {12345: "data"}
# mergecap 4.0 cannot put these two among the others
ALONE = ["several-sections.pcapng", "zipped.pcapng.gz"]
BOTH: list[DissectorName] = ["sharkd", "pdml"]


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """All shipped captures, one after the other, in one file, and all their keys: to start each program once."""
    folder = tmp_path_factory.mktemp("merged")
    names = sorted(str(path) for path in DATA.glob("*.pcap*") if path.name not in ALONE)
    subprocess.run(["mergecap", "-a", "-w", folder / "all.pcapng", *names], check=True, timeout=60)
    keys = folder / "all.keys.txt"
    keys.write_text("".join(path.read_text() for path in sorted(DATA.glob("*.keys.txt"))))
    return folder / "all.pcapng", keys


@pytest.fixture(autouse=True)
def needs(tool: Callable[[str], str]) -> None:
    for name in ("sharkd", "tshark", "mergecap"):
        tool(name)


@pytest.fixture(scope="module")
def told(merged: tuple[Path, Path]) -> list[list[Dissection]]:
    path, keys = merged
    return [list(dissect(path, ports=PORTS, keylog=keys, dissector=name)) for name in BOTH]


def test_both_say_the_same_of_every_frame(told: list[list[Dissection]]) -> None:
    for one, other in zip(*told, strict=True):
        assert one == other
    assert len(told[0]) > 650
    assert {source.kind for frame in told[0] for source in frame.sources} == {"frame", "reassembled", "decrypted"}


def test_the_frames_are_those_of_the_file(told: list[list[Dissection]], merged: tuple[Path, Path]) -> None:
    frames = {one.frame: one.sources[0].data for one in told[0]}
    assert list(frames) == list(range(1, len(frames) + 1))
    # blocks of pcapng that are no packets have numbers too
    assert {packet.frame: packet.data for packet in packets(merged[0])}.items() <= frames.items()


def test_a_tree_that_stands_on_bytes(told: list[list[Dissection]]) -> None:
    for frame in told[0]:
        assert frame.nodes[0].name == "frame"
        for before, node in itertools.pairwise(frame.nodes):
            assert 0 <= node.depth <= before.depth + 1
            assert node.size == len(frame.bytes_of(node)) > 0
            assert node.label


def test_numbers_are_those_of_the_bytes(told: list[list[Dissection]]) -> None:
    """Of fields that are a number and nothing else (RFC 9293, section 3.1; RFC 8446, section 5.1)."""
    plain = {"tcp.seq", "tcp.srcport", "tcp.window_size_value", "tls.record.length", "tls.handshake.type", "ip.ttl"}
    seen = set()
    for frame in told[0]:
        for node in frame.nodes:
            if node.name in plain:
                assert node.number == int.from_bytes(frame.bytes_of(node)), node
                seen.add(node.name)
    assert seen == plain


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("name", ALONE)
def test_the_rest_of_the_captures(name: str, data: Path) -> None:
    one, other = (list(dissect(data / name, ports=PORTS, dissector=dissector)) for dissector in BOTH)
    assert one == other
    assert [frame.sources[0].data for frame in one] == [packet.data for packet in packets(data / name)]


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("dissector", BOTH)
def test_a_torn_file(dissector: DissectorName, data: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.pcap"
    torn.write_bytes((data / "nanoseconds.pcap").read_bytes()[:-7])
    frames = dissect(torn, ports=PORTS, dissector=dissector)
    whole = list(packets(data / "nanoseconds.pcap"))
    assert [next(frames).frame for _ in whole[:-1]] == [packet.frame for packet in whole[:-1]]
    with pytest.raises(TornCaptureError):
        next(frames)


@pytest.mark.parametrize("dissector", BOTH)
def test_what_is_no_capture(dissector: DissectorName, data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(NotACaptureError):
        next(dissect(tmp_path / "empty", ports={}, dissector=dissector))
    with pytest.raises(CaptureError, match=r"missing cannot be read: No such file or directory\.$"):
        next(dissect(tmp_path / "missing", ports={}, dissector=dissector))
    assert list(dissect(data / "no-packets.pcap", ports={}, dissector=dissector)) == []


def test_the_best_there_is(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    assert best_dissector() == "sharkd"
    request.getfixturevalue("no_tools")
    assert best_dissector() == "native"
    (tmp_path / "empty" / "tshark").touch(0o755)
    assert best_dissector() == "pdml"


@pytest.mark.parametrize(("dissector", "program"), [("sharkd", "sharkd"), ("pdml", "tshark")])
@pytest.mark.usefixtures("no_tools")
def test_not_installed(dissector: DissectorName, program: str, data: Path) -> None:
    with pytest.raises(ToolMissingError, match=f"^{program} is not installed"):
        next(dissect(data / "plain.pcapng", ports={}, dissector=dissector))


@pytest.mark.usefixtures("no_tools")
def test_without_programs(data: Path) -> None:
    frames = list(dissect(data / "plain.pcapng", ports=PORTS))
    assert [frame.sources[0].data for frame in frames] == [packet.data for packet in packets(data / "plain.pcapng")]
