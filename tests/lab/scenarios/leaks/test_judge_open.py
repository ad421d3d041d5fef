from dataclasses import replace

import pytest

from lab.scenarios.leaks.judge_open import judge_handshakes
from lab.scenarios.leaks.result import Handshakes
from tests.lab.scenarios.leaks.leaking import CERTIFICATE, connection, handshakes, result

GOOD = handshakes()
OLD, NEW = GOOD.tls12[0], GOOD.tls13


def failed(shakes: Handshakes) -> list[str]:
    return [c.what for c in judge_handshakes(replace(result(), handshakes=shakes)) if not c.ok]


def test_the_textbook() -> None:
    assert failed(GOOD) == []


WRONG = {
    "the server's name in the ClientHello (SNI)": [
        replace(GOOD, chat=(connection(name=None), connection())),
        replace(GOOD, chat=(connection(name=b"elsewhere"), connection())),
    ],
    "TLS 1.2: the server's certificate": [
        replace(GOOD, tls12=(replace(OLD, certificate=None), GOOD.tls12[1])),
        replace(GOOD, tls12=(connection(certificate=b"another", given=b"ticket"), GOOD.tls12[1])),
    ],
    "TLS 1.3: the server's certificate": [
        replace(GOOD, tls13=(connection(certificate=CERTIFICATE), *NEW[1:])),
        replace(GOOD, tls13=(connection(held=True), *NEW[1:])),
    ],
    "JA3: one program, 2 connections": [replace(GOOD, chat=(connection(), connection(ja3="33")))],
    "JA3: another program, openssl s_client": [replace(GOOD, openssl=connection())],
    "TLS 1.2: the ticket given in one connection, brought in the next": [
        replace(GOOD, tls12=(OLD, connection(shown=b"other!"))),
        replace(GOOD, tls12=(OLD, connection())),
        replace(GOOD, tls12=(replace(OLD, ticket_given=None), connection(shown=b"ticket"))),
    ],
    "TLS 1.3: one ticket, brought in two connections": [
        replace(GOOD, tls13=(NEW[0], NEW[1], connection(shown=b"fresh"))),
        replace(GOOD, tls13=(NEW[0], NEW[1], connection())),
    ],
}


@pytest.mark.parametrize(("what", "shakes"), [(what, one) for what, several in WRONG.items() for one in several])
def test_each_thing_that_is_otherwise_turns_its_claim_and_no_other(what: str, shakes: Handshakes) -> None:
    assert failed(shakes) == [what]


def test_without_openssl_nothing_is_claimed_of_it() -> None:
    claims = judge_handshakes(replace(result(), handshakes=replace(GOOD, openssl=None)))
    assert len(claims) == len(judge_handshakes(result())) - 1
    assert not any("openssl" in claim.what for claim in claims)
