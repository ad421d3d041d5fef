"""Solves exercise 9 with tshark and the stolen key."""

from collections.abc import Mapping
from pathlib import Path

from tests.lab.exercises.solvers.tools import Mistake, asked, fields, write

_KEY_SHARE = "tls.handshake.extensions_key_share"
# what each reason in the task's table is known by, in English and Spanish
_REASONS = {
    "forgotten": "only signs|solo firma",
    "longer": "longer|largas",
    "hidden": "certificate is encrypted|certificado va cifrado",
    "client_key": "of the client|del cliente",
    "other_key": "another private|otra clave",
}


def _talk(folder: Path) -> list[tuple[int, int, str]]:
    """What is said where the key opens it: from port, to port, line."""
    found = []
    options = ("-o", 'uat:rsa_keys:"server.key",""')
    names = ("tcp.srcport", "tcp.dstport", "data.data")
    for source, target, data in fields(folder, *names, show="tcp && data", options=options):
        text = bytes.fromhex(data.replace(",", "")).decode()
        found += [(int(source), int(target), line) for line in text.splitlines()]
    return found


def _messages(folder: Path) -> tuple[int, list[str]]:
    """The port of the server, and what is said to it, but for nicknames and commands."""
    talk = _talk(folder)
    port = talk[0][1]
    named: set[int] = set()
    said = []
    for source, target, line in talk:
        if target == port and source in named and not line.startswith("!"):
            said.append(line)
        named.add(source)
    return port, said


def _hellos(folder: Path, *, tls13: bool) -> list[tuple[int, str]]:
    """The servers' ports over one version, and the keys in their ServerHellos."""
    names = (
        "tcp.srcport",
        "tls.handshake.extensions.supported_version",
        "tls.handshake.extensions_key_share_key_exchange",
    )
    rows = fields(folder, *names, show="tls.handshake.type == 2")
    return [(int(port), key) for port, version, key in rows if bool(version) is tls13]


def _points(folder: Path) -> list[tuple[int, str]]:
    """The server's ports and public keys in ServerKeyExchange."""
    rows = fields(folder, "tcp.srcport", "tls.handshake.server_point", show="tls.handshake.type == 12")
    return [(int(port), point) for port, point in rows]


def _client_point(folder: Path) -> str:
    rows = fields(
        folder, "tls.handshake.client_point", show=f"tcp.dstport == {_points(folder)[0][0]} && tls.handshake.type == 16"
    )
    return next(rows)[0]


def _letter(folder: Path, reason: str) -> str:
    return asked(folder, rf"\| `([a-e])` \|[^|]*(?:{_REASONS[reason]})")


def _number(folder: Path) -> int:
    return int(asked(folder, r"\*\*(?:number|número) (\d+)"))


def solve(folder: Path) -> None:
    port, said = _messages(folder)
    write(
        folder,
        port=port,
        message=said[_number(folder) - 1],
        share=_points(folder)[0][1][:8],
        why=_letter(folder, "forgotten"),
    )


def _client_port(folder: Path) -> int:
    return _talk(folder)[0][0]


MISTAKES: Mapping[str, Mistake] = {
    "port.ecdhe": lambda folder, _: _points(folder)[0][0],
    "port.tls13": lambda folder, _: _hellos(folder, tls13=True)[0][0],
    "port.client_port": lambda folder, _: _client_port(folder),
    "message.name_left": lambda _, right: f"marta07 > {right['message']}",
    "message.wrong_number": lambda folder, _: _messages(folder)[1][_number(folder) - 2],
    "share.separators_left": lambda _, right: bytes.fromhex(right["share"]).hex(":"),
    "share.whole_key": lambda folder, _: _points(folder)[0][1],
    "share.client_key": lambda folder, _: _client_point(folder)[:8],
    "share.wrong_stream": lambda folder, _: _points(folder)[1][1][:8],
    "share.tls13": lambda folder, _: _hellos(folder, tls13=True)[0][1][:8],
    "why.longer": lambda folder, _: _letter(folder, "longer"),
    "why.other_key": lambda folder, _: _letter(folder, "other_key"),
    "why.hidden": lambda folder, _: _letter(folder, "hidden"),
    "why.client_key": lambda folder, _: _letter(folder, "client_key"),
}
