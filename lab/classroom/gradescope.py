"""Exports the grader as an autograder of Gradescope: a zip that runs there for each submission.

What is in it, and where it ends up, is Gradescope's ("Autograder Specifications",
https://gradescope-autograders.readthedocs.io/en/latest/specs/): `setup.sh` makes the image, `run_autograder` grades a
submission. Beside them lie the lab's packages, the roster and the course's secret: the zip is the teacher's, and is for
Gradescope only. What runs there is `lab.classroom.gradescope_run`.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from capture.explanations import Language
from lab.classroom.gradescope_run import ROSTER, SECRET, SETTINGS
from lab.classroom.grading import PACKAGES, ROOT
from lab.classroom.zips import zipped
from lab.errors import LabError
from lab.exercises.exercise import Exercise

_LEFT_OUT = {"__pycache__", "local"}  # certs/local has the keys of this machine


def autograder(
    exercises: Sequence[Exercise[Any]], roster: bytes, secret: bytes, language: Language, *, isolated: bool
) -> bytes:
    """Return the zip of an autograder.

    Args:
        exercises: that it grades.
        roster: the roster's file, as it is.
        secret: of the course.
        language: of those for whom the roster names none, and of what is said to those who are not in it.
        isolated: whether students' code runs apart from the rest of what is in the container, or not at all.

    Raises:
        LabError: a file of the lab cannot be read.
    """
    try:
        return zipped(_files(exercises, roster, secret, language, isolated=isolated))
    except OSError as error:
        msg = f"A file of the lab cannot be read: {error}."
        raise LabError(msg) from error


def _files(
    exercises: Sequence[Exercise[Any]], roster: bytes, secret: bytes, language: Language, *, isolated: bool
) -> Iterator[tuple[str, bytes, int]]:
    """Yield name, content and mode of every file."""
    here = Path(__file__).parent
    for name in ("setup.sh", "run_autograder"):
        yield name, (here / f"gradescope.{name}").read_bytes(), 0o755
    told = {"exercises": [exercise.number for exercise in exercises], "language": language, "isolated": isolated}
    yield SETTINGS, json.dumps(told, indent=1).encode() + b"\n", 0o644
    yield ROSTER, roster, 0o600
    yield SECRET, secret.hex().encode() + b"\n", 0o600
    yield "requirements.lock", (ROOT / "requirements.lock").read_bytes(), 0o644
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            place = path.relative_to(ROOT)
            if path.is_file() and not _LEFT_OUT & set(place.parts):
                yield place.as_posix(), path.read_bytes(), 0o644
