import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from capture.readers import ReaderName, read_segments
from capture.streams import ByteStream, Span, on_port, reassemble
from lab.errors import LabError
from lab.overhear import Heard
from lab.scenarios.mitm.cast import Shown, Who
from lab.scenarios.mitm.read import Cell, Result, read_cells
from lab.scenarios.mitm.run import TLS_1_2, TLS_1_3, WORDS


def tshark(
    program: str, met: Result, keys: Path, ports: Sequence[int], shown: str, *fields: str
) -> Iterator[list[str]]:
    """What tshark says of some connections with these keys, a row for each frame."""
    options = ["-o", f"tls.keylog_file:{keys}"]
    for port in ports:
        options += ["-d", f"tcp.port=={port},tls", "-d", f"tls.port=={port},data"]
    columns = [part for field in ("frame.number", *fields) for part in ("-e", field)]
    which = f"tcp.port in {{{', '.join(map(str, ports))}}} && {shown}"
    done = subprocess.run(
        [program, "-r", met.capture, *options, "-Y", which, "-Tfields", *columns],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    for line in done.stdout.splitlines():
        yield line.split("\t")


def read_by_tshark(program: str, met: Result, keys: Path, port: int) -> dict[str, set[int]]:
    """The lines in what the keys open, each with its frames."""
    found: dict[str, set[int]] = {}
    for frame, data in tshark(program, met, keys, [port], "data", "data.data"):
        for part in data.split(","):
            for line in bytes.fromhex(part).decode().splitlines():
                found.setdefault(line, set()).add(int(frame))
    return found


def frames(heard: Heard) -> set[int]:
    return {span.frame for span in heard.spans}


def cells_of(met: Result, version: str, shown: Shown) -> dict[Who, Cell]:
    return {c.visit.who: c for c in met.cells if (c.visit.version, c.visit.shown) == (version, shown)}


@pytest.mark.parametrize("version", [TLS_1_3, TLS_1_2])
def test_tshark_reads_the_same_with_the_attackers_keys_and_nothing_of_the_genuine_ones(
    met: Result, version: str, tool: Callable[[str], str]
) -> None:
    program, keys = tool("tshark"), met.recording.attacker
    course = cells_of(met, version, Shown.EXPIRED)[Who.COURSE]
    theirs = read_by_tshark(program, met, keys, course.visit.port)
    assert tuple(heard.text for heard in course.read) == WORDS
    for heard in course.read:
        assert heard.who == "alice"
        assert theirs[heard.text] == frames(heard)
    genuine = cells_of(met, version, Shown.GENUINE)[Who.COURSE]
    assert genuine.read == ()
    assert read_by_tshark(program, met, keys, genuine.visit.port) == {}


def test_tshark_shows_with_the_servers_keys_what_arrived(met: Result, tool: Callable[[str], str]) -> None:
    program, recording = tool("tshark"), met.recording
    theirs = read_by_tshark(program, met, recording.server, recording.port)
    for shown in (Shown.GENUINE, Shown.EXPIRED):
        for cell in cells_of(met, TLS_1_3, shown).values():
            assert tuple(heard.text for heard in cell.got) == cell.visit.delivered
            for heard in cell.got:
                assert frames(heard) <= theirs[heard.text]
    course = cells_of(met, TLS_1_3, Shown.EXPIRED)[Who.COURSE]
    ((before, after),) = course.changed
    assert (before.text, after.text) == (WORDS[1], course.visit.delivered[1])
    assert max(frames(before)) < min(frames(after))


def test_tshark_sees_the_same_alerts_from_the_same_side(met: Result, tool: Callable[[str], str]) -> None:
    ports = [cell.visit.port for cell in met.cells]
    first: dict[int, tuple[int, int, bool]] = {}
    for frame, description, source, destination in tshark(
        tool("tshark"),
        met,
        met.recording.attacker,
        ports,
        "tls.alert_message.desc",
        *("tls.alert_message.desc", "tcp.srcport", "tcp.dstport"),
    ):
        from_client = int(destination) in ports
        port = int(destination if from_client else source)
        first.setdefault(port, (int(frame), int(description.split(",")[0]), from_client))
    ours = {
        cell.visit.port: (cell.alert.spans[0].frame, cell.alert.description, cell.alert.from_client)
        for cell in met.cells
        if cell.alert is not None
    }
    assert ours == first
    assert set(ours) == {cell.visit.port for cell in met.cells if cell.visit.shown is not Shown.GENUINE}


@pytest.mark.parametrize("side", ["near", "far"])
def test_a_connection_that_is_missing_or_there_twice(met: Result, best_reader: ReaderName, side: str) -> None:
    streams = reassemble(read_segments(met.capture, best_reader))
    visit, port = met.cells[0].visit, met.recording.port

    def read(streams: Sequence[ByteStream]) -> tuple[Cell, ...]:
        return read_cells(streams, [visit], port, {}, {})

    assert len(read(streams)) == 1
    lost = on_port(streams, visit.port if side == "near" else visit.onward)
    assert len(lost) == 2
    for wrong in ([stream for stream in streams if stream not in lost], [*streams, *lost]):
        with pytest.raises(LabError, match="does not hold every connection of the run once"):
            read(wrong)


def test_who_refuses_is_not_read_and_the_server_hears_nothing(met: Result) -> None:
    refused = [cell for cell in met.cells if cell.refused]
    assert len(refused) == 2 * 24
    for cell in refused:
        assert (cell.read, cell.got, cell.changed, cell.in_clear) == ((), (), (), 0)
        assert cell.alert is not None
        assert cell.alert.from_client


def test_all_is_whole_and_of_the_version_asked_for(met: Result) -> None:
    assert [cell.problems for cell in met.cells] == [()] * 80
    assert [cell.version for cell in met.cells] == [cell.visit.version for cell in met.cells]
    for cell in met.cells:
        spans = [*(cell.alert.spans if cell.alert else ()), *(s for heard in cell.read for s in heard.spans)]
        assert all(isinstance(span, Span) and re.fullmatch(r"frame \d+, bytes \d+-\d+", str(span)) for span in spans)
