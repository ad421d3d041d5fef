import dataclasses
from pathlib import Path

import pytest

from certs.store import open_store
from lab.bench import disturbing
from lab.bench.disturbing import ATTACKS, PEOPLE, UNDISTURBED, Lateness, disturbing_rows, lateness, once
from lab.bench.figures import QUICK, Results
from lab.errors import LabError

SENT = [float(number) for number in range(20)]
Got = list[list[tuple[float, bytes]]]


def everything() -> Got:
    """What each of the people gets, 5 ms after it was sent, two messages at a time."""
    got: Got = []
    for person in range(PEOPLE):
        lines = [
            (number, b"p%d > n%d\n" % (number % PEOPLE, number)) for number in range(20) if number % PEOPLE != person
        ]
        got.append([(first[0] + 0.005, b"* somebody else\n" + first[1]) for first in lines])
    return got


def test_lateness_is_that_of_every_delivery() -> None:
    got = everything()
    assert lateness(SENT, got).deliveries == 20 * (PEOPLE - 1)
    assert lateness(SENT, got).p50_ms == pytest.approx(5)
    for person in range(PEOPLE):  # 20 of 180 are late
        at, words = got[person][-1]
        got[person][-1] = (at + 1, words)
    assert lateness(SENT, got).p99_ms == pytest.approx(1005)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines[:-10], *reversed(lines[-10:])],
        lambda lines: [*lines, (9.0, b"p1 > n2\n")],
        lambda lines: [*lines, (9.0, b"p1 > n21\n")],
    ],
    ids=["missing", "twice", "order", "another's", "unknown"],
)
def test_what_was_not_delivered_as_it_should_is_no_figure(wrong) -> None:  # type: ignore[no-untyped-def]
    got = everything()
    got[3] = wrong(got[3])
    with pytest.raises(LabError):
        lateness(SENT, got)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("tls", [False, True])  # each attack once
def test_people_talk_while_they_are_attacked(tmp_path: Path, tls: bool) -> None:
    store = open_store(tmp_path / "certs") if tls else None
    for name in (UNDISTURBED, *list(ATTACKS)[tls::2]):
        measured = once(name, store, 0.2)
        assert measured.deliveries == 40 * (PEOPLE - 1), name
        assert 0 < measured.p50_ms <= measured.p99_ms


def test_a_row_for_each_attack_and_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disturbing, "once", lambda name, _: Lateness(1, 1, 1 if name == UNDISTURBED else 3))
    rows = disturbing.disturbing(dataclasses.replace(QUICK, rounds=1))
    assert len({(row.name, row.ours.name) for row in rows}) == 2 * len(ATTACKS)
    assert {row.met for row in rows} == {False}


def test_twice_as_late_is_just_good_enough() -> None:
    done = {name: [Lateness(1, 1, 2.0 if name != UNDISTURBED else 1.0)] for name in (UNDISTURBED, *ATTACKS)}
    assert all(row.met for row in disturbing_rows(Results(done, {}), tls=True))
