import pytest

from capture.sources.source import Counters
from lab.scenarios.shape import Claim, Judgement

WHOLE = Counters(10, 0)
RIGHT, WRONG = Claim("a", "read", "read", True), Claim("b", "read", "not read", False)


def test_a_judgement_is_ok_where_every_claim_is() -> None:
    assert Judgement((RIGHT, RIGHT), {}, WHOLE).ok
    assert not Judgement((RIGHT, WRONG), {}, WHOLE).ok


def test_nothing_claimed_is_nothing_shown() -> None:
    assert not Judgement((), {}, WHOLE).ok


def test_a_problem_of_the_run_counts() -> None:
    assert not Judgement((RIGHT,), {}, WHOLE, problems=("It rained.",)).ok


@pytest.mark.parametrize(
    ("dropped", "sentence"), [(1, "The capture dropped 1 packet."), (2, "The capture dropped 2 packets.")]
)
def test_a_capture_with_holes_counts(dropped: int, sentence: str) -> None:
    judgement = Judgement((RIGHT,), {}, Counters(10, dropped))
    assert judgement.lost == (sentence,)
    assert not judgement.ok
    assert Judgement((RIGHT,), {}, WHOLE).lost == ()
