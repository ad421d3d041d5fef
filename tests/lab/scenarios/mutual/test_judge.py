"""Each claim turns where what was captured is not what the textbook has."""

from dataclasses import replace

import pytest

from capture.sources.source import Counters
from capture.streams import Span
from lab.scenarios.mutual.cast import ALICE, BOB, GUEST, MALLORY, STRANGER, THIEF
from lab.scenarios.mutual.judge import Chat, Result, judge, outcome
from lab.scenarios.mutual.seen import Said, Seen

SPAN = (Span(1, 66, 70),)


def with_other(chat: Chat, who: str, **fields: object) -> Chat:
    """The chat, with something else seen of somebody."""
    seen = tuple(replace(one, **fields) if one.person.who == who else one for one in chat.seen)  # type: ignore[arg-type]
    return replace(chat, seen=seen)


def wrong(result: Result, number: int, chat: Chat) -> list[str]:
    """What does not come out as the textbook has it, with one of the chats replaced."""
    chats = tuple(chat if at == number else other for at, other in enumerate(result.chats))
    judgement = judge(replace(result, chats=chats))
    assert not judgement.ok
    return [claim.what for claim in judgement.claims if not claim.ok]


def test_what_was_captured_is_ok(mutual_asked: Result) -> None:
    judgement = judge(mutual_asked)
    assert judgement.ok
    assert len(judgement.claims) == 20
    for claim in judgement.claims:
        assert bool(claim.spans) is (claim.measured != "nowhere")
    assert not judge(replace(mutual_asked, counters=Counters(9, 1))).ok


@pytest.mark.parametrize("who", [STRANGER, GUEST, THIEF])
def test_another_alert_is_another_reason(mutual_asked: Result, who: str) -> None:
    for number, chat in enumerate(mutual_asked.chats):
        alert = chat.of(who).alert
        assert alert is not None
        for other in (replace(alert, name="internal_error"), replace(alert, encrypted=not alert.encrypted), None):
            assert wrong(mutual_asked, number, with_other(chat, who, alert=other)) == [f"{who}, {chat.version}"]


def test_who_is_let_in_or_not(mutual_asked: Result) -> None:
    chat = mutual_asked.chats[1]
    welcome = Said("* welcome, alice. 1 here: alice", SPAN)
    for who in (MALLORY, STRANGER, GUEST, THIEF):
        assert wrong(mutual_asked, 1, with_other(chat, who, answer=welcome)) == [f"{who}, TLS 1.3"]
    for who in (ALICE, BOB):
        assert wrong(mutual_asked, 1, with_other(chat, who, answer=None)) == [f"{who}, TLS 1.3"]
    taken = Said("* name refused: The name alice is taken, or looks like one that is: choose another one.", SPAN)
    assert wrong(mutual_asked, 1, with_other(chat, MALLORY, answer=taken)) == ["mallory, TLS 1.3"]
    assert outcome(with_other(chat, MALLORY, answer=Said("* hi", SPAN)).of(MALLORY)) == "told: * hi"
    assert outcome(with_other(chat, MALLORY, answer=None).of(MALLORY)) == "nothing that can be read"


def test_where_certificates_are_seen(mutual_asked: Result) -> None:
    tls12, tls13 = mutual_asked.chats
    alices = tls12.of(ALICE).in_clear
    without = "clients' certificates without keys"
    assert wrong(mutual_asked, 0, with_other(tls12, BOB, in_clear=None)) == [f"{without}, TLS 1.2"]
    assert wrong(mutual_asked, 0, with_other(tls12, BOB, found=())) == [f"{without}, TLS 1.2"]
    assert wrong(mutual_asked, 1, with_other(tls13, BOB, in_clear=alices)) == [f"{without}, TLS 1.3"]
    assert wrong(mutual_asked, 1, with_other(tls13, BOB, found=(SPAN,))) == [f"{without}, TLS 1.3"]
    hidden = wrong(mutual_asked, 1, with_other(tls13, BOB, with_keys=None))
    assert hidden == [f"{without}, TLS 1.3", "clients' certificates with the key log, TLS 1.3"]


def test_a_thief_with_another_certificate_is_none(mutual_asked: Result) -> None:
    chat = mutual_asked.chats[1]
    stranger: Seen = chat.of(STRANGER)
    found = wrong(mutual_asked, 1, with_other(chat, THIEF, with_keys=stranger.with_keys))
    assert found == ["the thief's certificate, TLS 1.3", "clients' certificates with the key log, TLS 1.3"]


def test_words_that_were_not_read_and_problems(mutual_asked: Result) -> None:
    chat = mutual_asked.chats[1]
    findings = (replace(chat.verdict.findings[0], heard=None), *chat.verdict.findings[1:])
    lost = replace(chat, verdict=replace(chat.verdict, findings=findings, problems=("One was not read.",)))
    assert wrong(mutual_asked, 1, lost) == ["alice and bob talk, TLS 1.3"]
    troubled = with_other(chat, BOB, problems=("A record ended too early.",))
    judgement = judge(replace(mutual_asked, chats=(mutual_asked.chats[0], troubled)))
    assert judgement.problems == ("A record ended too early.",)
    assert not judgement.ok
