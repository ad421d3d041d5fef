"""Exercise 12: a CA, a server certificate and its key, made by the student."""

from collections.abc import Mapping

from lab.exercises import cast
from lab.exercises.draw import Draw
from lab.exercises.e12_own_ca.truth import CA, KEY, SERVER, Truth, Wanted, judge_files
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.work import Work

# Decimal digits alone, to be read as hex: who leaves the 0x out gets another number, and no error that warns them.
_SERIAL = (10**14, 8 * 10**14 - 1)


def _serial(draw: Draw) -> str:
    return str(draw.number("serial", *_SERIAL))


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task."""
    return {"host": cast.host(draw), "serial": _serial(draw)}


def marks(_: Draw) -> tuple[bytes, ...]:
    """Return nothing: a wrong name is a mistake here that has a hint, and says nothing of whose the files are."""
    return ()


def truth(work: Work) -> Truth:
    """Look at the files that were handed in.

    Raises:
        LabError: OpenSSL cannot use them at all.
    """
    return judge_files(work, Wanted(cast.host(work.draw), int(_serial(work.draw), 16)))


EXERCISE = Exercise(
    number=12,
    name="e12_own_ca",
    steps=(
        Step("ca", 2, Kind.WORK, lambda t, _: t.ca, lambda _: "A self-signed CA that passes -x509_strict."),
        Step("server", 3, Kind.WORK, lambda t, _: t.server, lambda t: f"A certificate for {t.wanted.host}."),
        Step("serial", 1, Kind.WORK, lambda t, _: t.serial, lambda t: f"{t.wanted.serial:#x}"),
        Step("key", 2, Kind.WORK, lambda t, _: t.key, lambda _: f"The key of {SERVER}, not under a pass phrase."),
        Step("secrecy", 2, Kind.WORK, lambda t, _: t.secrecy, lambda _: f"No private key but that in {KEY}."),
    ),
    values=values,
    run=None,
    marks=marks,
    evidence=(),
    truth=truth,
    files=(CA, SERVER, KEY),
)
