"""A small class: a secret, three students in two languages, and one hand-in solved."""

import functools
import tempfile
import zipfile
from pathlib import Path

from capture.rights import Choice, Way
from lab.classroom.bundle import bundle
from lab.classroom.packing import pack
from lab.classroom.roster import Student
from lab.exercises.desk import Desk, read_desk
from lab.exercises.e04_record_header.checks import EXERCISE
from tests.lab.exercises.solvers import e04

SECRET = bytes(range(32))
STUDENTS = (
    Student("ana", "Ana Pérez", "ana@example.org", "es", {"id": "ana"}),
    Student("bob", "Bob <b>Bold</b>", "", "en", {"id": "bob"}),
    Student("eve", "Eve", "", "en", {"id": "eve"}),
)


def unbundle(student: Student, target: Path) -> Desk:
    """Unpack a student's bundle as the student would."""
    packed = target / f"{student.id}.bundle.zip"
    packed.write_bytes(bundle(SECRET, student))
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(target)
    packed.unlink()
    return read_desk(target / student.id)


@functools.cache
def handed_in(number: int) -> bytes:
    """The hand-in of the student with this number: exercise 4 run by the tap and solved, nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        desk = unbundle(STUDENTS[number], Path(folder))
        desk.run(EXERCISE, Choice(Way.TAP, ""))
        e04.solve(desk.place(EXERCISE))
        pack(desk, desk.path / "handin.zip")
        return (desk.path / "handin.zip").read_bytes()
