"""Solves exercise 11 with openssl, from the task's text and the files."""

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.lab.exercises.solvers.tools import Mistake, asked, write

_LETTERS = "abcdef"
_WORDS = {
    "certificate has expired": "expired",
    "certificate is not yet valid": "not_yet_valid",
    "self-signed certificate": "self_signed",
    "self signed certificate": "self_signed",
    "unable to get local issuer certificate": "other_ca",
    "invalid CA certificate": "issuer_no_ca",
    "unsupported certificate purpose": "wrong_purpose",
    "unsuitable certificate purpose": "wrong_purpose",
}
_ALL = ("-x509_strict", "-purpose", "sslserver", "-verify_hostname", "HOST", "-CAfile", "ca.pem")


def _openssl(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["openssl", *words], cwd=folder, capture_output=True, check=False, text=True, errors="replace", timeout=60
    )
    return done.stdout + done.stderr


def _verify(folder: Path, letter: str, options: tuple[str, ...] = _ALL, *, chain: bool = True) -> tuple[int, str]:
    """The number and the words of openssl's error; 0 and "" where it has none."""
    host = asked(folder, r"`([a-z0-9-]+\.test)`")
    name = f"{letter}.pem"
    given = ("-untrusted", name) if chain else ()
    said = _openssl(folder, "verify", *(host if word == "HOST" else word for word in options), *given, name)
    found = re.search(r"error (\d+) at \d+ depth lookup: (.*)", said)
    return (int(found[1]), found[2].strip()) if found else (0, "")


def _illness(folder: Path, letter: str) -> str:
    code, words = _verify(folder, letter)
    if code == 62:
        return (
            "wrong_name" if "DNS:" in _openssl(folder, "x509", "-in", f"{letter}.pem", "-noout", "-text") else "no_san"
        )
    return _WORDS[words] if code else "healthy"


def _codes(folder: Path) -> str:
    return " ".join(str(_verify(folder, letter)[0]) for letter in _LETTERS)


def solve(folder: Path) -> None:
    write(folder, **{letter: _illness(folder, letter) for letter in _LETTERS}, codes=_codes(folder))


def _first(*illnesses: str) -> Callable[[Path, Mapping[str, Any]], dict[str, Any]]:
    """What puts a certificate with one of these illnesses into a.pem, so that a mistake can be made there."""

    def swap(folder: Path, right: Mapping[str, Any]) -> dict[str, Any]:
        letter = next(letter for letter in _LETTERS if right[letter] in illnesses)
        first, other = folder / "a.pem", folder / f"{letter}.pem"
        data = first.read_bytes()
        first.write_bytes(other.read_bytes())
        other.write_bytes(data)
        return {**right, "a": right[letter], letter: right["a"], "codes": _codes(folder)}

    return swap


def _taken_for(word: str, *illnesses: str) -> Mistake:
    def mistake(folder: Path, right: Mapping[str, Any]) -> None:
        write(folder, **{**_first(*illnesses)(folder, right), "a": word})

    return mistake


def _asked_less(illnesses: tuple[str, ...], options: tuple[str, ...] = _ALL, *, chain: bool = True) -> Mistake:
    """What openssl says of a.pem where it is asked for less."""

    def mistake(folder: Path, right: Mapping[str, Any]) -> None:
        answers = _first(*illnesses)(folder, right)
        codes = [str(_verify(folder, "a", options, chain=chain)[0]), *answers["codes"].split()[1:]]
        write(folder, **{**answers, "codes": " ".join(codes)})

    return mistake


_NAMES, _TIMES = ("wrong_name", "no_san"), ("expired", "not_yet_valid")


def _other_name(folder: Path, right: Mapping[str, Any]) -> None:
    answers = _first(*_NAMES)(folder, right)
    write(folder, **{**answers, "a": next(word for word in _NAMES if word != answers["a"])})


MISTAKES: Mapping[str, Mistake] = {
    "a.not_a_word": lambda *_: "ill",
    "a.nothing_wrong": _taken_for("expired", "healthy"),
    "a.name_not_asked": _taken_for("healthy", *_NAMES),
    "a.purpose_not_asked": _taken_for("healthy", "wrong_purpose"),
    "a.dates": _taken_for("healthy", *_TIMES),
    "a.name_of_the_ca": _taken_for("healthy", "issuer_no_ca"),
    "a.which_name": _other_name,
    "a.who_signed": _taken_for("other_ca", "issuer_no_ca"),
    "a.another": _taken_for("expired", *_NAMES),
    "codes.six_numbers": lambda _, right: right["codes"].removeprefix(right["codes"].split()[0]),
    "codes.order": lambda _, right: " ".join(reversed(right["codes"].split())),
    "codes.name_not_asked": _asked_less(_NAMES, (*_ALL[:3], *_ALL[5:])),
    "codes.purpose_not_asked": _asked_less(("wrong_purpose",), (_ALL[0], *_ALL[3:])),
    "codes.chain_not_given": _asked_less(("issuer_no_ca",), chain=False),
    "codes.another": lambda _, right: " ".join(["99", *right["codes"].split()[1:]]),
}
