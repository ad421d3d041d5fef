"""A result goes into a file and comes back the same."""

import json

import pytest

from lab.classroom.result import Graded, Result, from_json, to_json
from lab.exercises.exercise import Outcome

RESULT = Result(
    "ana",
    (
        Graded(
            "e04", 3, (Outcome("frame", 3, "", "14"), Outcome("words", 0, "wrong", "¿qué?")), "no", ("a note",), "ab"
        ),
    ),
    ("a problem",),
)


def test_to_json_and_back() -> None:
    assert from_json(json.loads(json.dumps(to_json(RESULT)))) == RESULT
    assert RESULT.points == 3


@pytest.mark.parametrize("told", [{}, {"exercises": [{}]}, {**to_json(RESULT), "exercises": 3}])
def test_something_else(told: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_json(told)
