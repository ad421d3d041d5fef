"""Exports the grader as an autograder of Gradescope: a zip that runs there for each submission.

What is in it, and where it ends up, is Gradescope's ("Autograder Specifications",
https://gradescope-autograders.readthedocs.io/en/latest/specs/): `setup.sh` makes the image, `run_autograder` grades a
submission. Beside them lie the lab's packages, the roster and the course's secret: the zip is the teacher's, and is for
Gradescope only. What runs there is `lab.classroom.gradescope_run`.
"""

import io
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from capture.explanations import Language
from lab.classroom.gradescope_run import ROSTER, SECRET, SETTINGS
from lab.errors import LabError
from lab.exercises.exercise import Exercise

_ROOT = Path(__file__).parent.parent.parent
_PACKAGES = ("capture", "certs", "chat", "lab")
_LEFT_OUT = {"__pycache__", "local"}  # certs/local has the keys of this machine
_FIRST = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can name; the real one would differ from run to run


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
    packed = io.BytesIO()
    try:
        with zipfile.ZipFile(packed, "w") as archive:
            for name, data, mode in _files(exercises, roster, secret, language, isolated=isolated):
                entry = zipfile.ZipInfo(name, _FIRST)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3  # Unix, so that the mode counts (APPNOTE.TXT, 4.4.2)
                entry.external_attr = mode << 16
                archive.writestr(entry, data)
    except OSError as error:
        msg = f"A file of the lab cannot be read: {error}."
        raise LabError(msg) from error
    return packed.getvalue()


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
    yield "requirements.lock", (_ROOT / "requirements.lock").read_bytes(), 0o644
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*")):
            place = path.relative_to(_ROOT)
            if path.is_file() and not _LEFT_OUT & set(place.parts):
                yield place.as_posix(), path.read_bytes(), 0o644


def write_private(target: Path, data: bytes) -> None:
    """Write a file that only its owner may read.

    Raises:
        LabError: it cannot be written.
    """
    new = target.with_name(f".{target.name}.new")
    try:
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        new.replace(target)
    except OSError as error:
        msg = f"{target} cannot be written: {error.strerror}."
        raise LabError(msg) from error
