"""A result goes into a file and comes back the same."""

import json

import pytest

from lab.classroom.result import Graded, Result, from_json, to_json
from lab.exercises.catalogue import EXERCISES
from lab.exercises.exercise import Outcome
from lab.problems import Problem

RESULT = Result(
    "ana",
    (
        Graded(
            "e04", 3, (Outcome("frame", 3, "", "14"), Outcome("words", 0, "wrong", "¿qué?")), "no", ("a note",), "ab"
        ),
    ),
    (Problem("large", "x"),),
)


def test_to_json_and_back() -> None:
    assert from_json(json.loads(json.dumps(to_json(RESULT)))) == RESULT
    assert RESULT.points == 3


def test_those_that_were_set_alone() -> None:
    first, second, *_ = EXERCISES
    result = Result("ana", tuple(Graded(exercise.name, 1, ()) for exercise in EXERCISES), RESULT.problems)
    assert (result.points, result.most) == (len(EXERCISES), sum(exercise.points for exercise in EXERCISES))
    few = result.only((second, first))
    assert [graded.exercise for graded in few.exercises] == [first, second]
    assert (few.points, few.most) == (2, first.points + second.points)
    assert few.problems == result.problems


@pytest.mark.parametrize("told", [{}, {"exercises": [{}]}, {**to_json(RESULT), "exercises": 3}])
def test_something_else(told: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_json(told)
