import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import CaptureError
from lab.scenarios.leaks.guess import (
    blind_guess,
    fitting,
    guess,
    names_of,
    quick_ones,
    sealed_length,
    tap,
    threshold_ns,
)
from lab.scenarios.leaks.result import BUCKETS, CONSTANT, NONE, PADDINGS, Padding
from lab.scenarios.leaks.talk import NAMES, PHRASES, draw
from tests.lab.scenarios.leaks.leaking import fragment, hear

LINES = draw(5)


@pytest.mark.parametrize("block", [1, 32, 256])
@pytest.mark.parametrize("text", ["ok", "I love you 🙂", "x" * 29, "x" * 30, "x" * 31, "x" * 254, "x" * 255])
def test_a_length_is_what_tls_makes_of_it(text: str, block: int) -> None:
    assert sealed_length(text, 17, block) == fragment(text, block)


def test_a_line_that_just_fits_its_block() -> None:
    """By hand: 30 letters, LF and inner type are 32, and the tag of 16 comes on top; one more takes another block."""
    assert sealed_length("x" * 30, 17, 32) == 48
    assert sealed_length("x" * 31, 17, 32) == 80


def test_a_length_that_only_one_phrase_has_names_it() -> None:
    tapped = hear(LINES, NONE)
    guesses = guess(tapped, PHRASES, NONE.block)
    lengths = [len(phrase.encode()) for phrase in PHRASES]
    alone = {phrase for phrase in PHRASES if lengths.count(len(phrase.encode())) == 1}
    for line, said in zip(LINES, guesses, strict=True):
        assert said.candidates == lengths.count(len(line.phrase.encode()))
        assert len(said.phrase.encode()) == len(line.phrase.encode())
        assert said.phrase == line.phrase or line.phrase not in alone
        assert said.speaker == line.speaker


def test_the_attack_is_not_handed_the_truth() -> None:
    """Whoever shuffles the records gets guesses for the records, not for what was said."""
    tapped = hear(LINES, NONE)
    lines = list(tapped.lines)
    random.Random(1).shuffle(lines)  # noqa: S311
    guesses = guess(replace(tapped, lines=tuple(lines)), PHRASES, NONE.block)
    assert sum(line.phrase == said.phrase for line, said in zip(LINES, guesses, strict=True)) < 30


def test_one_size_fits_all_phrases_and_one_of_them_is_drawn() -> None:
    guesses = guess(hear(LINES, CONSTANT), PHRASES, CONSTANT.block)
    assert {said.candidates for said in guesses} == {len(PHRASES)}
    assert len({said.phrase for said in guesses}) > len(PHRASES) // 2
    assert guesses == guess(hear(LINES, CONSTANT), PHRASES, CONSTANT.block)


def test_a_length_that_fits_nothing_is_guessed_and_says_so() -> None:
    tapped = hear(LINES, NONE)
    odd = replace(tapped, lines=(replace(tapped.lines[0], length=9999), *tapped.lines[1:]))
    first = guess(odd, PHRASES, NONE.block)[0]
    assert first.candidates == 0
    assert first.phrase in PHRASES
    assert fitting(9999, PHRASES, 17, 1) == ()


@pytest.mark.parametrize(
    ("padding", "names"), [(NONE, NAMES), (BUCKETS, (None,) * len(NAMES)), (CONSTANT, (None,) * len(NAMES))]
)
def test_names_by_their_lengths(padding: Padding, names: tuple[str | None, ...]) -> None:
    assert names_of(hear(LINES, padding), NAMES, padding.block) == names


@pytest.mark.parametrize("padding", PADDINGS)
def test_times_tell_who_answers_however_long_the_records_are(padding: Padding) -> None:
    guesses = guess(hear(LINES, padding), PHRASES, padding.block)
    assert sum(line.answers == said.answers for line, said in zip(LINES, guesses, strict=True)) > 190


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_no_limit_between_quick_and_slow_is_known_in_advance(scale: float) -> None:
    gaps = [8, 40, 9, 45, 38, 7, 10, 50, 8]
    times = [0]
    for gap in gaps:
        times.append(times[-1] + round(gap * scale * 1e6))
    assert quick_ones(times) == (False, *(gap < 20 for gap in gaps))
    assert threshold_ns(times) == round(38 * scale * 1e6)


@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=12))
def test_the_two_groups_are_the_best_there_are(gaps: list[int]) -> None:
    """Against all cuts, tried one by one."""

    times = [0]
    for gap in gaps:
        times.append(times[-1] + gap)
    quick = quick_ones(times)[1:]

    def within(slow_from: int) -> float:
        groups = ([math.log(g) for g in gaps if g < slow_from], [math.log(g) for g in gaps if g >= slow_from])
        return sum(sum((v - sum(group) / len(group)) ** 2 for v in group) for group in groups if group)

    slow = [gap for gap, is_quick in zip(gaps, quick, strict=True) if not is_quick]
    assert slow
    assert quick == tuple(gap < min(slow) for gap in gaps)
    assert within(min(slow)) <= min(map(within, gaps)) + 1e-6


@pytest.mark.parametrize("times", [[], [5], [5, 5, 5]])
def test_times_that_tell_nothing(times: list[int]) -> None:
    assert quick_ones(times) == (False,) * len(times)


def test_guessing_blindly_hears_nothing() -> None:
    guesses = blind_guess(2000, PHRASES, 4)
    assert guesses == blind_guess(2000, PHRASES, 4)
    assert {said.speaker for said in guesses} == {0, 1, 2, 3}
    assert {said.phrase for said in guesses} == set(PHRASES)
    assert 800 < sum(said.answers for said in guesses) < 1200


def test_what_is_no_tls_is_refused() -> None:
    with pytest.raises(CaptureError, match="cannot be read as TLS"):
        tap([], 200)
