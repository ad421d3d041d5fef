"""Tables of captures: DuckDB reads them, tshark says what must be in them."""

import csv
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from capture.errors import CaptureError
from capture.export import (
    RECORD_COLUMNS,
    SEGMENT_COLUMNS,
    WHATS,
    What,
    export,
    record_rows,
    segment_row,
)
from capture.readers import read_segments
from capture.segment import ACK, PSH, Endpoint, Segment
from capture.streams import reassemble
from capture.tls import CONTENT_TYPES, VERSIONS, read_records

DATA = Path(__file__).parent.parent / "data"
FORMATS = (".csv", ".jsonl", ".parquet")
CAPTURES = ("tls13.pcapng", "ipv6.pcapng", "cut-short.pcap")
SOURCE = {
    ".csv": "read_csv('{}')",
    ".jsonl": "read_json('{}', format = 'newline_delimited')",
    ".parquet": "read_parquet('{}')",
}
DUCKDB_TYPES = {int: "BIGINT", str: "VARCHAR", bytes: "VARCHAR"}

Row = tuple[Any, ...]

pytestmark = pytest.mark.usefixtures("nothing_left")


def segments(name: str) -> list[Segment]:
    return list(read_segments(DATA / name, "native"))


def query(path: Path, sql: str) -> list[Row]:
    """Ask DuckDB; "it" is the file."""
    with duckdb.connect() as connection:
        return connection.execute(sql.replace(" it", " " + SOURCE[path.suffix].format(path))).fetchall()


def write(tmp_path: Path, name: str, suffix: str, what: What) -> Path:
    path = tmp_path / f"{name}-{what}{suffix}"
    assert export(segments(name), path, what).problems == ()
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_types(suffix: str, tmp_path: Path) -> None:
    for what, columns in (("segments", SEGMENT_COLUMNS), ("records", RECORD_COLUMNS)):
        path = write(tmp_path, "tls13.pcapng", suffix, what)  # type: ignore[arg-type]
        wanted = {name: DUCKDB_TYPES[kind] for name, kind in columns.items()}
        if suffix == ".parquet" and what == "segments":
            wanted |= {"tcp_payload": "BLOB", "time_epoch": "TIMESTAMP WITH TIME ZONE"}
        assert {row[0]: row[1] for row in query(path, "DESCRIBE SELECT * FROM it")} == wanted


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", CAPTURES)
def test_the_rows_are_the_segments(name: str, suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path, name, suffix, "segments")
    as_hex = "hex(tcp_payload)" if suffix == ".parquet" else "coalesce(tcp_payload, '')"
    columns = ", ".join(SEGMENT_COLUMNS).replace("tcp_payload", f"lower({as_hex})")
    rows = query(path, "SELECT columns FROM it".replace("columns", columns))
    wanted = [
        tuple(value.hex() if isinstance(value, bytes) else value for value in segment_row(segment))
        for segment in segments(name)
    ]
    assert rows == wanted != []


@pytest.mark.parametrize("suffix", FORMATS)
def test_sums_are_those_of_tshark(suffix: str, tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    path = write(tmp_path, "tls13.pcapng", suffix, "segments")
    by_port: dict[int, list[int]] = {}
    for line in tshark(DATA / "tls13.pcapng", "-Ytcp", "-Tfields", "-etcp.srcport", "-etcp.len"):
        port, length = map(int, line.split("\t"))
        by_port.setdefault(port, []).append(length)
    found = query(path, "SELECT tcp_srcport, sum(tcp_len)::BIGINT, count(*) FROM it GROUP BY 1 ORDER BY 1")
    assert found == [(port, sum(lengths), len(lengths)) for port, lengths in sorted(by_port.items())]
    times = tshark(DATA / "tls13.pcapng", "-Ytcp", "-Tfields", "-eframe.number", "-eframe.time_epoch")
    exact = [(int(number), int(time.replace(".", ""))) for number, time in (line.split("\t") for line in times)]
    assert query(path, "SELECT frame_number, time_epoch_ns FROM it ORDER BY 1") == exact


@pytest.mark.parametrize("suffix", FORMATS)
def test_records_are_those_of_tshark(suffix: str, tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    path = write(tmp_path, "tls13.pcapng", suffix, "records")
    fields = ("tls.record.content_type", "tls.record.opaque_type", "tls.record.length", "tls.record.version")
    said: list[Row] = []
    for line in tshark(DATA / "tls13.pcapng", "-Ytls", "-Tfields", *(f"-e{f}" for f in ("tcp.srcport", *fields))):
        port, outer, opaque, lengths, versions = line.split("\t")
        kinds = [int(kind) for kind in f"{outer},{opaque}".split(",") if kind]
        assert len(kinds) == len(lengths.split(","))
        said += [
            (int(port), int(length), VERSIONS[int(version, 16)])
            for length, version in zip(lengths.split(","), versions.split(","), strict=True)
        ]
    found = query(path, "SELECT tcp_srcport, tls_record_length, tls_record_version FROM it")
    assert sorted(found) == sorted(said) != []


def test_where_a_record_stands(tmp_path: Path) -> None:
    """Its first and last byte, against the bytes of the frames themselves."""
    path = write(tmp_path, "tls13.pcapng", ".parquet", "records")
    payloads = {segment.frame: (segment.offset, segment.payload) for segment in segments("tls13.pcapng")}
    columns = "tls_record_content_type, tls_record_length, first_frame, first_byte, last_frame, last_byte"
    for kind, length, first, at, last, end in query(path, "SELECT columns FROM it".replace("columns", columns)):
        offset, payload = payloads[first]
        assert CONTENT_TYPES[payload[at - offset]] == kind
        assert int.from_bytes(payload[at - offset + 3 : at - offset + 5], "big") == length
        if first == last:
            assert end - at == length + 4
        else:
            assert end - payloads[last][0] < len(payloads[last][1])
    streams = reassemble(segments("tls13.pcapng"))
    wanted = [row for stream in streams for row in record_rows(read_records(stream))]
    assert query(path, "SELECT * FROM it") == wanted
    directions = query(path, "SELECT direction, min(record_index), max(record_index) + 1 - count(*) FROM it GROUP BY 1")
    assert sorted(directions) == [("client to server", 0, 0), ("server to client", 0, 0)]


def test_the_time_column_of_parquet(tmp_path: Path) -> None:
    path = write(tmp_path, "tls13.pcapng", ".parquet", "segments")
    for text, time_ns in query(
        path, "SELECT strftime(time_epoch AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%f'), time_epoch_ns FROM it"
    ):
        whole = datetime.fromtimestamp(time_ns // 10**9, UTC)
        assert text == f"{whole:%Y-%m-%d %H:%M:%S}.{time_ns // 1000 % 10**6:06}"
    assert query(path, "SELECT bool_and(epoch_us(time_epoch) = time_epoch_ns // 1000) FROM it") == [(True,)]


@pytest.mark.parametrize("what", WHATS)
def test_the_formats_agree(what: What, tmp_path: Path) -> None:
    by_csv, by_json = (write(tmp_path, "tls13.pcapng", suffix, what) for suffix in (".csv", ".jsonl"))
    with by_csv.open(newline="") as file:
        rows = list(csv.DictReader(file))
    objects = [json.loads(line) for line in by_json.read_text("ascii").splitlines()]
    assert rows == [{name: str(value) for name, value in each.items()} for each in objects]
    assert set(rows[0]) == set(SEGMENT_COLUMNS if what == "segments" else RECORD_COLUMNS)


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    """Whatever was sent, no cell of any capture here begins as a spreadsheet's formula does."""
    captures = [path for path in DATA.iterdir() if path.suffix in (".pcap", ".pcapng")]
    for path in captures:
        for what in WHATS:
            out = tmp_path / f"{path.name}-{what}.csv"
            export(read_segments(path, "native"), out, what)
            with out.open(newline="") as file:
                cells = [cell for row in csv.reader(file) for cell in row]
            assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    names = [*SEGMENT_COLUMNS, *RECORD_COLUMNS, *CONTENT_TYPES.values(), *VERSIONS.values()]
    assert all(name[0].isalpha() for name in names)


def test_a_capture_without_segments(tmp_path: Path) -> None:
    for suffix in FORMATS:
        for what in WHATS:
            path = tmp_path / f"{what}{suffix}"
            assert export([], path, what).rows == 0
            assert path.exists()
            if suffix != ".jsonl":
                assert query(path, "SELECT count(*) FROM it") == [(0,)]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_torn_capture_is_exported_as_far_as_it_goes(suffix: str, tmp_path: Path) -> None:
    torn, path = tmp_path / "torn.pcapng", tmp_path / f"out{suffix}"
    torn.write_bytes((DATA / "tls13.pcapng").read_bytes()[:-1001])
    done = export(read_segments(torn, "native"), path)
    assert len(done.problems) == 1
    assert "torn.pcapng is torn" in done.problems[0]
    assert 0 < done.rows < len(segments("tls13.pcapng"))
    assert query(path, "SELECT count(*) FROM it") == [(done.rows,)]


def test_records_that_end_early_are_said(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    lost = [segment.frame for segment in segments("tls13.pcapng") if segment.length][5]
    done = export((s for s in segments("tls13.pcapng") if s.frame != lost), path, "records")
    assert len(done.problems) == 1
    assert "bytes were not captured" in done.problems[0]
    assert done.rows == query(path, "SELECT count(*) FROM it")[0][0] > 0
    plain = export(segments("plain.pcapng"), tmp_path / "plain.csv", "records")
    assert (plain.rows, plain.problems) == (0, ()), "what is no TLS is no damage"


def test_records_after_words_in_the_clear(tmp_path: Path) -> None:
    path = write(tmp_path, "foreign-starttls.pcapng", ".csv", "records")
    first = query(path, "SELECT direction, first_frame, stream_offset FROM it WHERE record_index = 0 ORDER BY 1")
    assert first == [("client to server", 13, 33), ("server to client", 14, 58)]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_leaves_nothing(
    suffix: str, tmp_path: Path, small_files: Callable[[int], AbstractContextManager[None]]
) -> None:
    path = tmp_path / f"out{suffix}"
    for many in (1, 40):
        rows = [segment for segment in segments("tls13.pcapng") for _ in range(many)]
        with (
            small_files(1500),
            pytest.raises(CaptureError, match=r"out.* cannot be written: .*; nothing is left of it"),
        ):
            export(iter(rows), path)
        assert not list(tmp_path.iterdir())


def test_an_error_of_the_reader_is_passed_on(tmp_path: Path) -> None:
    def fail() -> Iterator[Segment]:
        yield segments("tls13.pcapng")[0]
        msg = "The reader broke."
        raise CaptureError(msg)

    for suffix in FORMATS:
        with pytest.raises(CaptureError, match="The reader broke"):
            export(fail(), tmp_path / f"out{suffix}")
    assert not list(tmp_path.iterdir())


def test_names_that_say_no_format(tmp_path: Path) -> None:
    for name in ("out", "out.xls", "out.csv.gz"):
        with pytest.raises(CaptureError, match=r"end its name in \.csv, \.jsonl, \.parquet"):
            export([], tmp_path / name)
    assert export([], tmp_path / "OUT.CSV").rows == 0
    with pytest.raises(CaptureError, match="is there already"):
        export([], tmp_path / "OUT.CSV")


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CaptureError, match=r"\.venv/bin/pip install pyarrow"):
        export(segments("tls13.pcapng"), tmp_path / "out.parquet")
    assert not list(tmp_path.iterdir())
    assert export(segments("tls13.pcapng"), tmp_path / "out.csv").rows


def test_pyarrow_is_imported_for_parquet_only() -> None:
    code = (
        "import sys; from pathlib import Path; from capture.export import export; "
        "[export([], Path(name)) for name in sys.argv[1:]]; print('pyarrow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=DATA.parent.parent, capture_output=True, check=True, timeout=60
    )
    assert done.stdout == b"False\n"


def made(number: int, time_ns: int = 5) -> Segment:
    """The segment of a large capture."""
    ends = Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 12345)
    return Segment(number, time_ns, *ends, number * 1000 % 2**32, 0, PSH | ACK, 1000, bytes(1000), 66)


def test_a_time_that_does_not_fit(tmp_path: Path) -> None:
    late = made(1, 2**63)
    with pytest.raises(CaptureError, match=r"a time after the year 2262.*export it as \.csv\."):
        export([late], tmp_path / "out.parquet")
    assert not list(tmp_path.iterdir())
    export([late], tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[1].split(",")[1] == str(2**63)


@pytest.mark.parametrize("suffix", FORMATS)
def test_memory_stays_flat(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Megabytes of payload pass; held are a row of them, or in Parquet a row group or two."""
    monkeypatch.setattr("capture.export._ROW_GROUP", 500)
    peaks = []
    export([made(1)], tmp_path / f"first{suffix}")  # what is imported stays
    for many in (2000, 6000):
        tracemalloc.start()
        export(map(made, range(many)), tmp_path / f"{many}{suffix}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2
    assert peaks[1] < 2 << 20


def test_hex_without_a_letter(tmp_path: Path) -> None:
    """Numbers by their looks, for who guesses; in CSV the reader has to be told, as the module says."""
    digits = made(1)._replace(payload=b"\x12\x34", length=2)
    for suffix in FORMATS:
        path = tmp_path / f"out{suffix}"
        export([digits], path)
    told = SOURCE[".csv"].replace(")", ", types = {{'tcp_payload': 'VARCHAR'}})").format(tmp_path / "out.csv")
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT tcp_payload FROM {told}").fetchall() == [("1234",)]  # noqa: S608
    assert query(tmp_path / "out.parquet", "SELECT tcp_payload FROM it") == [(b"\x12\x34",)]
    assert json.loads((tmp_path / "out.jsonl").read_text())["tcp_payload"] == "1234"


def test_large_payloads_make_small_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.export._ROW_GROUP_BYTES", 10_000)
    path = tmp_path / "out.parquet"
    export(map(made, range(95)), path)
    with duckdb.connect() as connection:
        sql = "SELECT count(DISTINCT row_group_id) FROM parquet_metadata(?)"
        assert connection.execute(sql, [str(path)]).fetchall() == [(10,)]
    assert query(path, "SELECT count(*), sum(octet_length(tcp_payload)) FROM it") == [(95, 95_000)]
