from dataclasses import replace

import pytest

from lab.scenarios.fakes.attack_ctr import CtrAttack
from lab.scenarios.fakes.judge import QUESTIONS, judge, looks_random
from lab.scenarios.fakes.result import BASE64, CTR, ECB, LISTENED, RELAYED, TLS, XOR, Fakes, Row
from lab.verdict import ALPHA


def with_row(fakes: Fakes, name: str, **changes: object) -> Fakes:
    rows = tuple(replace(row, **changes) if row.name == name else row for row in fakes.rows)  # type: ignore[arg-type]
    return replace(fakes, rows=rows)


def row_of(fakes: Fakes, name: str) -> Row:
    return next(row for row in fakes.rows if row.name == name)


def test_each_claim_has_its_place(faked: Fakes) -> None:
    judgement = judge(faked)
    assert judgement.ok
    for claim in judgement.claims:
        nowhere = claim.textbook.startswith("0 of") or claim.textbook == "stay unread"
        assert bool(claim.spans) != nowhere, claim


def test_the_answers_are_options(faked: Fakes) -> None:
    answers = judge(faked).answers
    assert set(answers) == {question.key for question in QUESTIONS}
    for question in QUESTIONS:
        assert answers[question.key] in question.options
    assert answers["random"] == "only RSA + AES-GCM, and TLS"
    assert answers["listening"] == "base64, XOR and AES-CTR"
    assert answers["crib"] == "everything"


@pytest.mark.parametrize("name", [BASE64, XOR, ECB, CTR, RELAYED])
def test_one_message_less_turns_the_verdict(faked: Fakes, name: str) -> None:
    judgement = judge(with_row(faked, name, messages=row_of(faked, name).messages[1:]))
    (wrong,) = [claim for claim in judgement.claims if not claim.ok]
    assert wrong.what.startswith(name)
    assert (wrong.textbook, wrong.measured) == ("24 of 24 read", "23 of 24 read")
    assert not judgement.ok


@pytest.mark.parametrize("name", [LISTENED, TLS])
def test_one_message_read_of_what_is_sound_turns_it(faked: Fakes, name: str) -> None:
    judgement = judge(with_row(faked, name, messages=row_of(faked, BASE64).messages[:1]))
    (wrong,) = [claim for claim in judgement.claims if not claim.ok]
    assert wrong.what.startswith(f"{name}, by listening")
    assert wrong.measured == "1 of 24 read"


def test_what_nobody_sent_is_a_problem(faked: Fakes) -> None:
    messages = row_of(faked, BASE64).messages
    judgement = judge(with_row(faked, BASE64, messages=(*messages, messages[0])))
    assert judgement.problems == ("base64: 1 messages were read that nobody sent.",)
    assert not judgement.ok


def test_answers_follow_what_was_measured(faked: Fakes) -> None:
    unread = with_row(with_row(faked, CTR, messages=()), XOR, messages=())
    assert judge(unread).answers["listening"] == "base64 alone"
    assert judge(with_row(faked, BASE64, messages=())).answers["listening"] == "another selection"
    read = with_row(faked, LISTENED, messages=row_of(faked, BASE64).messages)
    assert judge(replace(read, ecb_listening=24)).answers["listening"] == "all five"
    assert judge(replace(read, ecb_listening=23)).answers["listening"] == "another selection"
    assert judge(unread).answers["crib"] == "the short messages"
    short = replace(unread, ctr=CtrAttack((), bytes(11), ()))
    assert judge(short).answers["crib"] == "the first 11 bytes of each line"
    even = row_of(faked, TLS).all
    for name in (XOR, ECB, CTR):
        faked = with_row(faked, name, all=even)
    assert judge(faked).answers["random"] == "all but base64"
    assert judge(with_row(faked, BASE64, all=None)).answers["random"] == "all of them"
    assert judge(with_row(faked, XOR, all=row_of(faked, BASE64).all)).answers["random"] == "another selection"


def test_the_key_that_was_not_found(faked: Fakes) -> None:
    judgement = judge(replace(faked, xor=replace(faked.xor, key=None, cribs=())))
    (wrong,) = [claim for claim in judgement.claims if not claim.ok]
    assert (wrong.measured, wrong.spans) == ("no key was found", ())
    other = replace(faked.xor, key=bytes(len(faked.xor.key or b"") + 1))
    assert not judge(replace(faked, xor=other)).ok


def test_blocks_and_keys(faked: Fakes) -> None:
    ecb, exchange = faked.ecb, faked.exchange
    assert not judge(replace(faked, ecb=replace(ecb, different=ecb.blocks, repeat=None))).ok
    from_server = next(read for read in faked.ctr.reads if not read.sealed.stream.from_client)
    assert not judge(replace(faked, ecb=replace(ecb, reads=(*ecb.reads, from_server)))).ok
    assert not judge(replace(faked, exchange=replace(exchange, shown=exchange.genuine))).ok
    assert not judge(replace(faked, exchange=replace(exchange, answered=258))).ok
    assert not judge(replace(faked, exchange=replace(exchange, refused=exchange.genuine))).ok


def test_where_the_limit_is(faked: Fakes) -> None:
    test = row_of(faked, TLS).all
    assert test is not None
    assert looks_random(None)
    assert looks_random(replace(test, p_value=ALPHA))
    assert not looks_random(replace(test, p_value=ALPHA / 2))
