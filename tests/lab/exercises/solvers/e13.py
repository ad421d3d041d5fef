"""Solves exercise 13 with tshark: lengths and times, and no key."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.exercises.solvers.tools import Mistake, asked, fields, write


@dataclass(frozen=True)
class _Frame:
    """A frame with TLS: milliseconds after the one before and after the first, who sends it, its records."""

    delta: float
    since_start: float
    stream: int
    source: int
    lengths: tuple[int, ...]  # of application data


def _frames(folder: Path) -> list[_Frame]:
    names = ("frame.time_delta_displayed", "frame.time_relative", "tcp.stream", "tcp.srcport", "tls.record.length")
    found = []
    for delta, since, stream, source, lengths, kinds in fields(folder, *names, "tls.record.opaque_type", show="tls"):
        sealed = lengths.split(",")[-len(kinds.split(",")) :] if kinds else []
        found.append(_Frame(float(delta) * 1e3, float(since) * 1e3, int(stream), int(source), tuple(map(int, sealed))))
    return found


def _server(folder: Path) -> int:
    ((port,), *_) = fields(folder, "tcp.dstport", show="tls.handshake.type == 1")
    return int(port)


def _records(folder: Path, stream: int, *, of_client: bool) -> list[int]:
    server = _server(folder)
    return [
        length
        for frame in _frames(folder)
        if frame.stream == stream and (frame.source != server) is of_client
        for length in frame.lengths
    ]


def _messages(folder: Path) -> list[_Frame]:
    """The frames with messages of clients: those after the one with Finished and nickname."""
    server = _server(folder)
    seen: set[int] = set()
    found = []
    for frame in _frames(folder):
        if frame.source != server and frame.lengths:
            if frame.stream in seen:
                found.append(frame)
            seen.add(frame.stream)
    return found


def _asked(folder: Path) -> tuple[int, int]:
    return int(asked(folder, r"tcp\.stream == (\d+)")), int(asked(folder, r"\*\*(?:number|número) (\d+)"))


def _letter(folder: Path, size: int, *, characters: bool = False) -> str:
    """The letter of the sentence that is so long."""
    rows: list[tuple[str, str]] = re.findall(r"\| `([a-e])` \| `(.*)` \|", (folder / "task.md").read_text("utf-8"))
    (letter,) = [letter for letter, text in rows if len(text if characters else text.encode()) == size]
    return letter


def _after(folder: Path, place: int = 0) -> _Frame:
    """The message after the longest pause, or the next longest."""
    return sorted(_messages(folder), key=lambda frame: -frame.delta)[place]


def solve(folder: Path) -> None:
    stream, number = _asked(folder)
    write(
        folder,
        length=_records(folder, stream, of_client=True)[number - 1] - 18,
        pause=round(_after(folder).delta),
        speaker=_after(folder).source,
        sentence=_letter(folder, _after(folder).lengths[0] - 18),
    )


def _reply(folder: Path) -> int:
    stream, number = _asked(folder)
    return _records(folder, stream, of_client=False)[number - 1] - 18


def _other(folder: Path, right: int) -> int:
    stream, number = _asked(folder)
    others = (_records(folder, (stream + step) % 3, of_client=True)[number - 1] - 18 for step in (1, 2))
    # one that no other mistake leads to
    return next(other for other in others if other - right not in (-7, -6, 0, 1, 2, 5, 6, 16, 17, 18, 23))


def _before(folder: Path) -> int:
    messages = _messages(folder)
    return messages[messages.index(_after(folder)) - 1].source


def _listener(folder: Path, right: int) -> int:
    clients = {frame.source for frame in _messages(folder)}
    return min(clients - {right, _before(folder)})


MISTAKES: Mapping[str, Mistake] = {
    "length.one_left": lambda _, right: right["length"] + 1,
    "length.both_left": lambda _, right: right["length"] + 2,
    "length.tag_left": lambda _, right: right["length"] + 16,
    "length.nothing_taken_off": lambda _, right: right["length"] + 18,
    "length.header_counted": lambda _, right: right["length"] + 5,
    "length.old_version": lambda _, right: right["length"] + 18 - 24 - 1,
    "length.wrong_direction": lambda folder, _: _reply(folder),
    "length.wrong_stream": lambda folder, right: _other(folder, right["length"]),
    "pause.shorter": lambda folder, _: round(_after(folder, 1).delta),
    "pause.since_start": lambda folder, _: round(_after(folder).since_start),
    "pause.unit": lambda folder, _: round(_after(folder).delta * 1000),
    "speaker.server": lambda folder, _: _server(folder),
    "speaker.before": lambda folder, _: _before(folder),
    "speaker.listener": lambda folder, right: _listener(folder, right["speaker"]),
    "speaker.stream": lambda *_: 1,
    "sentence.characters": lambda folder, _: _letter(folder, _after(folder).lengths[0] - 18, characters=True),
    "sentence.newline_left": lambda folder, _: _letter(folder, _after(folder).lengths[0] - 17),
    "sentence.nothing_taken_off": lambda folder, _: _letter(folder, _after(folder).lengths[0]),
    "sentence.old_version": lambda folder, _: _letter(folder, _after(folder).lengths[0] - 25),
}
