"""What runs at Gradescope for each submission: finds out whose it is, judges it, writes results.json.

In /autograder Gradescope puts `submission`, what was handed in, and submission_metadata.json, who did
(https://gradescope-autograders.readthedocs.io/en/latest/submission_metadata/); in `source` the zip of
`lab.classroom.gradescope` is unpacked. It expects results/results.json (…/latest/specs/, "Output format"). Students
read all of it, so it holds hints in their language, no right answer, and nobody else's name; the standard output is the
teacher's. Whatever was handed in, there is a results.json.
"""

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from capture.errors import CaptureError
from capture.explanations import Language
from lab.classroom.examine import judged
from lab.classroom.roster import Student, read_roster
from lab.classroom.secret import read_secret
from lab.errors import LabError
from lab.exercises import texts
from lab.exercises.desk import find_exercise
from lab.exercises.draw import draw_of
from lab.exercises.exercise import Exercise
from lab.exercises.feedback import say
from lab.exercises.judge import is_of, searched
from lab.exercises.work import Work
from lab.problems import sentence
from lab.sandbox import isolation
from lab.unpacking import unpack

SETTINGS, ROSTER, SECRET = "course.json", "roster.csv", "course.secret"  # in `source`
_WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "unknown": "You are not in the list of this course: tell your teacher.",
        "failed": "This could not be graded: tell your teacher.",
        "left_out": "Not everything that you handed in could be used.",
    },
    "es": {
        "unknown": "No estás en la lista de este curso: díselo a tu profesor o profesora.",
        "failed": "No se ha podido evaluar: díselo a tu profesor o profesora.",
        "left_out": "No se ha podido usar todo lo que has entregado.",
    },
}


def main() -> int:
    """Grade what Gradescope has put there; return the exit status."""
    base = Path(os.environ.get("LAB_AUTOGRADER", "/autograder"))
    language: Language = "en"
    try:
        settings = json.loads((base / "source" / SETTINGS).read_text("utf-8"))
        language = settings["language"]
        results = grade(base, settings)
    except LabError as error:
        sys.stdout.write(f"{error}\n")
        results = _nothing(language, "failed")
    except Exception:
        traceback.print_exc(file=sys.stdout)
        results = _nothing(language, "failed")
    (base / "results").mkdir(exist_ok=True)
    # ASCII only: whatever a hint holds, what reads it cannot take it for something else
    (base / "results" / "results.json").write_text(json.dumps(results, indent=1) + "\n", "ascii")
    return 0


def grade(base: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of a submission, as Gradescope wants them.

    Raises:
        LabError: what came with the autograder cannot be used.
    """
    exercises = [find_exercise(number) for number in settings["exercises"]]
    students = read_roster(base / "source" / ROSTER, settings["language"])
    secret = read_secret(base / "source" / SECRET)
    isolated = settings["isolated"]
    if isolated and not isolation():
        sys.stdout.write("bubblewrap does not work here: code that was handed in is not run, and earns nothing.\n")
    submitters = _submitters(base / "submission_metadata.json", students)
    if not submitters:
        sys.stdout.write("Nobody of those who handed this in is in the roster, by email or id.\n")
        return _nothing(settings["language"], "unknown")
    with tempfile.TemporaryDirectory(prefix="lab-gradescope-") as private:
        apart = Path(private) / "handin"
        unpacked = unpack(_handed_in(base / "submission"), apart)
        places = [(exercise, _place(apart, exercise, exercises)) for exercise in exercises]
        student = _whose(submitters, places, secret)
        tests = [test for place in places for test in _tests(*place, student, secret, isolated=isolated)]
    said = [sentence(problem, "en") for problem in unpacked.problems]
    sys.stdout.writelines(f"{line}\n" for line in (f"Graded as {student.id}.", *said))
    return {
        "score": sum(test["score"] for test in tests),
        "output": _WORDS[student.language]["left_out"] if said else "",
        "output_format": "text",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def _nothing(language: Language, why: str) -> dict[str, Any]:
    return {"score": 0, "output": _WORDS[language][why], "output_format": "text", "stdout_visibility": "hidden"}


def _submitters(metadata: Path, students: Sequence[Student]) -> list[Student]:
    """Return who handed in, one or a group, in Gradescope's order: by email, or by the student id."""
    users = json.loads(metadata.read_text("utf-8"))["users"]
    told = [{str(user.get(key) or "").casefold() for key in ("email", "sid")} - {""} for user in users]
    return [
        student for names in told for student in students if names & {student.email.casefold(), student.id.casefold()}
    ]


def _handed_in(folder: Path) -> Path:
    """Return what was handed in: the folder, or the zip that is all there is in it."""
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].suffix == ".zip" else folder


def _place(apart: Path, exercise: Exercise[Any], exercises: Sequence[Exercise[Any]]) -> Path:
    """Return where the files of an exercise are: its folder, or, where only one is graded, all there is."""
    named = apart / exercise.folder
    return apart if len(exercises) == 1 and not named.is_dir() else named


def _whose(submitters: Sequence[Student], places: Sequence[tuple[Exercise[Any], Path]], secret: bytes) -> Student:
    """Return the one of a group whose files these are; the first where they are nobody's of it."""
    for student in submitters:
        if any(_is_of(student, exercise, place, secret) for exercise, place in places):
            return student
    return submitters[0]


def _is_of(student: Student, exercise: Exercise[Any], place: Path, secret: bytes) -> bool:
    draw = draw_of(secret, student.id, exercise.name)
    try:
        return bool(exercise.evidence) and is_of(exercise, searched(exercise, Work(place, draw)), draw)
    except (LabError, CaptureError):
        return False


def _tests(
    exercise: Exercise[Any], place: Path, student: Student, secret: bytes, *, isolated: bool
) -> Iterator[dict[str, Any]]:
    work = Work(place, draw_of(secret, student.id, exercise.name), isolated=isolated)
    for number, (step, outcome) in enumerate(zip(exercise.steps, judged(exercise, work).outcomes, strict=True), 1):
        hint = outcome.mistake and texts.hint(exercise.name, step.name, outcome.mistake, student.language)
        yield {
            "number": f"{exercise.number}.{number}",
            "name": f"{exercise.folder}: {step.name}",
            "score": outcome.points,
            "max_score": step.points,
            "status": "failed" if hint else "passed",
            "output": hint or say(student.language, "right"),
            "output_format": "text",
            "visibility": "visible",
        }


if __name__ == "__main__":
    raise SystemExit(main())
