"""Solves exercise 14 with tshark, from the task's text, the capture and the key log."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.exercises.solvers.tools import Mistake, asked, fields, write

_Frames = list[tuple[int, bytes]]  # frame, and what it carries
_RIGHT = r"`([a-d])`: (?:the relay ends|el relé termina)"


@dataclass(frozen=True, slots=True)
class _Chat:
    """What each side of each connection sends, by leg and side."""

    near: dict[str, Any]
    far: dict[str, Any]
    reader: dict[str, Any]


def _read(folder: Path) -> dict[bool, _Chat]:
    """The chats: that in plaintext (False), and that over TLS."""
    streams: dict[int, dict[str, Any]] = {}
    seen = set()  # the system sends some segments twice, even on loopback
    for frame, stream, source, port, seq, payload in fields(
        folder, "frame.number", "tcp.stream", "tcp.srcport", "tcp.dstport", "tcp.seq", "tcp.payload", show="tcp"
    ):
        # the first segment of a stream is the client's SYN
        one = streams.setdefault(int(stream), {"port": port, "source": source, "client": [], "server": []})
        if payload and (stream, source, seq) not in seen:
            one["client" if source == one["source"] else "server"].append((int(frame), bytes.fromhex(payload)))
            seen.add((stream, source, seq))
    ports = [one["port"] for one in streams.values()]
    chats: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for one in streams.values():
        chats[one["client"][0][1][0] == 0x16].append(one)
    found = {}
    for is_tls, three in chats.items():
        (near,) = [one for one in three if ports.count(one["port"]) == 1]
        reader, far = [one for one in three if one is not near]
        found[is_tls] = _Chat(near, far, reader)
    return found


def _data(frames: _Frames) -> bytes:
    return b"".join(data for _, data in frames)


def _frame_of(frames: _Frames, at: int) -> int:
    for frame, data in frames:
        if at < len(data):
            return frame
        at -= len(data)
    raise AssertionError(at)


def _difference(chat: _Chat) -> int:
    pairs = zip(_data(chat.near["client"]), _data(chat.far["client"]), strict=False)
    (at,) = [at for at, (a, b) in enumerate(pairs) if a != b]
    return at


def _records(data: bytes) -> list[int]:
    """Where the records of a stream begin."""
    at, found = 0, []
    while at < len(data):
        found.append(at)
        at += 5 + int.from_bytes(data[at + 3 : at + 5], "big")
    return found


def _alerts(folder: Path) -> list[int]:
    """The frames in which a bad_record_mac (20) is sent, in order: by the server, then by the relay."""
    options = ("-o", "tls.keylog_file:tls.keylog")
    shown = fields(folder, "frame.number", show="tls.alert_message.desc == 20", options=options)
    return [int(frame) for (frame,) in shown]


def _solution(folder: Path) -> dict[str, Any]:
    chats = _read(folder)
    plain, tls = chats[False], chats[True]
    sent, came = _data(plain.near["client"]), _data(plain.far["client"])
    at = _difference(plain)
    start, end = came.rindex(b"\n", 0, at) + 1, came.index(b"\n", at)
    at_tls = _difference(tls)
    begin = max(record for record in _records(_data(tls.far["client"])) if record <= at_tls)
    return {
        "arrived": came[start:end].decode(),
        "frame": _frame_of(plain.far["client"], start),
        "mask": f"{sent[at] ^ came[at]:02x}",
        "record_frame": _frame_of(tls.far["client"], begin),
        "alert_frame": _alerts(folder)[0],
        "why": asked(folder, _RIGHT),
    }


def solve(folder: Path) -> None:
    write(folder, **_solution(folder))


def _sent(folder: Path) -> str:
    plain = _read(folder)[False]
    data, at = _data(plain.near["client"]), _difference(plain)
    return data[data.rindex(b"\n", 0, at) + 1 : data.index(b"\n", at)].decode()


def _byte_sent(folder: Path, _: object) -> str:
    plain = _read(folder)[False]
    return f"{_data(plain.near['client'])[_difference(plain)]:02x}"


def _before(folder: Path, *, is_tls: bool) -> int:
    chat = _read(folder)[is_tls]
    return _frame_of(chat.near["client"], _difference(chat))


def _copy(folder: Path, right: Mapping[str, Any]) -> int:
    frames: _Frames = _read(folder)[False].reader["server"]
    return next(frame for frame, data in frames if right["arrived"].encode() in data)


def _first(is_tls: bool, leg: str, side: str) -> Mistake:
    """The first frame of one side that carries bytes."""
    return lambda folder, _: int(getattr(_read(folder)[is_tls], leg)[side][0][0])


def _letter(english: str) -> Mistake:
    return lambda folder, _: asked(folder, rf"`([a-d])`: {english}")


MISTAKES: Mapping[str, Mistake] = {
    "arrived.as_sent": lambda folder, _: _sent(folder),
    "arrived.with_name": lambda folder, right: f"{asked(folder, r'([a-z]+[0-9]+) ->')} > {right['arrived']}",
    "arrived.not_whole": lambda _, right: right["arrived"][2:],
    "frame.before_the_relay": lambda folder, _: _before(folder, is_tls=False),
    "frame.to_the_reader": _copy,
    "frame.other_chat": lambda _, right: right["record_frame"],
    "frame.other_message": _first(False, "far", "client"),
    "mask.the_byte": _byte_sent,
    "mask.bit_number": lambda _, right: str(int(right["mask"], 16).bit_length() - 1),
    "mask.binary": lambda _, right: f"{int(right['mask'], 16):08b}",
    "mask.prefix": lambda _, right: f"0x{right['mask']}",
    "record_frame.before_the_relay": lambda folder, _: _before(folder, is_tls=True),
    "record_frame.other_chat": lambda _, right: right["frame"],
    "record_frame.wrong_direction": lambda _, right: right["alert_frame"],
    "record_frame.other_record": _first(True, "far", "client"),
    "alert_frame.passed_on": lambda folder, _: _alerts(folder)[1],
    "alert_frame.other_chat": lambda _, right: right["frame"],
    "alert_frame.wrong_direction": lambda _, right: right["record_frame"],
    "alert_frame.other_record": _first(True, "far", "server"),
    "why.header_only": _letter("(?:the checksum covers|la suma solo)"),
    "why.too_short": _letter("(?:with 16 bits|con 16 bits)"),
    "why.mended": _letter("(?:TCP noticed|TCP se dio)"),
    "why.no_letter": lambda *_: "the relay",
}
