"""The gradebook as a spreadsheet reads it."""

import csv
import io

from lab.classroom.gradebook import gradebook, table
from lab.classroom.result import Graded, Result
from lab.exercises.catalogue import EXERCISES
from lab.problems import Problem
from tests.lab.classroom.conftest import STUDENTS


def result(student: str, points: int, notes: tuple[str, ...] = ()) -> Result:
    exercises = tuple(Graded(exercise.name, points, (), notes=notes) for exercise in EXERCISES)
    return Result(student, exercises, (Problem("large", "a, b"),) if notes else ())


def test_a_line_for_each_in_the_order_of_the_roster() -> None:
    results = {student.id: result(student.id, number) for number, student in enumerate(STUDENTS)}
    rows = list(csv.DictReader(io.StringIO(gradebook(STUDENTS, results), newline="")))
    assert [row["id"] for row in rows] == ["ana", "bob", "eve"]
    assert rows[0]["name"] == "Ana Pérez"
    assert [row["04-record-header"] for row in rows] == ["0", "1", "2"]
    assert rows[2]["total"] == str(2 * len(EXERCISES))
    assert rows[0]["of"] == str(sum(exercise.points for exercise in EXERCISES))
    assert list(rows[0])[3:-3] == [exercise.folder for exercise in EXERCISES]


def test_columns_and_totals_are_of_what_was_graded() -> None:
    chosen = EXERCISES[3:5]
    results = {student.id: result(student.id, 2).only(chosen) for student in STUDENTS}
    row = next(csv.DictReader(io.StringIO(gradebook(STUDENTS, results), newline="")))
    assert list(row)[3:-3] == [exercise.folder for exercise in chosen]
    assert (row["total"], row["of"]) == ("4", str(sum(exercise.points for exercise in chosen)))


def test_what_to_look_at_stands_in_its_line() -> None:
    noted = {student.id: result(student.id, 0, ("The files are those of bob.",)) for student in STUDENTS}
    row = next(csv.DictReader(io.StringIO(gradebook(STUDENTS, noted), newline="")))
    assert row["notes"].startswith("a, b was left out: it is larger than 32 MiB. Exercise ")
    assert "The files are those of bob." in row["notes"]


def test_no_cell_is_a_formula() -> None:
    told = next(csv.reader(io.StringIO(table([["=1+1", "+1", "-1", "@x", "\tx", "a=b", "x;=1+1", -1]]), newline="")))
    assert told == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "a=b", "x;'=1+1", "-1"]
