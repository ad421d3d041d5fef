"""What every student is given to choose from, and that a silence is broken by somebody else."""

from itertools import pairwise
from pathlib import Path

import pytest

from lab.exercises.draw import Draw, seed_of
from lab.exercises.e13_sizes_and_times.checks import EXERCISE
from lab.exercises.e13_sizes_and_times.run import conversation, letters, sentences
from lab.scenario import Pause, Say
from tests.lab.exercises.conftest import Make, check_another_student, check_second_run
from tests.lab.exercises.solvers import e13

_DRAWS = [Draw(seed_of(b"secret", f"student {number}", "e13")) for number in range(12)]


@pytest.mark.parametrize("draw", _DRAWS)
def test_each_sentence_has_a_length_of_its_own(draw: Draw) -> None:
    given = sentences(draw)
    right = len(given[""].encode())
    sizes = {kind: len(text.encode()) - right for kind, text in given.items()}
    assert len(given["characters"]) == right
    assert sizes.pop("characters") > 1
    assert sizes == {"": 0, "newline_left": 1, "nothing_taken_off": 18, "old_version": -7}
    # whoever counts letters finds one sentence only, and not the right one
    assert [kind for kind, text in given.items() if len(text) == right] == ["characters"]
    assert sorted(letters(draw).values()) == sorted(given)


@pytest.mark.parametrize("draw", _DRAWS)
def test_somebody_else_says_the_right_sentence_after_the_longest_silence(draw: Draw) -> None:
    steps = conversation(draw)
    longest = max((step for step in steps if isinstance(step, Pause)), key=lambda step: step.seconds)
    at = steps.index(longest)
    before, after = steps[at - 1], steps[at + 1]
    assert isinstance(before, Say)
    assert isinstance(after, Say)
    assert before.who != after.who
    assert after.text == sentences(draw)[""]
    assert sum(step.seconds for step in steps if isinstance(step, Pause)) < 0.3
    assert not any(isinstance(one, Pause) and isinstance(two, Pause) for one, two in pairwise(steps))


def test_another_student_solves_it_in_spanish_and_cannot_hand_it_on(tmp_path: Path) -> None:
    check_another_student(EXERCISE, e13, tmp_path)


def test_a_second_run_replaces_the_first(work: Make) -> None:
    check_second_run(EXERCISE, work(EXERCISE), {"capture.pcapng"})
