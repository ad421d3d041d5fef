"""Grades as learning platforms take them: one CSV for Canvas, one for Moodle, from the gradebook and the roster.

Canvas ("How do I import grades in the Gradebook?", and what its importer wants: `lib/gradebook_importer.rb` of
canvas-lms): the columns Student, ID, SIS User ID, SIS Login ID, Section, then one for each assignment, found by its
title or made new; a second line holds the points possible. It finds a student by ID, then SIS User ID, then SIS Login
ID, then name. Where the roster is Canvas's own export, all of these stand in it.

Moodle ("Grade import", https://docs.moodle.org/en/Grade_import): any columns; whoever imports says which one names the
student, "Email address" or "ID number", and which grade item each of the others is.

What a spreadsheet would take for a formula stands behind an apostrophe, as in the gradebook, where it is a name; in
what a platform finds its students by, that would lose the student, so there it is refused. Grades are plain numbers.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.classroom.gradebook import FORMULA, table
from lab.classroom.roster import Student
from lab.errors import LabError
from lab.exercises.catalogue import EXERCISES
from lab.exercises.exercise import Exercise

_LARGEST = 16 << 20  # bytes; a line of a gradebook has some hundred
_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_POINTS = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4})?")  # a teacher may have changed some by hand
Grades = Mapping[str, Mapping[str, str]]


def read_grades(path: Path) -> Grades:
    """Return the points of everybody in a gradebook of `lab grade`: by id and by folder of the exercise, as text.

    Exercises that have no column were not set.

    Raises:
        LabError: it cannot be read, or is no such gradebook.
    """
    try:
        with path.open("rb") as file:
            rows = list(csv.DictReader(io.StringIO(file.read(_LARGEST).decode("utf-8-sig"), newline=""), strict=True))
        folders = [exercise.folder for exercise in EXERCISES if rows and exercise.folder in rows[0]]
        grades = {row["id"]: {folder: row[folder].strip() for folder in folders} for row in rows}
        usable = bool(folders) and all(_POINTS.fullmatch(one) for line in grades.values() for one in line.values())
    except OSError as error:
        msg = f"The gradebook {path} cannot be read: {error.strerror}."
        raise LabError(msg) from error
    except (UnicodeDecodeError, csv.Error, KeyError, AttributeError):  # no such column, or a line that is too short
        usable = False
    if not usable:
        msg = f"{path} is no gradebook of these exercises: give one as `lab grade` has written it."
        raise LabError(msg)
    return grades


def canvas(students: Sequence[Student], grades: Grades) -> str:
    """Return what Canvas imports.

    Raises:
        LabError: somebody has no grades, or cannot be named.
    """
    exercises = _exercises(grades)
    rows: list[list[str | int]] = [
        [*_CANVAS, *(exercise.folder for exercise in exercises)],
        # as Canvas itself writes it
        ["    Points Possible", "", "", "", "", *(exercise.points for exercise in exercises)],
    ]
    for student in students:
        told = _columns(student)
        own = {"sis login id", "section"} <= set(told)  # Canvas's export, whose ID is Canvas's number
        named = (
            told["id"] if own else "",
            told.get("sis user id", "") if own else student.id,
            told.get("sis login id", "") if own else student.email,
        )
        rows.append(
            [
                told.get("student", student.name),
                *(_safe(student, text) for text in named),
                told.get("section", ""),
                *_of(student, grades),
            ]
        )
    return table(rows)


def moodle(students: Sequence[Student], grades: Grades) -> str:
    """Return what Moodle imports.

    Raises:
        LabError: somebody has no grades, or cannot be named.
    """
    rows: list[list[str | int]] = [["ID number", "Email address", *(one.folder for one in _exercises(grades))]]
    for student in students:
        told = _columns(student)
        named = told.get("id number") or student.id, told.get("email address") or student.email
        rows.append([*(_safe(student, text) for text in named), *_of(student, grades)])
    return table(rows)


def _columns(student: Student) -> dict[str, str]:
    return {title.strip().casefold(): value for title, value in student.columns.items()}


def _exercises(grades: Grades) -> list[Exercise[Any]]:
    """Return the exercises that were graded."""
    return [exercise for exercise in EXERCISES if any(exercise.folder in line for line in grades.values())]


def _of(student: Student, grades: Grades) -> Iterable[str]:
    try:
        return grades[student.id].values()
    except KeyError:
        msg = f"The gradebook has no line for {student.id}: grade with this roster first."
        raise LabError(msg) from None


def _safe(student: Student, text: str) -> str:
    if FORMULA.search(text):
        msg = f"The roster says {text!r} of {student.id}, which a spreadsheet would run as a formula: mend it first."
        raise LabError(msg)
    return text
