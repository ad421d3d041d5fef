"""The two chats of exercise 14: what differs from student to student, and what the relay may do."""

import pytest

from capture.rights import Choice, Way
from lab.exercises.draw import Draw, seed_of
from lab.exercises.e14_flipped_bit.checks import EXERCISE
from lab.exercises.e14_flipped_bit.run import MESSAGES, people, target
from lab.scenarios.tamper.changes import Transport
from tests.lab.exercises.conftest import Make, draw_of, judged
from tests.lab.exercises.solvers import e14


@pytest.mark.parametrize("transport", [Transport.PLAIN, Transport.TLS_1_3])
def test_the_flip_makes_another_letter(transport: Transport) -> None:
    for number in range(50):
        drawn = target(Draw(seed_of(b"secret", str(number), EXERCISE.name)), transport)
        before, after = drawn.words[drawn.at], drawn.flipped
        (pair,) = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        assert all(letter.isascii() and letter.islower() for letter in pair)
        assert len(set(drawn.words)) == MESSAGES
        assert 0 < drawn.at < MESSAGES - 2


def test_two_people_take_part() -> None:
    assert len(set(people(draw_of(EXERCISE)))) == 2


def test_a_second_run_replaces_the_first(work: Make) -> None:
    folder = work(EXERCISE)
    before = {name: (folder / name).read_bytes() for name in EXERCISE.files}
    assert EXERCISE.run is not None
    EXERCISE.run(draw_of(EXERCISE), folder, Choice(Way.TAP, ""))
    assert all((folder / name).read_bytes() != data for name, data in before.items())
    e14.solve(folder)
    assert judged(EXERCISE, folder).points == EXERCISE.points
