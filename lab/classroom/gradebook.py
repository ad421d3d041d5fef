"""The gradebook: a line for each student, a column for each exercise, as CSV that spreadsheets and platforms take."""

import csv
import io
import re
from collections.abc import Mapping, Sequence

from lab.classroom.result import Result
from lab.classroom.roster import Student
from lab.problems import sentence

# A spreadsheet takes a cell that begins so for a formula, and runs it (OWASP, "CSV Injection"). Where numbers have a
# comma, it begins a cell at ";".
FORMULA = re.compile(r"(^|[;\t\r\n])(?=[=+\-@\t\r])")


def gradebook(students: Sequence[Student], results: Mapping[str, Result]) -> str:
    """Return the gradebook as CSV, in the order of the roster; its last column says what to look at by hand."""
    folders = [graded.exercise.folder for graded in results[students[0].id].exercises]
    rows: list[list[str | int]] = [["id", "name", "email", *folders, "total", "of", "notes"]]
    for student in students:
        result = results[student.id]
        rows.append(
            [
                student.id,
                student.name,
                student.email,
                *(graded.points for graded in result.exercises),
                result.points,
                result.most,
                " ".join(notes_of(result)),
            ]
        )
    return table(rows)


def notes_of(result: Result) -> tuple[str, ...]:
    """Return what a teacher should know of a hand-in, a sentence each, with the number of the exercise it is about."""
    of_exercises = (f"Exercise {one.exercise.number}: {note}" for one in result.exercises for note in one.notes)
    return (*(sentence(problem, "en") for problem in result.problems), *of_exercises)


def table(rows: Sequence[Sequence[str | int]]) -> str:
    """Return rows as CSV (RFC 4180); what a spreadsheet would take for a formula stands behind an apostrophe."""
    text = io.StringIO()
    csv.writer(text).writerows([[_harmless(cell) for cell in row] for row in rows])
    return text.getvalue()


def _harmless(cell: str | int) -> str | int:
    return FORMULA.sub(r"\1'", cell) if isinstance(cell, str) else cell
