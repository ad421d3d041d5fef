"""Exercise 11: six certificates, five of which are ill."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from capture.rights import Choice
from lab.errors import LabError
from lab.exercises import cast
from lab.exercises.draw import Draw
from lab.exercises.e11_certificate_clinic.illness import (
    HEALTHY,
    ILLNESSES,
    KINDS,
    Clinic,
    Diagnosis,
    create_clinic_authority,
    diagnose,
    infect,
)
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.verifying import certificates
from lab.exercises.work import Work

_LETTERS = "abcdef"
_CA = "ca.pem"
_FILES = tuple(f"{letter}.pem" for letter in _LETTERS)
# What is said of one that is ill but was taken for healthy: what was not asked.
_OVERLOOKED = {"time": "dates", "name": "name_not_asked", "signer": "name_of_the_ca", "purpose": "purpose_not_asked"}
_MIXED_UP = {"time": "dates", "name": "which_name", "signer": "who_signed"}
_DIGITS = 3  # of a verify error
_OLDER = {24: 79}  # invalid CA: its number in OpenSSL 1.1.1 and before
# By right and given verify error.
_CODES = {(62, 0): "name_not_asked", (26, 0): "purpose_not_asked", (79, 20): "chain_not_given"}

Truth = Mapping[str, Diagnosis]  # by letter


def _drawn(draw: Draw) -> tuple[str, ...]:
    """Return what is in each file: an illness of each kind and one more, and a healthy one."""
    some = [draw.choice(kind, KINDS[kind]) for kind in ("time", "name", "purpose")]
    some.append("issuer_no_ca")  # the one that is found only by who looks at the whole chain
    some.append(draw.choice("one more", [illness for illness in ILLNESSES if illness not in some]))
    return draw.shuffled("order", [*some, HEALTHY])


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    return {"host": cast.host(draw)}


def run(draw: Draw, folder: Path, _: Choice) -> None:
    """Make the certificates; nobody keeps the keys."""
    now = datetime.now(UTC).replace(microsecond=0)
    host = cast.host(draw)
    authority = create_clinic_authority(f"{cast.secret(draw, 'ca')} CA", now)
    other = draw.choice("other name", (f"www.{host}", f"{host}.example", host.replace("-", "", 1)))
    clinic = Clinic(authority, host, other, now)
    files = {_CA: authority.certificate_pem}
    for number, (name, illness) in enumerate(zip(_FILES, _drawn(draw), strict=True)):
        serial = int.from_bytes(draw.bytes(f"serial {number}", 8), "big") | 1
        files[name] = b"".join(identity.certificate_pem for identity in infect(illness, clinic, serial))
    for name, data in files.items():
        (folder / name).write_bytes(data)


def truth(work: Work) -> Truth:
    """Ask the lab's client about every file.

    Raises:
        LabError: a file holds no certificate, one that is ill in another way, or one that the run has not made: who
            makes six healthy ones has examined nothing.
    """
    ca, host = certificates(work.read(_CA), _CA)[0], cast.host(work.draw)
    chains = {letter: certificates(work.read(name), name) for letter, name in zip(_LETTERS, _FILES, strict=True)}
    found = {letter: diagnose(ca, chain, host) for letter, chain in chains.items()}
    if sorted(diagnosis.illness for diagnosis in found.values()) != sorted(_drawn(work.draw)):
        raise LabError("These are not the six certificates that the run has made.")
    return found


def _illness(letter: str) -> Callable[[Truth, str], str]:
    def mistake(truth: Truth, answer: str) -> str:
        right, word = truth[letter].illness, answer.strip().lower()
        if word == right:
            return ""
        if word not in (*ILLNESSES, HEALTHY):
            return "not_a_word"
        if right == HEALTHY:
            return "nothing_wrong"
        kind = next(kind for kind, illnesses in KINDS.items() if right in illnesses)
        if word == HEALTHY:
            return _OVERLOOKED[kind]
        return _MIXED_UP[kind] if word in KINDS[kind] else "another"

    return mistake


def _codes(truth: Truth, answer: str) -> str:
    right = [diagnosis.code for diagnosis in truth.values()]
    given = re.findall(r"\d+", answer)
    if len(given) != len(right) or max(map(len, given)) > _DIGITS or re.search(r"[^\d\s,;]", answer):
        return "six_numbers"
    numbers = [_OLDER.get(int(number), int(number)) for number in given]
    if numbers == right:
        return ""
    if sorted(numbers) == sorted(right):
        return "order"
    first = next(pair for pair in zip(right, numbers, strict=True) if pair[0] != pair[1])
    return _CODES.get(first, "another")


def _in(letter: str) -> Callable[[Truth], str]:
    return lambda truth: f"{truth[letter].illness} ({letter}.pem)"


EXERCISE = Exercise(
    number=11,
    name="e11_certificate_clinic",
    steps=(
        *(Step(letter, 1, Kind.TEXT, _illness(letter), _in(letter)) for letter in _LETTERS),
        Step("codes", 4, Kind.TEXT, _codes, lambda t: " ".join(str(d.code) for d in t.values())),
    ),
    values=values,
    run=run,
    marks=cast.marks_of_host,
    evidence=(_CA, *_FILES),
    truth=truth,
    files=(_CA, *_FILES),
)
