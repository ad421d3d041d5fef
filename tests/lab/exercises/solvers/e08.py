"""Solves exercise 8 with tshark and the lines of the key log."""

from collections.abc import Mapping
from pathlib import Path

from tests.lab.exercises.solvers.tools import Mistake, asked, fields, write


def _stream(folder: Path) -> str:
    return asked(folder, r"tcp\.stream == (\d+)")


def _side(folder: Path) -> str:
    return asked(folder, r"\*\*(client|server)\*\*")


def _hello(folder: Path, stream: str, field: str = "random", kind: int = 1) -> str:
    show = f"tcp.stream == {stream} && tls.handshake.type == {kind}"
    ((value,),) = fields(folder, f"tls.handshake.{field}", show=show)
    return value


def _secrets(folder: Path, stream: str) -> dict[str, str]:
    """The secrets of a connection, by label."""
    random = _hello(folder, stream)
    lines = [line.split() for line in (folder / "tls.keylog").read_text().splitlines()]
    return {label: secret for label, of, secret in lines if of == random}


def _talk(folder: Path, stream: str) -> dict[str, list[str]]:
    """What each side sends in a connection, line by line."""
    said = {"client": "", "server": ""}
    for port, data in fields(
        folder,
        "tcp.dstport",
        "data.data",
        show=f"tcp.stream == {stream} && data",
        options=("-o", "tls.keylog_file:tls.keylog"),
    ):
        to_server = int(port) < 32_000  # ports of clients are above those of the lab's servers
        said["client" if to_server else "server"] += "".join(bytes.fromhex(part).decode() for part in data.split(","))
    return {side: text.splitlines() for side, text in said.items()}


def _messages(folder: Path, side: str) -> list[tuple[str, str]]:
    lines = _talk(folder, _stream(folder))
    if side == "client":
        name, *texts = lines["client"]
        return [(name, text) for text in texts]
    return [(name, text) for name, mark, text in (line.partition(" > ") for line in lines["server"]) if mark]


def solve(folder: Path) -> None:
    label = f"{_side(folder).upper()}_TRAFFIC_SECRET_0"
    who, message = _messages(folder, _side(folder))[int(asked(folder, r"(?:message number|mensaje número) (\d+)")) - 1]
    write(
        folder,
        random=_hello(folder, _stream(folder)),
        label=label,
        secret=_secrets(folder, _stream(folder))[label],
        message=message,
        who=who,
    )


def _other_side(folder: Path) -> str:
    return {"client": "server", "server": "client"}[_side(folder)]


def _other_stream(folder: Path) -> str:
    return str((int(_stream(folder)) + 1) % 4)


def _own(folder: Path, label: str) -> str:
    return _secrets(folder, _stream(folder))[label]


def _not_captured(folder: Path, label: str) -> str:
    here = {_hello(folder, str(stream)) for stream in range(4)}
    lines = [line.split() for line in (folder / "tls.keylog").read_text().splitlines()]
    return next(secret for kind, random, secret in lines if kind == label and random not in here)


def _another(folder: Path, right: str) -> str:
    return next(text for _, text in _messages(folder, _side(folder)) if text != right)


def _somebody_else(folder: Path, right: str) -> str:
    names = {name for name, _ in (*_messages(folder, "client"), *_messages(folder, "server"))}
    return min(names - {right})


MISTAKES: Mapping[str, Mistake] = {
    "random.separators_left": lambda _, right: bytes.fromhex(right["random"]).hex(":"),
    "random.server_random": lambda folder, _: _hello(folder, _stream(folder), kind=2),
    "random.session_id": lambda folder, _: _hello(folder, _stream(folder), "session_id"),
    "random.wrong_stream": lambda folder, _: _hello(folder, _other_stream(folder)),
    "label.handshake": lambda folder, _: f"{_side(folder).upper()}_HANDSHAKE_TRAFFIC_SECRET",
    "label.wrong_direction": lambda folder, _: f"{_other_side(folder).upper()}_TRAFFIC_SECRET_0",
    "label.exporter": lambda *_: "EXPORTER_SECRET",
    "label.old_label": lambda *_: "CLIENT_RANDOM",
    "secret.handshake": lambda folder, _: _own(folder, f"{_side(folder).upper()}_HANDSHAKE_TRAFFIC_SECRET"),
    "secret.wrong_direction": lambda folder, _: _own(folder, f"{_other_side(folder).upper()}_TRAFFIC_SECRET_0"),
    "secret.exporter": lambda folder, _: _own(folder, "EXPORTER_SECRET"),
    "secret.wrong_stream": lambda folder, right: _secrets(folder, _other_stream(folder))[right["label"]],
    "secret.not_captured": lambda folder, right: _not_captured(folder, right["label"]),
    "secret.random": lambda _, right: right["random"],
    "message.name_left": lambda _, right: f"{right['who']} > {right['message']}",
    "message.wrong_number": lambda folder, right: _another(folder, right["message"]),
    "message.other_side": lambda folder, _: _messages(folder, _other_side(folder))[0][1],
    "who.somebody_else": lambda folder, right: _somebody_else(folder, right["who"]),
}
