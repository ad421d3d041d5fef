"""The exercises that the course has."""

from lab.exercises.catalogue import EXERCISES


def test_sixteen_in_order() -> None:
    assert [exercise.number for exercise in EXERCISES] == list(range(1, 17))
    assert [exercise.name for exercise in EXERCISES][-1] == "capstone"
    assert all(exercise.name.startswith(f"e{exercise.number:02}_") for exercise in EXERCISES[:-1])
