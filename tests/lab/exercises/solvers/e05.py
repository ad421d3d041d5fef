"""Solves exercise 5 with tshark's payloads and the five bytes of each header."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.exercises.solvers.tools import Mistake, asked, fields, write


@dataclass(frozen=True)
class _Segment:
    frame: int
    is_client: bool
    start: int  # in what its side sends
    data: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.data)


def _segments(folder: Path, stream: int) -> list[_Segment]:
    """The segments with data of a connection."""
    client = None
    sent = {True: 0, False: 0}
    found = []
    for frame, source, payload in fields(
        folder, "frame.number", "tcp.srcport", "tcp.payload", show=f"tcp.stream == {stream}"
    ):
        client = client or source
        if payload:
            data = bytes.fromhex(payload)
            found.append(_Segment(int(frame), source == client, sent[source == client], data))
            sent[source == client] += len(data)
    return found


def _stream(folder: Path) -> int:
    return int(asked(folder, r"tcp\.stream == (\d+)"))


def _of_client(folder: Path) -> list[_Segment]:
    return [segment for segment in _segments(folder, _stream(folder)) if segment.is_client]


def _records(folder: Path) -> list[tuple[int, int, int]]:
    """The client's records: type, and where each begins and ends in the stream."""
    data = b"".join(segment.data for segment in _of_client(folder))
    found = []
    at = 0
    while at < len(data):
        end = at + 5 + int.from_bytes(data[at + 3 : at + 5], "big")
        found.append((data[at], at, end))
        at = end
    return found


def _asked(folder: Path) -> tuple[int, int]:
    sealed = [(start, end) for kind, start, end in _records(folder) if kind == 0x17]
    return sealed[int(asked(folder, r"\*\*(?:number|número) (\d+)")) - 1]


def _over(folder: Path) -> list[_Segment]:
    """The segments that have some of the record."""
    start, end = _asked(folder)
    return [segment for segment in _of_client(folder) if segment.start < end and segment.end > start]


def solve(folder: Path) -> None:
    start, _ = _asked(folder)
    first, *_, last = _over(folder)
    write(
        folder,
        first=first.frame,
        last=last.frame,
        in_first=first.end - start,
        begin=sum(first.start <= at < first.end for _, at, _ in _records(folder)),
    )


def _reply(folder: Path) -> int:
    return next(segment.frame for segment in _segments(folder, _stream(folder)) if not segment.is_client)


def _elsewhere(folder: Path) -> int:
    return _segments(folder, (_stream(folder) + 1) % 3)[0].frame


def _before_it(folder: Path) -> int:
    return _asked(folder)[0] - _over(folder)[0].start


def _touching(folder: Path) -> int:
    first = _over(folder)[0]
    return sum(start < first.end and end > first.start for _, start, end in _records(folder))


def _only_whole(folder: Path) -> int:
    first = _over(folder)[0]
    return sum(start >= first.start and end <= first.end for _, start, end in _records(folder))


MISTAKES: Mapping[str, Mistake] = {
    "first.last": lambda _, right: right["last"],
    "first.middle": lambda folder, _: _over(folder)[1].frame,
    "first.wrong_direction": lambda folder, _: _reply(folder),
    "first.other_record": lambda folder, _: _of_client(folder)[0].frame,
    "first.wrong_stream": lambda folder, _: _elsewhere(folder),
    "last.first": lambda _, right: right["first"],
    "last.middle": lambda folder, _: _over(folder)[1].frame,
    "last.wrong_direction": lambda folder, _: _reply(folder),
    "last.other_record": lambda folder, _: _of_client(folder)[0].frame,
    "last.wrong_stream": lambda folder, _: _elsewhere(folder),
    "in_first.header_missed": lambda _, right: right["in_first"] - 5,
    "in_first.whole_segment": lambda folder, _: len(_over(folder)[0].data),
    "in_first.in_last": lambda folder, _: _asked(folder)[1] - _over(folder)[-1].start,
    "in_first.whole_record": lambda folder, _: _asked(folder)[1] - _asked(folder)[0],
    "in_first.before_it": lambda folder, _: _before_it(folder),
    "begin.touching": lambda folder, _: _touching(folder),
    "begin.only_whole": lambda folder, _: _only_whole(folder),
}
