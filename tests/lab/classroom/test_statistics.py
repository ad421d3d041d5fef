"""Which step failed how often, and what a teacher should look at."""

from dataclasses import replace
from pathlib import Path

from lab.classroom.handins import HandIn
from lab.classroom.result import Graded, Result
from lab.classroom.statistics import count, to_look_at
from lab.exercises.catalogue import EXERCISES
from lab.exercises.exercise import Outcome
from lab.problems import Problem
from tests.lab.classroom.conftest import STUDENTS


def result(student: str, mistake: str, digest: str = "") -> Result:
    """A student who made one mistake in the first step of each exercise and no other."""
    graded = []
    for exercise in EXERCISES:
        first, *rest = exercise.steps
        outcomes = [Outcome(first.name, 0 if mistake else first.points, mistake, "")]
        outcomes += [Outcome(step.name, step.points, "", "") for step in rest]
        graded.append(Graded(exercise.name, sum(o.points for o in outcomes), tuple(outcomes), digest=digest))
    return Result(student, tuple(graded))


def test_steps_are_counted() -> None:
    counts = count([result("ana", ""), result("bob", "wrong"), result("eve", "wrong"), result("x", "colons")])
    for one, exercise in zip(counts, EXERCISES, strict=True):
        assert (one.exercise, one.solved) == (exercise, 1)
        assert one.mean == exercise.points - 3 * exercise.steps[0].points / 4
        assert (one.steps[0].right, one.steps[0].mistakes) == (1, (("wrong", 2), ("colons", 1)))
        assert all((step.right, step.mistakes) == (4, ()) for step in one.steps[1:])


def test_what_was_not_made_is_no_mistake() -> None:
    """Six who have not tried do not hide the one who has."""
    lazy = [result(code, code) for code in ("no_handin", "no_run", "unanswered") for _ in range(2)]
    first, second, *rest = result("none", "").exercises
    nothing = replace(first, points=0, outcomes=tuple(Outcome(o.step, 0, "no_handin", "") for o in first.outcomes))
    absent = Result("none", (nothing, second, *rest))
    one, other, *_ = count([*lazy, absent, result("bob", "colons"), result("ana", "")])
    assert (one.steps[0].right, one.steps[0].not_made, one.steps[0].failed) == (1, 7, 1)
    assert one.steps[0].mistakes == (("colons", 1),)
    assert (one.steps[1].not_made, one.steps[1].failed) == (1, 0)
    assert (one.not_made, other.not_made) == (1, 0), "who has tried one step has made the exercise"


def test_only_what_was_graded_is_counted() -> None:
    few = [result(name, "").only(EXERCISES[3:5]) for name in ("ana", "bob")]
    assert [one.exercise for one in count(few)] == list(EXERCISES[3:5])


def test_what_to_look_at() -> None:
    hand_ins = [HandIn(student, Path("x"), ("found twice",) if student.id == "eve" else ()) for student in STUDENTS]
    results = {student.id: result(student.id, "", "abc" if student.id != "eve" else "") for student in STUDENTS}
    results["bob"] = replace(results["bob"], problems=(Problem("no_zip", "bob.zip"),))
    said = to_look_at(hand_ins, ["notes.txt"], results)
    assert said[0].startswith("notes.txt is nobody's hand-in")
    assert "bob: bob.zip cannot be opened: it is no zip, or it was cut short on its way." in said
    assert "eve: found twice" in said
    assert [line for line in said if line.startswith("ana and bob have handed in the same file")]
    assert len(said) == 3 + len(EXERCISES)
