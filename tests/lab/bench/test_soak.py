import dataclasses
import random
import re
from pathlib import Path

import pytest

from lab.bench.soak import Sample, Tally, courses, left_over, main, report, rise

BEFORE = Sample(at=0, cpu=0, people=0, resident=30 << 20, used=5 << 20, blocks=100_000, descriptors=14, tasks=2)
linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux's /proc says what a process has")


def samples(**each: float) -> list[Sample]:
    """A hundred samples; `each` says by how much a figure rises from one to the next."""
    chance = random.Random(1)  # noqa: S311
    made = []
    for number in range(100):
        people = 500 + chance.randrange(-10, 10)
        fields = dataclasses.asdict(BEFORE) | {"at": number * 5.0, "people": people, "descriptors": people + 14}
        fields["used"] += people * 50_000
        for name, step in each.items():
            fields[name] += round(number * step)
        made.append(Sample(**fields))
    return made


def test_the_rise_is_that_of_the_line_of_least_squares() -> None:
    assert rise([(0, 1), (10, 6)]) == pytest.approx(5)
    assert rise([(0, 0), (1, 1), (2, 0), (3, 1)]) == pytest.approx(0.2 * 3)
    assert rise([(4, 7), (4, 9)]) == 0


def test_what_goes_up_and_down_does_not_grow() -> None:
    assert [course.name for course in courses(samples()) if course.grows] == []
    assert report(samples(), BEFORE, BEFORE, Tally(came=10))[1] == 0


@pytest.mark.parametrize(
    ("figure", "step", "named"),
    [
        ("used", 25_000, "malloc's memory in use, MB"),
        ("blocks", 60, "Python's blocks in use, thousands"),
        ("resident", 200_000, "resident memory, MB"),
        ("descriptors", 0.1, "descriptors beyond people's"),
        ("tasks", 0.03, "tasks"),
    ],
)
def test_what_leaks_is_named(figure: str, step: float, named: str) -> None:
    found = samples(**{figure: step})
    assert [course.name for course in courses(found) if course.grows] == [named]
    lines, status = report(found, BEFORE, BEFORE, Tally())
    assert status == 1
    assert f"{named} grows" in lines[-1]


def test_the_warm_up_does_not_count() -> None:
    steep = [
        dataclasses.replace(sample, used=sample.used // (5 if number < 24 else 1))
        for number, sample in enumerate(samples())
    ]
    assert not any(course.grows for course in courses(steep))


def test_what_is_not_given_back_is_named() -> None:
    after = dataclasses.replace(BEFORE, people=1, descriptors=15, resident=BEFORE.resident * 2)
    assert left_over(BEFORE, after) == [
        "people were 0 before anybody came and are 1 afterwards",
        "descriptors were 14 before anybody came and are 15 afterwards",
    ]
    assert report(samples(), BEFORE, after, Tally())[1] == 1


def test_nobody_may_be_dropped_or_kept_out() -> None:
    for tally in (Tally(lost=1), Tally(kept_out=1)):
        assert report(samples(), BEFORE, BEFORE, tally)[1] == 1


@linux
@pytest.mark.usefixtures("nothing_left")
def test_a_short_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--minutes", "0.05", "--clients", "12", "--every", "0.5"]) == 0, capsys.readouterr()
    out = capsys.readouterr().out
    assert len(re.findall(r"^ +\d+ s: \d+ people, ", out, re.MULTILINE)) >= 4
    assert re.search(r"^came \d+, said \d+, heard [1-9]", out, re.MULTILINE)
    assert "Nothing grows, and all was given back." in out
