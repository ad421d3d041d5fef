import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.bench.messages import END, LENGTH, SETTLE, TIMED, WARM, Tally, message, numbers, percentile


def test_a_message_has_its_length_and_the_time() -> None:
    before = time.monotonic_ns()
    sent = message(TIMED, 7)
    assert len(sent) == LENGTH
    assert before <= int(sent[1:21]) <= time.monotonic_ns()
    assert int(sent[22:31]) == 7


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_what_it_is_defined_as(values: list[float], share: float) -> None:
    found = percentile(values, share)
    enough = [value for value in values if sum(other <= value for other in values) >= share * len(values) - 1e-9]
    assert found == pytest.approx(min(enough))


def test_percentiles_of_a_hundred() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile(values, 1)) == (50, 95, 100)


@pytest.mark.parametrize("size", [1, 7, 31, 32, 33, 100, 10_000])
def test_messages_are_found_however_they_are_cut(size: int) -> None:
    data = b"".join(message(WARM if number < 3 else TIMED, number) for number in range(20))
    cut = [data[at : at + size] for at in range(0, len(data), size)]
    assert numbers(cut) == set(range(3, 20))
    # a capture may begin within a message
    assert numbers([data[5 * LENGTH + 9 :]]) == set(range(6, 20))


@pytest.mark.parametrize("size", [1, 33, 10_000])
def test_a_tally_says_how_far_it_is_and_what_it_saw(size: int, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    kinds = [WARM, WARM, SETTLE, SETTLE, TIMED, TIMED, TIMED]
    data = b"".join(message(kind, number) for number, kind in enumerate(kinds))
    data += message(TIMED, 4) + b"noise between" + message(END, 0) + message(TIMED, 9)
    assert any(tally.take(data[at : at + size]) for at in range(0, len(data), size)), "the end is seen"
    tally.report()
    *told, last = capsys.readouterr().out.splitlines()
    assert told == ["ready", "settled"]
    report = json.loads(last)
    assert report["seen"] == 3, "one was seen twice"
    assert 0 < report["p50_ms"] <= report["p95_ms"]
    assert report["first_ms"] > 0


def test_latency_is_from_before_it_was_sent_until_it_was_read(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    sent = b"T%020d %09d\n" % (time.monotonic_ns() - 5_000_000, 0)
    tally.take(sent)
    tally.report()
    assert 5 <= json.loads(capsys.readouterr().out.splitlines()[-1])["p50_ms"] < 1000


def test_nothing_seen_is_no_latency(capsys: pytest.CaptureFixture[str]) -> None:
    Tally().report()
    report = json.loads(capsys.readouterr().out)
    assert report["seen"] == 0
    assert report["p50_ms"] != report["p50_ms"], "not a number"
