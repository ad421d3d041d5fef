"""The verdict on a real run, and on runs in which something is not as it should be: it must turn."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from certs.authority import Identity
from certs.contexts import client_context, server_context, unverified_client_context
from certs.revocation import revocation_list
from chat.errors import ChatError
from lab.scenarios.mitm import cast as mitm_cast
from lab.scenarios.mitm import run as mitm_run
from lab.scenarios.mitm.cast import Cast, Shown, Who
from lab.scenarios.mitm.judge import (
    QUESTIONS,
    TEXTBOOK,
    Check,
    check_of,
    judge,
    refused_by,
    same_over_both,
)
from lab.scenarios.mitm.openssl import Opinion
from lab.scenarios.mitm.read import Cell, Result
from lab.scenarios.mitm.relay import terminating
from lab.scenarios.mitm.run import TLS_1_3, Refusal
from lab.scenarios.mitm.scenario import run
from lab.scenarios.relay import Peer
from lab.scenarios.shape import Judgement, Setting

MakeSetting = Callable[..., Setting]
Meetings = dict[Shown, mitm_run.Meeting]


def failed(judgement: Judgement) -> set[str]:
    """The claims that do not hold; whatever came out, each question has an answer among its options."""
    assert all(judgement.answers[question.key] in question.options for question in QUESTIONS)
    return {claim.what for claim in judgement.claims if not claim.ok}


def changed(met: Result, shown: Shown, who: Who, change: Callable[[Cell], Cell]) -> Judgement:
    """Judge a run in which one cell over TLS 1.3 is another one."""
    cells = tuple(
        change(cell) if (cell.visit.version, cell.visit.shown, cell.visit.who) == (TLS_1_3, shown, who) else cell
        for cell in met.cells
    )
    assert cells != met.cells
    return judge(replace(met, cells=cells))


def test_a_real_run_is_as_the_textbook_has_it(met: Result) -> None:
    judgement = judge(met)
    assert failed(judgement) == set()
    assert judgement.ok
    assert len(judgement.claims) == 2 * 40
    assert all(claim.spans for claim in judgement.claims)
    assert judgement.answers == {
        "name": "the one that skips the name",
        "revoked": "the strict one and the one that pins the key",
        "genuine": "nothing",
    }
    assert same_over_both(met.cells) == (40, 40)
    assert len(judgement.details["cells"]) == 80


def test_the_textbook() -> None:
    refusing = {who: sum(check is not None for check in row.values()) for who, row in TEXTBOOK.items()}
    assert refusing == {Who.COURSE: 0, Who.STRICT: 7, Who.NAMELESS: 5, Who.CREDULOUS: 5, Who.PINNED: 7}
    for who, row in TEXTBOOK.items():
        assert row[Shown.GENUINE] is None
        # each of the two lax clients differs from the strict one in its own mistake, and in the CRL
        if who in (Who.NAMELESS, Who.CREDULOUS):
            differs = {shown for shown in Shown if row[shown] is not TEXTBOOK[Who.STRICT][shown]}
            own = Shown.WRONG_NAME if who is Who.NAMELESS else Shown.UNKNOWN_CA
            assert differs == {own, Shown.REVOKED}


@pytest.mark.parametrize(
    ("code", "check"),
    [(None, Check.KEY), (9, Check.DATES), (18, Check.ISSUER), (24, Check.CA_BIT), (79, Check.CA_BIT), (1, Check.OTHER)],
)
def test_checks_are_named_by_the_verify_code(code: int | None, check: Check) -> None:
    assert check_of(code) is check


def test_an_alert_of_the_wrong_side_or_kind_or_none_is_noticed(met: Result) -> None:
    def other_side(cell: Cell) -> Cell:
        assert cell.alert is not None
        return replace(cell, alert=replace(cell.alert, from_client=False))

    def other_kind(cell: Cell) -> Cell:
        assert cell.alert is not None
        return replace(cell, alert=replace(cell.alert, description=80, name="internal_error"))

    def silent(cell: Cell) -> Cell:
        return replace(cell, alert=None)

    for change in (other_side, other_kind, silent):
        judgement = changed(met, Shown.EXPIRED, Who.STRICT, change)
        assert failed(judgement) == {"TLS 1.3, expired, the client that is strict"}
        assert not judgement.ok


def test_a_refusal_for_another_reason_is_noticed(met: Result) -> None:
    def older(cell: Cell) -> Cell:
        return replace(cell, visit=replace(cell.visit, refusal=Refusal(3, "unable to get certificate CRL")))

    judgement = changed(met, Shown.REVOKED, Who.STRICT, older)
    (claim,) = (claim for claim in judgement.claims if not claim.ok)
    assert claim.measured.startswith("refused by other (unable to get certificate CRL), certificate_revoked (44)")
    cells = tuple(older(cell) if number == 36 else cell for number, cell in enumerate(met.cells))
    assert same_over_both(cells) == (39, 40)


def test_what_was_not_read_or_read_too_much_or_in_the_clear_is_noticed(met: Result) -> None:
    read = next(cell.read for cell in met.cells if cell.read)
    for shown, change in (
        (Shown.EXPIRED, lambda cell: replace(cell, read=cell.read[:1])),
        (Shown.EXPIRED, lambda cell: replace(cell, got=cell.read)),
        (Shown.EXPIRED, lambda cell: replace(cell, in_clear=1)),
        (Shown.EXPIRED, lambda cell: replace(cell, version="TLS 1.2")),
        (Shown.GENUINE, lambda cell: replace(cell, read=read)),
        (Shown.GENUINE, lambda cell: replace(cell, got=())),
    ):
        assert failed(changed(met, shown, Who.COURSE, change)) == {
            f"TLS 1.3, {shown}, the client that verifies nothing"
        }
    leak = changed(met, Shown.REVOKED, Who.STRICT, lambda cell: replace(cell, read=read))
    assert failed(leak) == {"TLS 1.3, revoked, the client that is strict"}


def test_who_accepts_is_what_the_capture_has_and_not_what_the_client_says(met: Result) -> None:
    arrived = next(cell.got for cell in met.cells if cell.got)

    def says_no(cell: Cell) -> Cell:
        return replace(cell, visit=replace(cell.visit, refusal=Refusal(10, "certificate has expired")))

    def says_nothing(cell: Cell) -> Cell:
        return replace(cell, visit=replace(cell.visit, refusal=None))

    expected = changed(met, Shown.WRONG_NAME, Who.NAMELESS, says_no)
    assert expected.answers == judge(met).answers
    assert failed(expected) == set()
    refused = changed(met, Shown.WRONG_NAME, Who.STRICT, says_nothing)
    assert refused.answers == judge(met).answers
    (claim,) = (claim for claim in refused.claims if not claim.ok)
    assert claim.measured == "refused by other (without a reason), bad_certificate (42) from the client"
    spoke = changed(met, Shown.REVOKED, Who.STRICT, lambda cell: replace(cell, got=arrived))
    assert spoke.answers["revoked"] == "others"
    assert failed(spoke) == {"TLS 1.3, revoked, the client that is strict"}


def test_a_capture_that_is_not_whole_is_noticed(met: Result) -> None:
    judgement = changed(
        met, Shown.GENUINE, Who.STRICT, lambda cell: replace(cell, problems=("7 bytes are not in the capture.",))
    )
    assert failed(judgement) == set()
    assert not judgement.ok


@pytest.mark.parametrize(
    "opinion", [None, Opinion(0, "ok", connected=True), Opinion(10, "certificate has expired", connected=True)]
)
def test_an_openssl_that_says_something_else_is_noticed(met: Result, opinion: Opinion | None) -> None:
    said = {Shown.EXPIRED: opinion, Shown.REVOKED: Opinion(23, "certificate revoked", connected=False)}
    judgement = judge(replace(met, recording=replace(met.recording, opinions=said)))
    assert failed(judgement) == set()
    (problem,) = judgement.problems
    assert problem.startswith("openssl s_client differs from the strict client on the certificate expired: ")
    assert not judgement.ok
    assert judgement.details["openssl"][Shown.REVOKED] == "refused with 23 (certificate revoked)"


# Runs of their own, in which somebody is not who he should be.


def one_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mitm_run, "VERSIONS", {TLS_1_3: ssl.TLSVersion.TLSv1_3})


def test_the_strict_client_made_lax(make_setting: MakeSetting, monkeypatch: pytest.MonkeyPatch) -> None:
    def lax(cast: Cast) -> dict[Who, ssl.SSLContext]:
        return {**mitm_cast.client_contexts(cast), Who.STRICT: unverified_client_context()}

    one_version(monkeypatch)
    monkeypatch.setattr(mitm_run, "client_contexts", lax)
    found = run(make_setting("mitm"))
    judgement = judge(found)
    assert not judgement.ok
    assert failed(judgement) == {
        f"TLS 1.3, {shown}, the client that is strict" for shown in Shown if shown is not Shown.GENUINE
    }
    wrong = next(claim for claim in judgement.claims if claim.what == "TLS 1.3, expired, the client that is strict")
    assert wrong.measured == "accepted; 2 of 2 messages read, 1 changed"
    assert wrong.spans
    assert judgement.answers["name"] == "several of them"
    assert judgement.answers["revoked"] == "others"  # the one that pins the key is left


def test_a_relay_that_holds_the_genuine_key(make_setting: MakeSetting, monkeypatch: pytest.MonkeyPatch) -> None:
    ordinary = mitm_run._meetings

    def stolen(cast: Cast, keylog: Path) -> Meetings:
        found = ordinary(cast, keylog)
        genuine = cast.shown[Shown.GENUINE]
        near = server_context(genuine, genuine, keylog=keylog)
        change = terminating(near, client_context(cast.ca), lambda words: words.replace(mitm_run.OLD, mitm_run.NEW))
        return {**found, Shown.GENUINE: change}

    one_version(monkeypatch)
    monkeypatch.setattr(mitm_run, "_meetings", stolen)
    judgement = judge(run(make_setting("mitm")))
    # whoever has the key is the server, for each of them
    assert failed(judgement) == {
        f"TLS 1.3, genuine, the client that {'is strict' if who is Who.STRICT else who}" for who in Who
    }
    assert judgement.answers["genuine"] == "all of it"


def test_a_relay_that_changes_nothing(make_setting: MakeSetting, monkeypatch: pytest.MonkeyPatch) -> None:
    one_version(monkeypatch)
    monkeypatch.setattr(mitm_run, "NEW", mitm_run.OLD)
    found = run(make_setting("mitm"))
    fooled = [cell for cell in found.cells if cell.accepted and cell.visit.shown is not Shown.GENUINE]
    assert len(fooled) == 11
    assert all(len(cell.read) == 2 and not cell.changed for cell in fooled)
    assert sum(not claim.ok for claim in judge(found).claims) == 11


def test_a_list_that_does_not_name_the_stolen_one(make_setting: MakeSetting, monkeypatch: pytest.MonkeyPatch) -> None:
    def empty(authority: Identity, _: object, *, made: datetime, until: datetime) -> object:
        return revocation_list(authority, [], made=made, until=until)

    one_version(monkeypatch)
    monkeypatch.setattr(mitm_cast, "revocation_list", empty)
    found = run(make_setting("mitm"))
    judgement = judge(found)
    assert "TLS 1.3, revoked, the client that is strict" in failed(judgement)
    assert judgement.answers["revoked"] == "others"
    (strict,) = (c for c in found.cells if c.visit.who is Who.STRICT and c.visit.shown is Shown.REVOKED)
    assert refused_by(strict) is None


def test_a_relay_that_is_down_is_an_error_and_no_refusal(
    make_setting: MakeSetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary = mitm_run._meetings

    def broken(cast: Cast, keylog: Path) -> Meetings:
        async def hang_up(client: Peer, _: Peer) -> None:
            client.writer.transport.abort()
            await asyncio.sleep(0)

        return {**ordinary(cast, keylog), Shown.EXPIRED: hang_up}

    one_version(monkeypatch)
    monkeypatch.setattr(mitm_run, "_meetings", broken)
    with pytest.raises(ChatError, match=r"closed the connection|cannot be reached|cut off"):
        run(make_setting("mitm"))
