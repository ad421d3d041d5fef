"""Exercise 9, solved with tshark and the stolen key, and each mistake that it knows."""

import stat

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lab.exercises.e09_stolen_key.checks import EXERCISE
from tests.lab.exercises.conftest import Make, Solve, check_mistake, judged, known_mistakes, mistakes
from tests.lab.exercises.solvers import e09


def test_solved_by_tshark_and_the_key(solved: Solve) -> None:
    assert judged(EXERCISE, solved(EXERCISE, e09)).points == EXERCISE.points


@pytest.mark.parametrize("name", e09.MISTAKES)
def test_each_mistake_is_recognised(solved: Solve, name: str) -> None:
    check_mistake(EXERCISE, e09, solved(EXERCISE, e09), name)


def test_every_hint_has_its_mistake() -> None:
    assert set(e09.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


def test_the_key_is_for_its_owner(work: Make) -> None:
    assert stat.S_IMODE((work(EXERCISE) / "server.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["another", "long", "curve", "none", "large"])
def test_any_other_key_opens_nothing_and_stops_nothing(solved: Solve, kind: str) -> None:
    folder = solved(EXERCISE, e09)
    made: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None
    if kind in ("another", "long"):
        made = rsa.generate_private_key(65537, 2048 if kind == "another" else 2056)
    elif kind == "curve":
        made = ec.generate_private_key(ec.SECP256R1())
    pem = b"no key" * (10_000 if kind == "large" else 1)
    if made is not None:
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.key").write_bytes(pem)
    assert set(mistakes(EXERCISE, folder).values()) == {"unreadable"}
