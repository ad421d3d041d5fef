"""Solves exercise 7 with tshark and openssl."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.lab.exercises.solvers.tools import Mistake, asked, fields, write


def _hellos(folder: Path, *, tls13: bool) -> list[tuple[str, int]]:
    """The connections over one version: stream, and frame of the ServerHello."""
    rows = fields(
        folder,
        "tcp.stream",
        "frame.number",
        "tls.handshake.extensions.supported_version",
        show="tls.handshake.type == 2",
    )
    found = [(int(stream), int(frame)) for stream, frame, version in rows if bool(version) is tls13]
    return [(str(stream), frame) for stream, frame in sorted(found)]


def _number(folder: Path) -> int:
    return int(asked(folder, r"\*\*(?:number|número) (\d+)"))


def _certificate(folder: Path, stream: str) -> tuple[int, str]:
    """Its frame, and what openssl says of it."""
    ((frame, der),) = fields(
        folder,
        "frame.number",
        "tls.handshake.certificate",
        show=f"tcp.stream == {stream} && tls.handshake.type == 11",
    )
    command = [
        "openssl",
        "x509",
        "-inform",
        "der",
        "-noout",
        "-serial",
        "-issuer",
        "-subject",
        "-ext",
        "subjectAltName",
    ]
    done = subprocess.run(command, input=bytes.fromhex(der), capture_output=True, check=True, timeout=60)
    return int(frame), done.stdout.decode()


def _lengths(folder: Path, stream: str) -> list[int]:
    """The lengths of the records in the frame of the ServerHello, but for change_cipher_spec."""
    ((lengths,),) = fields(folder, "tls.record.length", show=f"tcp.stream == {stream} && tls.handshake.type == 2")
    return [int(length) for length in lengths.split(",") if length != "1"]


def _server_name(folder: Path, stream: str) -> str:
    show = f"tcp.stream == {stream} && tls.handshake.type == 1"
    ((name,),) = fields(folder, "tls.handshake.extensions_server_name", show=show)
    return name


def _mine(folder: Path) -> tuple[int, str]:
    return _certificate(folder, _hellos(folder, tls13=False)[_number(folder) - 1][0])


def _told(folder: Path, what: str) -> str:
    """What openssl says in a line, "issuer=CN = …"."""
    found = re.search(rf"{what}=(?:CN ?= ?)?(.*)", _mine(folder)[1])
    assert found is not None
    return found[1]


def _names(folder: Path) -> list[str]:
    return re.findall(r"DNS:([^,\s]+)", _mine(folder)[1])


def solve(folder: Path) -> None:
    open_stream, sealed_stream = _hellos(folder, tls13=False)[0][0], _hellos(folder, tls13=True)[0][0]
    asked_for = _server_name(folder, open_stream)
    (other,) = [name for name in _names(folder) if name != asked_for]
    write(
        folder,
        frame=_mine(folder)[0],
        serial=_told(folder, "serial").lower(),
        name=other,
        hidden=max(_lengths(folder, sealed_stream)),
        sni=_server_name(folder, sealed_stream),
    )


def _other(folder: Path) -> int:
    return _certificate(folder, _hellos(folder, tls13=False)[_number(folder) % 3][0])[0]


def _hello(folder: Path) -> int:
    stream = _hellos(folder, tls13=False)[_number(folder) - 1][0]
    ((frame,),) = fields(folder, "frame.number", show=f"tcp.stream == {stream} && tls.handshake.type == 1")
    return int(frame)


def _sealed(folder: Path) -> list[int]:
    return _lengths(folder, _hellos(folder, tls13=True)[0][0])


def _open_name(folder: Path) -> str:
    return _server_name(folder, _hellos(folder, tls13=False)[0][0])


MISTAKES: Mapping[str, Mistake] = {
    "frame.client_hello": lambda folder, _: _hello(folder),
    "frame.wrong_stream": lambda folder, _: _other(folder),
    "frame.other_version": lambda folder, _: _hellos(folder, tls13=True)[0][1],
    "serial.separators_left": lambda _, right: bytes.fromhex(right["serial"]).hex(":"),
    "serial.decimal": lambda _, right: str(int(right["serial"], 16)),
    "serial.byte_order": lambda _, right: bytes.fromhex(right["serial"])[::-1].hex(),
    "name.server_name": lambda folder, _: _open_name(folder),
    "name.issuer": lambda folder, _: _told(folder, "issuer"),
    "name.subject": lambda folder, _: _told(folder, "subject"),
    "name.both": lambda folder, _: ", ".join(_names(folder)),
    "hidden.header_counted": lambda _, right: right["hidden"] + 5,
    "hidden.server_hello": lambda folder, _: _sealed(folder)[0],
    "hidden.other_record": lambda folder, _: _sealed(folder)[1],
    "hidden.other_version": lambda folder, _: max(_lengths(folder, _hellos(folder, tls13=False)[0][0])),
    "sni.other_version": lambda folder, _: _open_name(folder),
    "sni.certificate": lambda _, right: right["name"],
}
