"""Solves exercise 3 with tshark."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.exercises.solvers.tools import Mistake, asked, fields, write


@dataclass(frozen=True)
class _Frame:
    number: int
    is_client: bool
    flags: int
    hellos: list[str]
    bodies: int  # encrypted records that end here

    @property
    def is_empty(self) -> bool:
        return not self.hellos and not self.bodies


def _streams(folder: Path, *, tls: bool) -> list[str]:
    """The connections with a ClientHello, or those without, in order."""
    every = dict.fromkeys(row[0] for row in fields(folder, "tcp.stream", show="tcp.flags.syn == 1"))
    greeted = {row[0] for row in fields(folder, "tcp.stream", show="tls.handshake.type == 1")}
    return [stream for stream in every if (stream in greeted) is tls]


def _frames(folder: Path, stream: str) -> list[_Frame]:
    client = None
    found = []
    for number, source, flags, hellos, bodies in fields(
        folder,
        "frame.number",
        "tcp.srcport",
        "tcp.flags",
        "tls.handshake.type",
        "tls.app_data",
        show=f"tcp.stream == {stream}",
    ):
        client = client or source
        kinds = hellos.split(",") if hellos else []
        count = len(bodies.split(",")) if bodies else 0
        found.append(_Frame(int(number), source == client, int(flags, 16), kinds, count))
    return found


def _stream(folder: Path) -> str:
    return _streams(folder, tls=True)[int(asked(folder, r"\*\*(?:number|número) (\d+)")) - 1]


def _other(folder: Path) -> str:
    return next(stream for stream in _streams(folder, tls=True) if stream != _stream(folder))


def _tcp(folder: Path, stream: str) -> str:
    return " ".join(str(frame.number) for frame in _frames(folder, stream)[:3])


def _hello(folder: Path, stream: str, kind: str) -> int:
    return next(frame.number for frame in _frames(folder, stream) if kind in frame.hellos)


def _encrypted(folder: Path, stream: str, *, of_client: bool) -> list[int]:
    """The frame of each encrypted record of one side."""
    frames = [frame for frame in _frames(folder, stream) if frame.is_client is of_client]
    return [frame.number for frame in frames for _ in range(frame.bodies)]


def _first_encrypted(folder: Path, stream: str) -> int:
    return min(_encrypted(folder, stream, of_client=side)[0] for side in (True, False))


def _letters(folder: Path, *events: str) -> str:
    told = dict(re.findall(r"- \*\*([A-F])\*\* (\S+)", (folder / "task.md").read_text("utf-8")))
    return "".join(sorted(letter for letter, event in told.items() if event in events))


_TCP = ("SYN", "SYN/ACK", "ACK")


def solve(folder: Path) -> None:
    stream = _stream(folder)
    flags = [frame.flags & 0x12 for frame in _frames(folder, stream)[:3]]
    assert flags == [0x02, 0x12, 0x10]
    (plain,) = {tuple(frame.flags & 0x12 for frame in _frames(folder, of)[:3]) for of in _streams(folder, tls=False)}
    assert list(plain) == flags
    write(
        folder,
        tcp=_tcp(folder, stream),
        client_hello=_hello(folder, stream, "1"),
        server_hello=_hello(folder, stream, "2"),
        encrypted=_first_encrypted(folder, stream),
        both=_letters(folder, *_TCP),
    )


MISTAKES: Mapping[str, Mistake] = {
    "tcp.order": lambda _, right: " ".join(reversed(right["tcp"].split())),
    "tcp.tls_counted": lambda _, right: f"{right['tcp']} {right['client_hello']}",
    "tcp.wrong_stream": lambda folder, _: _tcp(folder, _other(folder)),
    "tcp.no_tls": lambda folder, _: _tcp(folder, _streams(folder, tls=False)[0]),
    "tcp.too_few": lambda _, right: right["tcp"].rpartition(" ")[0],
    "client_hello.server_hello": lambda _, right: right["server_hello"],
    "client_hello.tcp": lambda _, right: int(right["tcp"].split()[0]),
    "client_hello.wrong_stream": lambda folder, _: _hello(folder, _other(folder), "1"),
    "server_hello.client_hello": lambda _, right: right["client_hello"],
    "server_hello.tcp": lambda _, right: int(right["tcp"].split()[1]),
    "server_hello.wrong_stream": lambda folder, _: _hello(folder, _other(folder), "2"),
    "encrypted.later": lambda folder, _: _encrypted(folder, _stream(folder), of_client=True)[-1],
    "encrypted.by_client": lambda folder, _: _encrypted(folder, _stream(folder), of_client=True)[0],
    "encrypted.in_clear": lambda _, right: right["client_hello"],
    "encrypted.tcp": lambda _, right: int(right["tcp"].split()[2]),
    "encrypted.wrong_stream": lambda folder, _: _first_encrypted(folder, _other(folder)),
    "both.too_few": lambda folder, _: _letters(folder, "SYN", "SYN/ACK"),
    "both.tls_counted": lambda folder, _: _letters(folder, *_TCP, "ClientHello", "ServerHello"),
    "both.all": lambda *_: "ABCDEF",
}
