import json
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from capture.sources.source import Counters
from lab.scenarios.leaks.guess import Tapped
from lab.scenarios.leaks.judge import QUESTIONS, judge
from lab.scenarios.leaks.result import CONSTANT, NONE, Padding, Result
from tests.lab.scenarios.leaks.leaking import connection, handshakes, hear, result, tapped_in


def failed(made: Result) -> set[str]:
    judgement = judge(made)
    assert judgement.ok is (all(claim.ok for claim in judgement.claims) and not judgement.problems)
    return {claim.what for claim in judgement.claims if not claim.ok}


@pytest.mark.parametrize("seed", range(25))
def test_what_the_textbook_has_is_found_whatever_is_drawn(seed: int) -> None:
    judgement = judge(result(seed))
    assert [claim.what for claim in judgement.claims if not claim.ok] == []
    assert judgement.ok
    assert dict(judgement.answers) == {
        "named": "101 to 180",
        "hidden": "0 to 20",
        "price": "2 to 5 times",
        "certificate": "TLS 1.2 only",
    }


def test_every_answer_can_be_given_and_every_claim_says_where() -> None:
    judgement = judge(result())
    for question in QUESTIONS:
        assert judgement.answers[question.key] in question.options
    # nothing can be pointed at where nobody listened, or nothing is there
    nowhere = {"nobody listening: the words, drawn blindly", "TLS 1.3: the server's certificate"}
    assert {claim.what for claim in judgement.claims if not claim.spans} == nowhere
    json.dumps(judgement.details)


def shuffled(tapped: Tapped) -> Tapped:
    lines = list(tapped.lines)
    random.Random(1).shuffle(lines)  # noqa: S311
    return replace(tapped, lines=tuple(lines))


def heard(change: Callable[[dict[Padding, Tapped]], None]) -> Result:
    tapped = tapped_in(result())
    change(tapped)
    return result(tapped=tapped)


def test_shuffled_records_turn_the_verdict() -> None:
    made = heard(lambda tapped: tapped.update({NONE: shuffled(tapped[NONE])}))
    assert failed(made) >= {
        "no padding: the words, by the length",
        "no padding: who speaks, by the connection",
        "no padding: who is answered, by the time",
    }


def test_padding_that_is_missing_turns_the_verdict() -> None:
    """The chat that should make all records the same size, as it is without padding."""
    made = heard(lambda tapped: tapped.update({CONSTANT: tapped[NONE]}))
    assert failed(made) >= {"always 256: the lengths", "what padding costs"}
    assert judge(made).answers["price"] == "up to twice"


def test_padding_where_there_should_be_none_turns_the_verdict() -> None:
    made = heard(lambda tapped: tapped.update({NONE: tapped[CONSTANT]}))
    assert failed(made) >= {
        "no padding: the words, by the length",
        "no padding: the names, by the length of each client's first line",
        "multiples of 32: the words",
        "what padding costs",
    }
    assert judge(made).answers["named"] == "0 to 20"


def test_words_that_leak_all_the_same_turn_the_verdict() -> None:
    """As if the constant size were not constant: an attacker who knows that reads on."""

    def leaky(tapped: dict[Padding, Tapped]) -> None:
        octets = tapped[CONSTANT].octets
        tapped[CONSTANT] = replace(hear(result().truth, Padding(CONSTANT.words, 1)), octets=octets)

    assert failed(heard(leaky)) == {"always 256: the lengths"}


def test_times_that_tell_nothing_turn_the_verdict() -> None:
    def even(tapped: dict[Padding, Tapped]) -> None:
        for padding, chat in tapped.items():
            lines = tuple(replace(line, time_ns=10_000_000 * n) for n, line in enumerate(chat.lines))
            tapped[padding] = replace(chat, lines=lines)

    assert failed(heard(even)) == {"no padding: who is answered, by the time", "always 256: who is answered"}


def test_one_connection_for_all_turns_the_verdict() -> None:
    def merged(tapped: dict[Padding, Tapped]) -> None:
        for padding, chat in tapped.items():
            tapped[padding] = replace(chat, lines=tuple(replace(line, speaker=0) for line in chat.lines))

    assert failed(heard(merged)) == {"no padding: who speaks, by the connection", "always 256: who speaks"}


def test_what_is_lost_or_cannot_be_read_turns_the_verdict() -> None:
    assert not judge(replace(result(), counters=Counters(10, 1))).ok
    assert not judge(replace(result(), problems=("3 bytes are not in the capture.",))).ok


def test_the_answer_on_certificates_is_what_was_seen() -> None:
    made = result()
    hidden = replace(handshakes(), tls12=(connection(), connection()))
    assert judge(replace(made, handshakes=hidden)).answers["certificate"] == "neither"
