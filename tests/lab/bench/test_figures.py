import statistics

import pytest

from capture.errors import CaptureError
from lab.bench.figures import FULL, QUICK, Row, Side, Target, in_turn
from lab.errors import LabError


def test_the_ratio_is_that_of_the_medians() -> None:
    row = Row("x", Side("we", (3.0, 30.0, 2.0)), (Side("they", (1.0, 2.0, 90.0)),))
    assert row.ratio(row.peers[0]) == pytest.approx(statistics.median((3, 30, 2)) / statistics.median((1, 2, 90)))
    assert row.met is None


def test_counts_add_up_and_are_compared_round_by_round() -> None:
    row = Row("lost", Side("we", (0, 3, 0, 3)), (Side("they", (6, 6)),), Target("value", "≤", 0), total=True)
    assert row.figure(row.ours) == 6
    assert row.ratio(row.peers[0]) == pytest.approx((6 / 4) / (12 / 2))
    assert row.met is False, "the median would have been 1.5 and the least 0"


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target("value", "≤", 2), True),
        (Target("value", "≤", 1.9), False),
        (Target("value", "≥", 2), True),
        (Target("value", "≥", 2.1), False),
        (Target("ratio", "≤", 0.5), True),
        (Target("ratio", "≥", 0.6), False),
    ],
)
def test_a_target_is_reached_or_not(target: Target, met: bool) -> None:
    # the ratio that counts is the one to the first peer
    peers = (Side("first", (4.0,)), Side("second", (1.0,)))
    assert Row("x", Side("we", (2.0,)), peers, target).met is met


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    nothing = Side("x", (), "it is not there")
    assert Row("x", nothing, (Side("they", (1.0,)),), Target("value", "≤", 1)).met is None
    row = Row("x", Side("we", (1.0,)), (nothing,), Target("ratio", "≤", 1))
    assert row.ratio(nothing) is None
    assert row.met is None


def test_there_is_no_ratio_to_nothing() -> None:
    zero = Side("they", (0.0,))
    assert Row("x", Side("we", (1.0,)), (zero,)).ratio(zero) is None


def test_contenders_take_turns() -> None:
    order: list[str] = []
    results = in_turn({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=3)
    assert order == ["a", "b"] * 3
    assert results.failed == {}


@pytest.mark.parametrize("error", [LabError, CaptureError])
def test_one_that_fails_is_out_and_the_others_go_on(error: type[Exception]) -> None:
    calls: list[int] = []

    def fails_later() -> int:
        calls.append(1)
        if len(calls) == 2:
            raise error("It broke.")
        return 1

    results = in_turn({"bad": fails_later, "good": lambda: 2}, rounds=4)
    assert len(calls) == 2
    assert results.side("bad", float) == Side("bad", (), "It broke.")
    assert results.side("good", float) == Side("good", (2.0, 2.0, 2.0, 2.0))


def test_a_bug_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        in_turn({"bug": lambda: 1 / 0}, rounds=1)


def test_a_quick_run_measures_less_of_the_same() -> None:
    assert QUICK.rounds < FULL.rounds
    assert set(QUICK.packets) <= set(FULL.packets)
