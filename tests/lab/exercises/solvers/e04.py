"""Solves exercise 4 with tshark, from the task's text and the capture."""

from collections.abc import Mapping
from pathlib import Path

from tests.lab.exercises.solvers.tools import Mistake, asked, fields, write

_Headers = list[tuple[int, bytes]]  # frame, and the five bytes


def _application_data(folder: Path, stream: int, *, of_client: bool) -> _Headers:
    """Every header of encrypted records that one side sends, in order."""
    client = None
    found = []
    for frame, source, sizes, payload in fields(
        folder,
        "frame.number",
        "tcp.srcport",
        "tls.record.length",
        "tcp.payload",
        show=f"tcp.stream == {stream}",
    ):
        client = client or source  # the first segment is the client's SYN
        at = 0
        for size in map(int, sizes.split(",") if sizes else ()):
            header = bytes.fromhex(payload)[at : at + 5]
            if (source == client) is of_client and header[0] == 0x17:
                found.append((int(frame), header))
            at += 5 + size
    return found


def _asked(folder: Path) -> tuple[int, int]:
    return int(asked(folder, r"tcp\.stream == (\d+)")), int(asked(folder, r"\*\*(?:number|número) (\d+)"))


def solve(folder: Path) -> None:
    stream, number = _asked(folder)
    frame, header = _application_data(folder, stream, of_client=True)[number - 1]
    write(folder, frame=frame, header=header.hex(), content_type=header[0], length=int(header[3:].hex(), 16))


def _reply(folder: Path) -> tuple[int, bytes]:
    stream, number = _asked(folder)
    return _application_data(folder, stream, of_client=False)[number - 1]


def _other(folder: Path) -> tuple[int, bytes]:
    stream, number = _asked(folder)
    return _application_data(folder, (stream + 1) % 3, of_client=True)[number - 1]


def _next(folder: Path) -> tuple[int, bytes]:
    stream, number = _asked(folder)
    return _application_data(folder, stream, of_client=True)[number]


def _first_of_body(folder: Path) -> str:
    stream, number = _asked(folder)
    frame, header = _application_data(folder, stream, of_client=True)[number - 1]
    payload = next(fields(folder, "tcp.payload", show=f"frame.number == {frame}"))[0]
    at = payload.index(header.hex())
    return payload[at : at + 14]


MISTAKES: Mapping[str, Mistake] = {
    "frame.other_record": lambda folder, _: _next(folder)[0],
    "frame.wrong_direction": lambda folder, _: _reply(folder)[0],
    "frame.wrong_stream": lambda folder, _: _other(folder)[0],
    "header.separators_left": lambda _, right: bytes.fromhex(right["header"]).hex(":"),
    "header.body_counted": lambda folder, _: _first_of_body(folder),
    "header.too_short": lambda _, right: right["header"][:8],
    "header.other_record": lambda folder, _: _next(folder)[1].hex(),
    "header.wrong_direction": lambda folder, _: _reply(folder)[1].hex(),
    "header.wrong_stream": lambda folder, _: _other(folder)[1].hex(),
    "content_type.hex_as_decimal": lambda _, right: int(f"{right['content_type']:x}"),
    "content_type.inner_type": lambda *_: 22,
    "length.header_counted": lambda _, right: right["length"] + 5,
    "length.byte_order": lambda _, right: right["length"] << 8,
    "length.other_record": lambda folder, _: int(_next(folder)[1][3:].hex(), 16),
    "length.wrong_direction": lambda folder, _: int(_reply(folder)[1][3:].hex(), 16),
    "length.wrong_stream": lambda folder, _: int(_other(folder)[1][3:].hex(), 16),
}
