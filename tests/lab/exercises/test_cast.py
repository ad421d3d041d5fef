"""What is said differs from student to student, and the chat takes it."""

import itertools

from chat import protocol
from chat.names import nickname
from lab.exercises import cast
from lab.exercises.draw import Draw, seed_of
from lab.scenario import Join, Say, messages

DRAWS = [Draw(seed_of(b"secret", f"student {at}", "e00")) for at in range(200)]


def test_no_two_students_have_a_secret_or_a_host_in_common() -> None:
    secrets = [cast.secret(draw, f"message {at}") for draw in DRAWS for at in range(9)]
    assert len(set(secrets)) == len(secrets)
    assert len({cast.host(draw) for draw in DRAWS}) == len(DRAWS)


def test_the_chat_takes_names_and_sentences() -> None:
    for draw in DRAWS[:30]:
        steps = cast.conversation(draw)
        names = [step.who for step in steps if isinstance(step, Join)]
        assert [nickname(name) for name in names] == names
        assert len({name.rstrip("0123456789") for name in names}) == 3
        for step in steps[3:]:
            assert isinstance(step, Say)
            assert protocol.parse(step.text.encode()) == protocol.Say(step.text)


def test_everybody_says_as_much() -> None:
    steps = cast.conversation(DRAWS[0], people=3, messages=9)
    said = [step.who for step in steps if isinstance(step, Say)]
    assert sorted(said.count(who) for who in set(said)) == [3, 3, 3]
    orders = {
        tuple(s.who == t.who for s, t in itertools.pairwise(messages(steps))) for steps in map(cast.conversation, DRAWS)
    }
    assert len(orders) > 20


def test_a_sentence_gives_its_secret_away() -> None:
    for draw in DRAWS[:30]:
        assert cast.secret(draw, "message 1") in cast.sentence(draw, "message 1")


def test_a_host_names_its_student() -> None:
    for draw in DRAWS[:30]:
        assert cast.marks_of_host(draw) == (cast.host(draw).encode("ascii"),)
