"""Solves exercise 6 with tshark."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.lab.exercises.solvers.tools import Mistake, fields, write

_SCSV = {"0x00ff", "0x5600"}


def _streams(folder: Path) -> tuple[str, str]:
    """A connection over TLS 1.3 and one over TLS 1.2: the former has the extension in its ServerHello."""
    found = {
        bool(version): stream
        for stream, version in fields(
            folder, "tcp.stream", "tls.handshake.extensions.supported_version", show="tls.handshake.type == 2"
        )
    }
    return found[True], found[False]


def _hello(folder: Path, stream: str, field: str, kind: int = 1) -> str:
    ((value,),) = fields(folder, field, show=f"tcp.stream == {stream} && tls.handshake.type == {kind}")
    return value


def _name(folder: Path, stream: str) -> str:
    return _hello(folder, stream, "tls.handshake.extensions_server_name")


def _list(folder: Path, stream: str) -> list[str]:
    return _hello(folder, stream, "tls.handshake.ciphersuite").split(",")


def _count(folder: Path, stream: str) -> int:
    return sum(suite not in _SCSV for suite in _list(folder, stream))


def _told(folder: Path, stream: str, kind: int, what: str) -> list[str]:
    """What Wireshark names in the details of a message: "Cipher Suite: NAME (0x1234)"."""
    show = f"tcp.stream == {stream} && tls.handshake.type == {kind}"
    command = ["tshark", "-r", str(folder / "capture.pcapng"), "-Y", show, "-V"]
    details = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return re.findall(rf"{what}: (\S+) \(0x[0-9a-f]+\)", details)


def solve(folder: Path) -> None:
    newer, older = _streams(folder)
    write(
        folder,
        server=_name(folder, newer),
        version=_hello(folder, newer, "tls.handshake.extensions.supported_version", 2).removeprefix("0x"),
        offered=_count(folder, newer),
        suite=_told(folder, older, 2, "Cipher Suite")[0],
        group=_told(folder, older, 12, "Named Curve")[0],
    )


def _groups(folder: Path) -> list[str]:
    return _hello(folder, _streams(folder)[1], "tls.handshake.extensions_supported_group").split(",")


def _another_suite(folder: Path) -> str:
    older = _streams(folder)[1]
    chosen = _hello(folder, older, "tls.handshake.ciphersuite", 2)
    return next(suite for suite in _list(folder, older)[1:] if suite != chosen)


def _another_group(folder: Path) -> str:
    chosen = int(_hello(folder, _streams(folder)[1], "tls.handshake.server_named_curve", 12), 16)
    return next(group for group in _groups(folder)[1:] if int(group, 16) not in (chosen, 0x17))


MISTAKES: Mapping[str, Mistake] = {
    "server.older": lambda folder, _: _name(folder, _streams(folder)[1]),
    "server.both": lambda folder, right: f"{right['server']}, {_name(folder, _streams(folder)[1])}",
    "version.legacy": lambda folder, _: _hello(folder, _streams(folder)[0], "tls.handshake.version", 2),
    "version.in_record": lambda folder, _: _hello(folder, _streams(folder)[0], "tls.record.version"),
    "offered.signal_counted": lambda folder, _: len(_list(folder, _streams(folder)[0])),
    "offered.bytes_counted": lambda folder, _: 2 * len(_list(folder, _streams(folder)[0])),
    "offered.other_server": lambda folder, _: _count(folder, _streams(folder)[1]),
    "suite.first_offered": lambda folder, _: _list(folder, _streams(folder)[1])[0],
    "suite.offered": lambda folder, _: _another_suite(folder),
    "group.first_offered": lambda folder, _: _groups(folder)[0],
    "group.certificate_key": lambda *_: "secp256r1",
    "group.offered": lambda folder, _: _another_group(folder),
}
