"""Segments and TLS records as tables for other programs: CSV, JSON lines, Parquet.

Knows the columns and the three formats; knows nothing of how a capture is read. Rows go out as they come in, so a
capture of any size needs no more memory than its reader; Parquet is written some thousand rows at a time. Records need
their streams put together first.

The columns are named as Wireshark names the fields, with "_" for ".", and are whole numbers of 64 bits where nothing
else is said. Bytes are hex in CSV and JSON lines, bytes in Parquet. No text is taken from a packet but addresses, so no
cell can be a spreadsheet's formula. A CSV file says nothing of types: a reader that guesses may take hex that happens
to have no letter in it for a number, so tell it that `tcp_payload` is text.

What `segments` has:
    frame_number: number of the frame, from 1.
    time_epoch_ns: when it was captured, nanoseconds since 1970.
    time_epoch: the same as a time in UTC, to the microsecond, which every reader of Parquet knows. In Parquet only.
    ip_src, ip_dst: addresses as text, of IPv4 or IPv6.
    tcp_srcport, tcp_dstport, tcp_seq_raw, tcp_ack_raw, tcp_flags: as in the header.
    tcp_len: bytes of payload on the wire; more than the payload has where the capture cut the frame short.
    tcp_payload: the captured bytes.
    payload_offset: bytes from the start of the frame to the first byte of payload.

What `records` has:
    tcp_stream: number of the connection, from 0.
    direction: text, "client to server" or "server to client".
    ip_src, tcp_srcport, ip_dst, tcp_dstport: sender and receiver.
    record_index: number of the record in its direction, from 0.
    tls_record_content_type: text, the outer type, as RFC 8446 names it ("application_data").
    tls_record_version: text, the version in the header ("TLS 1.2").
    tls_record_length: bytes after the header.
    stream_offset: bytes from the start of the direction's stream to the record's header.
    first_frame, first_byte, last_frame, last_byte: where its first and its last byte stand, bytes counted from 0.
"""

import codecs
import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal, get_args

from capture.errors import CaptureError, TornCaptureError
from capture.output import new_file
from capture.segment import Segment
from capture.streams import reassemble
from capture.tls import CONTENT_TYPES, VERSIONS, RecordLayer
from capture.upgrade import read_connection

What = Literal["segments", "records"]
WHATS: tuple[What, ...] = get_args(What)

Value = int | str | bytes
Row = tuple[Value, ...]

SEGMENT_COLUMNS: Final = {
    "frame_number": int,
    "time_epoch_ns": int,
    "ip_src": str,
    "tcp_srcport": int,
    "ip_dst": str,
    "tcp_dstport": int,
    "tcp_seq_raw": int,
    "tcp_ack_raw": int,
    "tcp_flags": int,
    "tcp_len": int,
    "tcp_payload": bytes,
    "payload_offset": int,
}
RECORD_COLUMNS: Final = {
    "tcp_stream": int,
    "direction": str,
    "ip_src": str,
    "tcp_srcport": int,
    "ip_dst": str,
    "tcp_dstport": int,
    "record_index": int,
    "tls_record_content_type": str,
    "tls_record_version": str,
    "tls_record_length": int,
    "stream_offset": int,
    "first_frame": int,
    "first_byte": int,
    "last_frame": int,
    "last_byte": int,
}
_ROW_GROUP = 8192  # rows of Parquet that are kept until they are written
_ROW_GROUP_BYTES = 32 << 20  # and not more bytes than these


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported.

    Attributes:
        rows: how many segments or records.
        problems: what could not be read and so is not in the file, a sentence each; empty where all is.
    """

    rows: int
    problems: tuple[str, ...]


def segment_row(segment: Segment) -> Row:
    """Return a segment's row, in the order of `SEGMENT_COLUMNS`."""
    return (
        segment.frame,
        segment.time_ns,
        segment.source.host,
        segment.source.port,
        segment.destination.host,
        segment.destination.port,
        segment.seq,
        segment.ack,
        segment.flags,
        segment.length,
        segment.payload,
        segment.offset,
    )


def record_rows(layer: RecordLayer) -> Iterator[Row]:
    """Yield the rows of a stream's records, in the order of `RECORD_COLUMNS`."""
    stream = layer.stream
    direction = "client to server" if stream.from_client else "server to client"
    for record in layer.records:
        spans = stream.locate(record.start, record.end)
        yield (
            stream.connection,
            direction,
            stream.source.host,
            stream.source.port,
            stream.destination.host,
            stream.destination.port,
            record.index,
            CONTENT_TYPES.get(record.content_type, f"type {record.content_type}"),
            VERSIONS.get(record.version, f"version 0x{record.version:04x}"),
            len(record.fragment),
            record.start,
            spans[0].frame,
            spans[0].first,
            spans[-1].frame,
            spans[-1].last,
        )


def export(segments: Iterable[Segment], target: Path, what: What = "segments") -> Exported:
    """Write the segments of a capture, or the TLS records in them, as a table; its format is the file's suffix.

    A capture that is torn is exported as far as it goes, and that it is torn is one of the problems; so are TLS streams
    that end within a record or break a rule.

    Args:
        segments: the segments, in the order of their frames; what else they raise is passed on, and nothing is written.
        target: the file to write: .csv, .jsonl or .parquet.
        what: what a row is.

    Raises:
        CaptureError: the suffix is another, the file is there already or cannot be written, there is no pyarrow for
            Parquet, or a time does not fit into it.
    """
    write = _FORMATS.get(target.suffix.lower())
    if write is None:
        msg = f"{target} has no format that the export knows: end its name in {', '.join(_FORMATS)}."
        raise CaptureError(msg)
    problems: list[str] = []
    readable = _until_torn(segments, problems)
    with new_file(target) as file:
        if what == "segments":
            rows = write(file, SEGMENT_COLUMNS, map(segment_row, readable))
        else:
            rows = write(file, RECORD_COLUMNS, _records(readable, problems))
    return Exported(rows, tuple(problems))


def _until_torn(segments: Iterable[Segment], problems: list[str]) -> Iterator[Segment]:
    try:
        yield from segments
    except TornCaptureError as torn:
        problems.append(str(torn))


def _records(segments: Iterable[Segment], problems: list[str]) -> Iterator[Row]:
    streams = reassemble(segments)
    for client, server in zip(streams[::2], streams[1::2], strict=True):
        for layer in read_connection(client, server):
            yield from record_rows(layer)
            if layer.records and layer.end != "complete":
                ends = f"{layer.stream.source} to {layer.stream.destination}"
                problems.append(f"The records from {ends} end early: {layer.reason}")


def _csv(file: IO[bytes], columns: dict[str, type], rows: Iterable[Row]) -> int:
    writer = csv.writer(codecs.getwriter("ascii")(file), lineterminator="\n")
    writer.writerow(columns)
    written = 0
    for row in rows:
        writer.writerow([value.hex() if isinstance(value, bytes) else value for value in row])
        written += 1
    return written


def _json_lines(file: IO[bytes], columns: dict[str, type], rows: Iterable[Row]) -> int:
    written = 0
    for row in rows:
        values = [value.hex() if isinstance(value, bytes) else value for value in row]
        file.write(json.dumps(dict(zip(columns, values, strict=True))).encode("ascii") + b"\n")
        written += 1
    return written


def _parquet(file: IO[bytes], columns: dict[str, type], rows: Iterable[Row]) -> int:
    try:
        import pyarrow as arrow  # noqa: PLC0415  (an extra, large and slow to import, and only Parquet needs it)
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        msg = "Parquet needs pyarrow, which is not installed: `.venv/bin/pip install pyarrow`."
        raise CaptureError(msg) from error
    types = {int: arrow.int64(), str: arrow.string(), bytes: arrow.binary()}
    fields = [arrow.field(name, types[kind], nullable=False) for name, kind in columns.items()]
    timed = "time_epoch_ns" in columns
    if timed:
        # microseconds: Spark refuses a file with a timestamp in nanoseconds (SPARK-40819); those are in time_epoch_ns
        fields.append(arrow.field("time_epoch", arrow.timestamp("us", "UTC"), nullable=False))
    schema = arrow.schema(fields)
    written = 0
    writer = parquet.ParquetWriter(file, schema, compression="zstd")
    try:
        for group in _groups(rows):
            values: list[list[Any]] = [list(column) for column in zip(*group, strict=True)]
            if timed:
                values.append([time // 1000 for time in values[list(columns).index("time_epoch_ns")]])
            try:
                arrays = [arrow.array(column, field.type) for column, field in zip(values, fields, strict=True)]
            except (OverflowError, arrow.ArrowInvalid) as error:
                msg = "The capture has a time after the year 2262, which Parquet cannot hold: export it as .csv."
                raise CaptureError(msg) from error
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
            written += len(group)
    finally:
        writer.close()
    return written


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    size = 0
    for row in rows:
        group.append(row)
        size += sum(len(value) for value in row if isinstance(value, bytes))
        if len(group) == _ROW_GROUP or size >= _ROW_GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


_FORMATS: Final[dict[str, Callable[[IO[bytes], dict[str, type], Iterable[Row]], int]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}
