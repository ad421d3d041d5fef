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
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.classroom.gradebook import FORMULA, table
from lab.classroom.roster import Student
from lab.errors import LabError
from lab.exercises.catalogue import EXERCISES

_LARGEST = 16 << 20  # bytes; a line of a gradebook has some hundred
_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_POINTS = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4})?")  # a teacher may have changed some by hand
Grades = Mapping[str, Sequence[str]]


def read_grades(path: Path) -> Grades:
    """Return the points of everybody in a gradebook of `lab grade`: by id, as text, in the order of the exercises.

    Raises:
        LabError: it cannot be read, or is no such gradebook.
    """
    try:
        with path.open("rb") as file:
            rows = list(csv.DictReader(io.StringIO(file.read(_LARGEST).decode("utf-8-sig"), newline=""), strict=True))
        grades = {row["id"]: [row[exercise.folder].strip() for exercise in EXERCISES] for row in rows}
        usable = all(_POINTS.fullmatch(points) for line in grades.values() for points in line)
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
    points = [exercise.points for exercise in EXERCISES]
    rows: list[list[str | int]] = [
        [*_CANVAS, *(exercise.folder for exercise in EXERCISES)],
        ["    Points Possible", "", "", "", "", *points],  # as Canvas itself writes it
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
    rows: list[list[str | int]] = [["ID number", "Email address", *(exercise.folder for exercise in EXERCISES)]]
    for student in students:
        told = _columns(student)
        named = told.get("id number") or student.id, told.get("email address") or student.email
        rows.append([*(_safe(student, text) for text in named), *_of(student, grades)])
    return table(rows)


def _columns(student: Student) -> dict[str, str]:
    return {title.strip().casefold(): value for title, value in student.columns.items()}


def _of(student: Student, grades: Grades) -> Sequence[str]:
    try:
        return grades[student.id]
    except KeyError:
        msg = f"The gradebook has no line for {student.id}: grade with this roster first."
        raise LabError(msg) from None


def _safe(student: Student, text: str) -> str:
    if FORMULA.search(text):
        msg = f"The roster says {text!r} of {student.id}, which a spreadsheet would run as a formula: mend it first."
        raise LabError(msg)
    return text
