"""Solves exercise 2 with tshark."""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.lab.exercises.solvers.tools import Mistake, asked, fields, write

# How each statement of the task is known, in English and in Spanish.
_STATEMENTS = {
    "as_they_are": "(as it was typed|tal como se escribió)",
    "random": "(look random|aleatorios)",
    "never_said": "(nobody said|nadie la dijo)",
    "safe": "(without the key|sin la clave)",
    "nothing": "(eavesdropper|espía)",
}


def _bodies(folder: Path, stream: int, *, of_client: bool) -> list[str]:
    """The bodies of the encrypted records of one side of a connection, in order."""
    client = None
    found: list[str] = []
    for source, bodies in fields(folder, "tcp.srcport", "tls.app_data", show=f"tcp.stream == {stream}"):
        client = client or source
        if bodies and (source == client) is of_client:
            found += bodies.split(",")
    return found


def _stream(folder: Path) -> int:
    return int(asked(folder, r"tcp\.stream == (\d+)"))


def _at(folder: Path) -> int:
    return int(asked(folder, r"\*\*(?:number|número) (\d+)")) - 1


def _body(folder: Path) -> bytes:
    return bytes.fromhex(_bodies(folder, _stream(folder), of_client=True)[_at(folder)])


def _message(folder: Path) -> str:
    return asked(folder, r"\n   > (.*)")


def _words(folder: Path, letter: str) -> str:
    return asked(folder, rf"\*\*{letter}\*\* `(.*?)`")


def _stands(folder: Path, letter: str) -> bool:
    return any(fields(folder, "frame.number", show=f'frame contains "{_words(folder, letter)}"'))


def _statement(folder: Path, name: str) -> int:
    return int(asked(folder, rf"\*\*(\d)\*\* .*{_STATEMENTS[name]}"))


def solve(folder: Path) -> None:
    body = _body(folder)
    write(
        folder,
        body=body.hex(),
        printable=sum(0x20 <= byte <= 0x7E for byte in body),
        stands="".join(letter for letter in "ABCD" if _stands(folder, letter)),
        proves=_statement(folder, "as_they_are"),
    )


def _letter(folder: Path, *, said: bool) -> str:
    """The letter of a secret, one that stands in the message or one that does not."""
    message = _message(folder)
    secrets = [letter for letter in "ABCD" if re.fullmatch(r"[a-z]+-[a-z]+-\d{4}", _words(folder, letter))]
    return next(letter for letter in secrets if (_words(folder, letter) in message) is said)


def _chooses(name: str) -> Mistake:
    return lambda folder, _: _statement(folder, name)


def _header(folder: Path) -> str:
    """The header of an encrypted record as long as the right one (RFC 8446, section 5.2)."""
    return f"170303{len(_body(folder)):04x}"


MISTAKES: Mapping[str, Mistake] = {
    "body.separators_left": lambda _, right: bytes.fromhex(right["body"]).hex(":"),
    "body.header_counted": lambda folder, right: _header(folder) + right["body"],
    "body.message": lambda folder, _: _message(folder).encode().hex(),
    "body.wrong_direction": lambda folder, _: _bodies(folder, _stream(folder), of_client=False)[_at(folder)],
    "body.other_record": lambda folder, _: _bodies(folder, _stream(folder), of_client=True)[_at(folder) - 1],
    "body.wrong_stream": lambda folder, _: _bodies(folder, (_stream(folder) + 1) % 3, of_client=True)[_at(folder)],
    "printable.digits_counted": lambda folder, _: 2 * len(_body(folder)),
    "printable.all_counted": lambda folder, _: len(_body(folder)),
    "printable.control_counted": lambda folder, _: sum(byte < 0x80 for byte in _body(folder)),
    "printable.marks_missed": lambda folder, _: len(re.findall(rb"[0-9A-Za-z]", _body(folder))),
    "printable.message": lambda folder, _: len(_message(folder)),
    "stands.never_said": lambda folder, right: right["stands"] + _letter(folder, said=False),
    "stands.said": lambda folder, right: right["stands"] + _letter(folder, said=True),
    "stands.host_missed": lambda *_: "-",
    "proves.random": _chooses("random"),
    "proves.never_said": _chooses("never_said"),
    "proves.safe": _chooses("safe"),
    "proves.nothing": _chooses("nothing"),
}
