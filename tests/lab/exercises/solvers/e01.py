"""Solves exercise 1 with tshark and Python's own decoding."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.exercises.solvers.tools import Mistake, asked, fields, write

_SECRET = re.compile(r"[a-z]+-[a-z]+-\d{4}")


@dataclass(frozen=True)
class _Frame:
    number: int
    stream: int
    source: str
    payload: str

    @property
    def words(self) -> str:
        return bytes.fromhex(self.payload).decode().removesuffix("\n")


def _frames(folder: Path, *, of_clients: bool) -> list[_Frame]:
    """The frames with data of one side, in order."""
    clients: dict[str, str] = {}
    found = []
    for number, stream, source, payload in fields(
        folder, "frame.number", "tcp.stream", "tcp.srcport", "tcp.payload", show="tcp"
    ):
        clients.setdefault(stream, source)  # who sends the SYN
        if payload and (source == clients[stream]) is of_clients:
            found.append(_Frame(int(number), int(stream), source, payload))
    return found


def _person(folder: Path) -> int:
    return int(asked(folder, r"\*\*(?:number|número) (\d+)")) - 1


def _said(folder: Path, person: int) -> list[_Frame]:
    """The messages of one person, the name in front not among them."""
    return [frame for frame in _frames(folder, of_clients=True) if frame.stream == person][1:]


def _asked(folder: Path) -> _Frame:
    secrets = [frame for frame in _said(folder, _person(folder)) if _SECRET.search(frame.words)]
    return secrets[int(asked(folder, r"\*\*(?:secret number|secreto número) (\d+)")) - 1]


def _name(folder: Path, person: int) -> str:
    return next(frame.words for frame in _frames(folder, of_clients=True) if frame.stream == person)


def solve(folder: Path) -> None:
    frame = _asked(folder)
    write(
        folder,
        who=_name(folder, _person(folder)),
        frame=frame.number,
        payload=frame.payload,
        words=frame.words,
    )


def _copy(folder: Path) -> _Frame:
    words = _asked(folder).words
    return next(frame for frame in _frames(folder, of_clients=False) if frame.words.endswith(f" > {words}"))


def _before(folder: Path) -> _Frame:
    """What the same person said before or after."""
    return next(frame for frame in _said(folder, _person(folder)) if frame != _asked(folder))


def _of_another(folder: Path) -> _Frame:
    return _said(folder, (_person(folder) + 1) % 3)[0]


def _without_marks(words: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", words) if letter.isascii())


MISTAKES: Mapping[str, Mistake] = {
    "who.other_person": lambda folder, _: _name(folder, (_person(folder) + 1) % 3),
    "who.separator_left": lambda _, right: f"{right['who']} >",
    "who.address": lambda folder, _: f"127.0.0.1:{_asked(folder).source}",
    "frame.server_copy": lambda folder, _: _copy(folder).number,
    "frame.other_message": lambda folder, _: _before(folder).number,
    "frame.other_person": lambda folder, _: _of_another(folder).number,
    "payload.separators_left": lambda _, right: bytes.fromhex(right["payload"]).hex(":"),
    "payload.newline_lost": lambda _, right: right["payload"][:-2],
    "payload.server_copy": lambda folder, _: _copy(folder).payload,
    "payload.decoded": lambda _, right: right["words"],
    "payload.other_message": lambda folder, _: _before(folder).payload,
    "payload.other_person": lambda folder, _: _of_another(folder).payload,
    "words.newline_left": lambda _, right: right["words"] + "\n",
    "words.name_left": lambda folder, _: _copy(folder).words,
    "words.wrong_encoding": lambda _, right: bytes.fromhex(right["payload"])[:-1].decode("latin-1"),
    "words.letters_lost": lambda _, right: _without_marks(right["words"]),
    "words.only_secret": lambda _, right: "".join(_SECRET.findall(right["words"])),
    "words.other_message": lambda folder, _: _before(folder).words,
    "words.other_person": lambda folder, _: _of_another(folder).words,
}
