"""What is read of the capture, beside what tshark reads of it."""

import subprocess
from collections.abc import Callable

import pytest

from capture.keylog import read_keylog
from capture.readers import read_segments
from capture.sources.source import Counters
from lab.errors import LabError
from lab.scenarios.tamper.changes import Tampering, Transport
from lab.scenarios.tamper.judge import Result
from lab.scenarios.tamper.read import Cell, read_cells
from lab.scenarios.tamper.run import Hops, Recording

Tshark = Callable[..., list[list[str]]]


@pytest.fixture
def tshark(tampered: Result, tool: Callable[[str], str]) -> Tshark:
    """Run tshark on the capture with its key log; return the fields it prints, a list for each frame."""

    def run(wanted: str, *fields: str, tls_port: int = 0) -> list[list[str]]:
        keylog = f"tls.keylog_file:{tampered.folder.keylog}"
        command = [tool("tshark"), "-n", "-r", str(tampered.folder.capture), "-o", keylog, "-Y", wanted, "-Tfields"]
        if tls_port:
            command += ["-d", f"tcp.port=={tls_port},tls", "-d", f"tls.port=={tls_port},data"]
        command += [argument for field in fields for argument in ("-e", field)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return [line.split("\t") for line in done.stdout.splitlines()]

    return run


def server_port(cell: Cell) -> int:
    return cell.arrived[0].stream.destination.port


def test_units_stand_where_tshark_shows_them(tampered: Result, tshark: Tshark) -> None:
    shown = {int(frame): bytes.fromhex(data) for frame, data in tshark("tcp.len > 0", "frame.number", "tcp.payload")}
    for cell in tampered.cells:
        for unit in (*cell.sent, *cell.arrived):
            headers = unit.stream.pieces[0].offset
            for span in unit.spans:
                piece = shown[span.frame][span.first - headers : span.last + 1 - headers]
                assert piece
                assert piece in unit.data
            assert sum(span.last + 1 - span.first for span in unit.spans) == len(unit.data)


@pytest.mark.parametrize("transport", [Transport.TLS_1_2, Transport.TLS_1_3])
def test_tls_as_tshark_opens_it(tampered: Result, tshark: Tshark, transport: Transport) -> None:
    cell = tampered.cell(transport, Tampering.REPLAY)
    port, alice = server_port(cell), cell.arrived[0].stream.source.port
    wanted = f"tcp.port=={port} && (tls.alert_message.level || data)"
    fields = ("frame.number", "tcp.srcport", "tcp.dstport", "tls.alert_message.desc", "data.data")
    shown = tshark(wanted, *fields, tls_port=port)
    alerts = [(int(frame), int(desc)) for frame, *ends, desc, _ in shown if desc and str(alice) in ends]
    assert alerts == [(alert.spans[0].frame, alert.description) for alert in cell.alerts]
    told = [part for _, a, b, _, data in shown if a == str(port) and b != str(alice) for part in data.split(",")]
    prefix = "alice > "
    lines = b"".join(map(bytes.fromhex, told)).decode().split("\n")
    assert [heard.text for heard in cell.read] == [x.removeprefix(prefix) for x in lines if x.startswith(prefix)]


def test_the_end_is_where_tshark_sees_it(tampered: Result, tshark: Tshark) -> None:
    fields = ("frame.number", "tcp.srcport", "tcp.dstport", "frame.len")
    ends: dict[tuple[int, int], tuple[int, int]] = {}
    for row in tshark("tcp.flags.fin==1", *fields):
        frame, source, destination, length = map(int, row)
        ends.setdefault((source, destination), (frame, length))
    for cell in tampered.cells:
        stream = cell.arrived[0].stream
        assert cell.end is not None
        frame, length = ends[stream.destination.port, stream.source.port]
        assert (cell.end.span.frame, cell.end.flag) == (frame, "FIN")
        assert cell.end.span.last < length


def test_words_need_the_key(tampered: Result) -> None:
    segments = tuple(read_segments(tampered.folder.capture, "native"))
    keys = read_keylog(tampered.folder.keylog)
    hops = {
        (cell.transport, cell.tampering): Hops(cell.sent[0].stream.destination.port, server_port(cell))
        for cell in tampered.cells
    }
    recording = Recording(hops, b"another key", Counters(0, 0))
    again = {(cell.transport, cell.tampering): cell for cell in read_cells(segments, recording, keys)}
    for cell in tampered.cells:
        other = again[cell.transport, cell.tampering]
        if cell.transport is Transport.XOR:
            assert [unit.data for unit in other.sent] == [unit.data for unit in cell.sent]
            assert all(unit.words != was.words for unit, was in zip(other.sent, cell.sent, strict=True))
            assert other.read == ()
        else:
            assert other == cell


def test_a_connection_that_was_not_captured(tampered: Result) -> None:
    cell = tampered.cell(Transport.PLAIN, Tampering.NONE)
    relay = cell.sent[0].stream.destination.port
    segments = [
        segment
        for segment in read_segments(tampered.folder.capture, "native")
        if relay not in (segment.source.port, segment.destination.port)
    ]
    recording = Recording({(cell.transport, cell.tampering): Hops(relay, server_port(cell))}, b"k", Counters(0, 0))
    with pytest.raises(LabError, match="not in the capture"):
        read_cells(segments, recording, read_keylog(tampered.folder.keylog))


def test_complaints_are_what_is_not_in_the_course_of_things(tampered: Result) -> None:
    assert [cell.complaints for cell in tampered.cells] == [()] * len(tampered.cells)
    cell = tampered.cell(Transport.PLAIN, Tampering.NONE)
    frame = cell.read[0].spans[0].frame
    said, complaint = b"alice > ", b"* broken"
    segments = [
        segment._replace(payload=segment.payload.replace(said, complaint)) if segment.frame == frame else segment
        for segment in read_segments(tampered.folder.capture, "native")
    ]
    hops = Hops(cell.sent[0].stream.destination.port, server_port(cell))
    recording = Recording({(cell.transport, cell.tampering): hops}, b"k", Counters(0, 0))
    (again,) = read_cells(segments, recording, read_keylog(tampered.folder.keylog))
    assert again.complaints == (f"* broken{cell.read[0].text}",)
    assert len(again.read) == len(cell.read) - 1
