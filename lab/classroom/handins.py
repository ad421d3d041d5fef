"""Finds the hand-ins in a folder, as people or learning platforms leave them there, and whose each is. Opens none."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chat.escape import visible
from lab.classroom.roster import Student
from lab.errors import LabError

# A second try of the same student is "ana-1.zip" (Canvas) or "ana (1).zip" (browsers).
_AGAIN = re.compile(r"(.*?)(?:-(\d{1,3})| \((\d{1,3})\))?")


@dataclass(frozen=True, slots=True)
class HandIn:
    """What one student has handed in.

    Attributes:
        student: whose it is.
        path: the zip or folder; None where there is nothing.
        notes: what a teacher should know of how it was found, a sentence each.
    """

    student: Student
    path: Path | None
    notes: tuple[str, ...] = ()


def find(folder: Path, students: Sequence[Student]) -> tuple[tuple[HandIn, ...], tuple[str, ...]]:
    """Return a hand-in for each student, in the order of the roster, and the names of what is nobody's.

    What counts as a student's: "ana.zip", a folder "ana", and whatever begins or ends with the id and a separator, as
    platforms name it: "ana_late.zip", "perezana_12_34_ana.zip", "Ana Pérez_77_assignsubmission_file/ana.zip".

    Raises:
        LabError: the folder cannot be read.
    """
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        found: dict[str, list[tuple[int, Path]]] = {}
        strays = []
        by_id = {student.id.casefold(): student for student in students}
        for entry in entries:
            inside = sorted(entry.glob("*.zip")) if entry.is_dir() and not entry.is_symlink() else []
            # a folder that holds nothing but a zip is the platform's, not the student's
            path = inside[0] if len(inside) == 1 and len(list(entry.iterdir())) == 1 else entry
            named = _whose(path, by_id) or _whose(entry, by_id)
            if named is None:
                strays.append(visible(entry.name))
            else:
                student, attempt = named
                found.setdefault(student.id, []).append((attempt, path))
    except OSError as error:
        msg = f"The hand-ins in {folder} cannot be read: {error.strerror}."
        raise LabError(msg) from error
    return tuple(_hand_in(student, found.get(student.id, [])) for student in students), tuple(strays)


def _whose(path: Path, by_id: dict[str, Student]) -> tuple[Student, int] | None:
    """Return the student a name belongs to, and the number of the try."""
    stem = path.name.removesuffix(".zip").casefold()
    if stem in by_id:
        return by_id[stem], 0
    told = _AGAIN.fullmatch(stem)
    assert told is not None
    name, attempt = told[1], int(told[2] or told[3] or 0)
    # the longest id first: "ana-b" before "ana"
    for known in sorted(by_id, key=lambda known: (-len(known), known)):
        if re.fullmatch(rf"(?:.*[_ ])?{re.escape(known)}(?:[_ ].*)?", name):
            return by_id[known], attempt
    return None


def _hand_in(student: Student, found: list[tuple[int, Path]]) -> HandIn:
    if not found:
        return HandIn(student, None)
    *others, (_, path) = sorted(found)
    notes = tuple(f"There is {visible(other.name)}, too; {visible(path.name)} was graded." for _, other in others)
    return HandIn(student, path, notes)
