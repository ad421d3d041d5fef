"""Finds the hand-ins in a folder, as people or learning platforms leave them there, and whose each is. Opens none."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chat.escape import visible
from lab.classroom.roster import Student
from lab.errors import LabError

# A second try of the same student is "ana-1.zip" (Canvas) or "ana (1).zip" (browsers).
_AGAIN = re.compile(r"-(\d{1,3})\Z| \((\d{1,3})\)\Z")


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

    What counts as a student's: "ana.zip", a folder "ana", and whatever has the id in its name, set apart by "_" or a
    space, as platforms name it: "ana_late.zip", "perezana_12_34_ana.zip", "Ana Pérez_77_assignsubmission_file/ana.zip".

    Raises:
        LabError: the folder cannot be read.
    """
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        found: dict[str, list[tuple[int, Path]]] = {}
        strays = []
        by_id = {student.id.casefold(): student for student in students}
        names = [student.name.casefold() for student in students]
        by_name = {
            name: student.id.casefold() for name, student in zip(names, students, strict=True) if names.count(name) == 1
        }
        # the longest first: "ana-2" before "ana"
        known = "|".join(map(re.escape, sorted(by_id, key=len, reverse=True)))
        ids = re.compile(rf"(?<![^_ ])(?:{known})(?=[_ ]|\Z|-\d{{1,3}}\Z)")
        for entry in entries:
            inside = sorted(entry.glob("*.zip")) if entry.is_dir() and not entry.is_symlink() else []
            # a folder that holds nothing but a zip is the platform's, not the student's
            path = inside[0] if len(inside) == 1 and len(list(entry.iterdir())) == 1 else entry
            # Moodle's begins with the name; the zip in it is named by whoever handed it in
            owner = by_name.get(entry.name.partition("_")[0].casefold()) if path != entry else None
            named = (owner, 0) if owner is not None else _whose(path, ids) or _whose(entry, ids)
            if named is None:
                strays.append(visible(entry.name))
            else:
                identity, attempt = named
                found.setdefault(by_id[identity].id, []).append((attempt, path))
    except OSError as error:
        msg = f"The hand-ins in {folder} cannot be read: {error.strerror}."
        raise LabError(msg) from error
    return tuple(_hand_in(student, found.get(student.id, []), ids) for student in students), tuple(strays)


def _whose(path: Path, ids: re.Pattern[str]) -> tuple[str, int] | None:
    """Return the id that a name has, in small letters, and the number of the try.

    Of two ids the first counts: platforms put theirs in front of what students call their files.
    """
    stem = _stem(path)
    named = ids.search(stem)
    if named is None:
        return None
    again = _AGAIN.search(stem, named.end())
    return named[0], int(again[1] or again[2]) if again else 0


def _stem(path: Path) -> str:
    return path.name.removesuffix(".zip").casefold()


def _hand_in(student: Student, found: list[tuple[int, Path]], ids: re.Pattern[str]) -> HandIn:
    if not found:
        return HandIn(student, None)
    *others, (_, path) = sorted(found)
    name = visible(path.name)
    notes = [f"There is {visible(other.name)}, too; {name} was graded." for _, other in others]
    if more := sorted({*ids.findall(_stem(path))} - {student.id.casefold()}):
        notes.append(f"{name} has the id of {' and '.join(more)} in its name, too: is it whose it seems to be?")
    return HandIn(student, path, tuple(notes))
