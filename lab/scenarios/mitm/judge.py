"""The textbook's table of who accepts what, and what was measured beside it. Pure.

Knows what each of OpenSSL's verify errors means for the table. The errors themselves come from the clients; who
accepted, and what was read, changed and said in alerts, comes from the capture.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any, Final

from capture.alert import CLOSE_NOTIFY
from capture.streams import Span
from lab.overhear import Heard
from lab.scenarios.mitm.cast import Shown, Who
from lab.scenarios.mitm.openssl import Opinion
from lab.scenarios.mitm.read import Cell, Result
from lab.scenarios.mitm.run import TLS_1_3, WORDS
from lab.scenarios.shape import Claim, Judgement, Question


class Check(StrEnum):
    """What of a certificate a client looks at."""

    ISSUER = "issuer"  # does it come from a CA that I trust?
    NAME = "name"  # is it for the server that I asked for?
    DATES = "dates"  # is it valid now?
    CA_BIT = "CA bit"  # may who signed it sign at all (basicConstraints)?
    CRL = "CRL"  # has the CA taken it back?
    KEY = "key"  # is it the key that I know?
    OTHER = "other"


# X509_V_ERR_… of openssl/x509_vfy.h; invalid CA was 24 before OpenSSL 3
_CHECKS: Final = {
    **dict.fromkeys((2, 18, 19, 20, 21), Check.ISSUER),
    **dict.fromkeys((62, 64), Check.NAME),
    **dict.fromkeys((9, 10), Check.DATES),
    **dict.fromkeys((24, 79), Check.CA_BIT),
    23: Check.CRL,
}

# RFC 8446, section 6.2, and what OpenSSL makes of it: the alerts with which a client may refuse. The RFC has no alert
# for a wrong name, and one for dates, "expired or not currently valid", which OpenSSL sends for the first alone.
_UNKNOWN_CA, _BAD, _REVOKED, _EXPIRED, _UNKNOWN = 48, 42, 44, 45, 46
ALERTS: Final = {
    Check.ISSUER: {_UNKNOWN_CA},
    Check.NAME: {_BAD, _UNKNOWN},
    Check.DATES: {_EXPIRED, _BAD},
    Check.CA_BIT: {_UNKNOWN_CA, _BAD},
    Check.CRL: {_REVOKED},
    Check.KEY: {CLOSE_NOTIFY},  # TLS itself found nothing wrong, so the client just leaves
    Check.OTHER: set[int](),
}

# What refuses, in the order of Shown: genuine, self-signed, wrong name, expired, not yet valid, unknown CA, CA bit
# missing, revoked. None: nothing does. Only the strict client looks at the CRL: unasked, OpenSSL does not.
_ROWS: Final[Mapping[Who, tuple[Check | None, ...]]] = {
    Who.COURSE: (None,) * 8,
    Who.STRICT: (None, Check.ISSUER, Check.NAME, Check.DATES, Check.DATES, Check.ISSUER, Check.CA_BIT, Check.CRL),
    Who.NAMELESS: (None, Check.ISSUER, None, Check.DATES, Check.DATES, Check.ISSUER, Check.CA_BIT, None),
    Who.CREDULOUS: (None, Check.ISSUER, Check.NAME, Check.DATES, Check.DATES, None, Check.CA_BIT, None),
    Who.PINNED: (None, *(Check.KEY,) * 7),
}
TEXTBOOK: Final = {who: dict(zip(Shown, row, strict=True)) for who, row in _ROWS.items()}

_ONE_OF_THEM: Final = {
    Who.STRICT: "the strict one",
    Who.NAMELESS: "the one that skips the name",
    Who.CREDULOUS: "the one that trusts a rogue CA",
    Who.PINNED: "the one that pins the key",
}
_NOTICED: Final = {
    frozenset[Who](): "nobody",
    frozenset({Who.STRICT}): "the strict one alone",
    frozenset({Who.STRICT, Who.PINNED}): "the strict one and the one that pins the key",
    frozenset(Who) - {Who.COURSE}: "all but the one that verifies nothing",
}
QUESTIONS: Final = (
    Question(
        "name",
        "The relay has a genuine certificate, but for another name. Who of the four that check something is fooled?",
        ("nobody", *_ONE_OF_THEM.values(), "several of them"),
    ),
    Question(
        "revoked",
        "It has the server's old certificate, whose key was stolen and which was revoked. Which clients notice?",
        (*_NOTICED.values(), "others"),
    ),
    Question(
        "genuine",
        "It passes on the genuine certificate, which it has no key for. What does it read of what is then said?",
        ("nothing", "some of it", "all of it"),
    ),
)


def check_of(code: int | None) -> Check:
    """Return which check a verify error belongs to; None is the client's that compares the key itself."""
    return Check.KEY if code is None else _CHECKS.get(code, Check.OTHER)


def refused_by(cell: Cell) -> Check | None:
    """Return which check of the client has refused, by its own account, None where it accepted."""
    if cell.accepted:
        return None
    return check_of(cell.visit.refusal.code) if cell.visit.refusal is not None else Check.OTHER


def judge(result: Result) -> Judgement:
    """Compare what was measured with the textbook."""
    opinions = result.recording.opinions or {}
    return Judgement(
        claims=tuple(map(_claim, result.cells)),
        answers=_answers([cell for cell in result.cells if cell.visit.version == TLS_1_3]),
        counters=result.recording.counters,
        problems=(
            *(problem for cell in result.cells for problem in cell.problems),
            *(
                f"openssl s_client differs from the strict client on the certificate {shown}: {_said(opinion)}."
                for shown, opinion in opinions.items()
                if not _agrees(shown, opinion)
            ),
        ),
        details={
            "cells": [_figures(cell) for cell in result.cells],
            "openssl": {shown: _said(opinion) for shown, opinion in opinions.items()},
        },
    )


def _claim(cell: Cell) -> Claim:
    visit = cell.visit
    expected = TEXTBOOK[visit.who][visit.shown]
    passed_on = visit.shown is Shown.GENUINE
    if expected is not None:
        textbook = f"refused by {expected}, the client says so, nothing is read"
        says_so = cell.refused and cell.alert is not None and cell.alert.description in ALERTS[expected]
        ok = refused_by(cell) is expected and says_so and not cell.read
    else:
        textbook = f"accepted; {'nothing is read' if passed_on else 'all is read, one message changed'}"
        read = tuple(heard.text for heard in cell.read)
        got = tuple(heard.text for heard in cell.got)
        ok = cell.accepted and got == visit.delivered and not cell.in_clear
        ok = ok and (read, got) == ((), WORDS) if passed_on else ok and read == WORDS and len(cell.changed) == 1
    return Claim(
        what=f"{visit.version}, {visit.shown}, the client that {_does(visit.who)}",
        textbook=textbook,
        measured=_measured(cell),
        ok=ok and cell.version == visit.version,
        spans=_evidence(cell),
    )


def _does(who: Who) -> str:
    return "is strict" if who is Who.STRICT else who


def _measured(cell: Cell) -> str:
    if cell.accepted:
        changed = f", {len(cell.changed)} changed" if cell.changed else ""
        return f"accepted; {len(cell.read)} of {len(cell.visit.sent)} messages read{changed}"
    said = "no alert"
    if cell.alert is not None:
        side = "client" if cell.alert.from_client else "relay"
        said = f"{cell.alert.name} ({cell.alert.description}) from the {side}"
    read = f"; {len(cell.read)} messages read" if cell.read else ""
    why = cell.visit.refusal.words.rstrip(".") if cell.visit.refusal is not None else "without a reason"
    return f"refused by {refused_by(cell)} ({why}), {said}{read}"


def _evidence(cell: Cell) -> tuple[Span, ...]:
    """Return the frames that show it: the alert; or what was said, between client and relay and before the server."""
    if not cell.accepted:
        return cell.alert.spans if cell.alert is not None else ()
    return tuple(span for heard in (*cell.read, *cell.got) for span in heard.spans)


def _agrees(shown: Shown, opinion: Opinion | None) -> bool:
    """Tell whether openssl, asked after the capture, does what the textbook has of the strict client."""
    expected = TEXTBOOK[Who.STRICT][shown]
    if opinion is None or opinion.connected is not (expected is None):
        return False
    return (check_of(opinion.code) if opinion.code else None) is expected


def _said(opinion: Opinion | None) -> str:
    if opinion is None:
        return "no answer"
    return f"{'accepted' if opinion.connected else 'refused'} with {opinion.code} ({opinion.words})"


def _answers(cells: Sequence[Cell]) -> dict[str, str]:
    fooled = [
        cell.visit.who
        for cell in cells
        if cell.visit.shown is Shown.WRONG_NAME and cell.accepted and cell.visit.who in _ONE_OF_THEM
    ]
    noticed = frozenset(cell.visit.who for cell in cells if cell.visit.shown is Shown.REVOKED and cell.refused)
    genuine = [cell for cell in cells if cell.visit.shown is Shown.GENUINE]
    read, sent = sum(len(cell.read) for cell in genuine), sum(len(cell.visit.sent) for cell in genuine)
    return {
        "name": "nobody" if not fooled else _ONE_OF_THEM[fooled[0]] if len(fooled) == 1 else "several of them",
        "revoked": _NOTICED.get(noticed, "others"),
        "genuine": "nothing" if not read else "all of it" if read == sent else "some of it",
    }


def _figures(cell: Cell) -> dict[str, Any]:
    visit, alert = cell.visit, cell.alert
    return {
        "version": visit.version,
        "certificate": visit.shown,
        "client": visit.who,
        "refused_by": refused_by(cell),
        "verify_code": visit.refusal.code if visit.refusal is not None else None,
        "verify_message": visit.refusal.words if visit.refusal is not None else None,
        "alert": asdict(alert) if alert is not None else None,
        "read": [_message(heard) for heard in cell.read],
        "arrived": [_message(heard) for heard in cell.got],
    }


def _message(heard: Heard) -> dict[str, Any]:
    return {"text": heard.text, "spans": [asdict(span) for span in heard.spans]}


def same_over_both(cells: Sequence[Cell]) -> tuple[int, int]:
    """Return for how many pairs all versions of TLS gave the same outcome, and how many pairs there are."""
    outcomes = Counter((cell.visit.shown, cell.visit.who, refused_by(cell), len(cell.read)) for cell in cells)
    versions = len({cell.visit.version for cell in cells})
    pairs = {key[:2] for key in outcomes}
    return sum(count == versions for count in outcomes.values()), len(pairs)
