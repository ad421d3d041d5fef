import itertools
from collections import Counter

import pytest

from chat import protocol
from chat.names import nickname
from lab.scenario import Join, Pause, Say
from lab.scenarios.leaks.result import CONSTANT
from lab.scenarios.leaks.talk import ANSWER, COUNT, NAMES, OPENING, PHRASES, draw, steps


def test_the_lists_are_what_the_attack_needs() -> None:
    assert len(set(PHRASES)) == len(PHRASES)
    lengths = Counter(len(phrase.encode()) for phrase in PHRASES)
    assert 30 <= len(lengths) < len(PHRASES), "some share a length, most do not"
    assert [nickname(name) for name in NAMES] == list(NAMES)
    assert len({len(name) for name in NAMES}) == len(NAMES)
    for phrase in PHRASES:
        assert protocol.parse(protocol.encode_typed(phrase)[:-1]) == protocol.Say(phrase)
        # the longest line that the server sends fits the constant size, with its LF and the inner type
        assert len(protocol.encode(protocol.said(max(NAMES, key=len), phrase))) + 1 <= CONSTANT.block


def test_a_seed_draws_its_conversation_again_and_another_seed_another() -> None:
    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


@pytest.mark.parametrize("seed", range(20))
def test_a_conversation_is_as_it_is_said_to_be(seed: int) -> None:
    lines = draw(seed)
    assert len(lines) == COUNT
    assert sum(line.answers for line in lines) == COUNT // 2
    assert not lines[0].answers
    for before, line in itertools.pairwise(lines):
        assert not (line.answers and line.speaker == before.speaker), "nobody answers themselves"
    assert {line.speaker for line in lines} == set(range(len(NAMES)))
    assert {line.phrase for line in lines} <= set(PHRASES)
    pauses = {kind: sorted(line.pause for line in lines if line.answers is kind) for kind in (True, False)}
    assert pauses[True][COUNT // 4] == pytest.approx(ANSWER, rel=0.2)
    assert pauses[False][COUNT // 4] == pytest.approx(OPENING, rel=0.2)


def test_everybody_comes_and_thinks_before_speaking() -> None:
    lines = draw(3)
    played = steps(lines)
    assert played[: len(NAMES)] == tuple(Join(name) for name in NAMES)
    rest = played[len(NAMES) :]
    assert rest[::2] == tuple(Pause(line.pause) for line in lines)
    assert rest[1::2] == tuple(Say(NAMES[line.speaker], line.phrase) for line in lines)
