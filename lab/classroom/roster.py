"""The roster: who is in the course. A CSV file from a learning platform or by hand; data from outside."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from capture.explanations import LANGUAGES, Language
from chat.escape import visible
from lab.errors import LabError

_LARGEST = 4 << 20  # bytes; a line of a roster has about a hundred
_MOST = 20_000  # students
# it names folders and files, on systems that do not tell capitals apart, too
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Student:
    """One line of the roster.

    Attributes:
        id: names the student everywhere: 1 to 64 letters, digits and ._@+-.
        name: as people say it; the id where the roster has none.
        email: "" where the roster has none.
        language: of tasks, hints and feedback.
        columns: the whole line as it stands in the roster, by the column's title: for platforms that want it back.
    """

    id: str
    name: str
    email: str
    language: Language
    columns: Mapping[str, str] = field(repr=False)


def read_roster(path: Path, language: Language) -> tuple[Student, ...]:
    """Return the students in a roster, in its order.

    Args:
        path: CSV in UTF-8 with a line of titles: `id`, and where there are any `name`, `email`, `language` (en, es).
        language: of those for whom the roster names none.

    Raises:
        LabError: it cannot be read, or a line of it cannot be used.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        msg = f"The roster {path} cannot be read: {error.strerror}."
        raise LabError(msg) from error
    if len(data) > _LARGEST:
        msg = f"The roster {path} is larger than {_LARGEST >> 20} MiB: is it a roster?"
        raise LabError(msg)
    try:
        text = data.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True))
    except UnicodeDecodeError as error:
        msg = f"The roster {path} is not UTF-8: save it as “CSV UTF-8”."
        raise LabError(msg) from error
    except csv.Error as error:
        msg = f"The roster {path} is no CSV file: {error}."
        raise LabError(msg) from error
    students = [
        _student(path, number, row, language) for number, row in enumerate(rows, start=2) if not _of_canvas(row)
    ]
    if not students:
        msg = f"The roster {path} has nobody in it: it needs a line of titles with `id`, and a line for each student."
        raise LabError(msg)
    if len(students) > _MOST:
        msg = f"The roster {path} has more than {_MOST:,} students."
        raise LabError(msg)
    seen: dict[str, Student] = {}
    for student in students:
        if (other := seen.setdefault(student.id.casefold(), student)) is not student:
            msg = f"The roster {path} has {student.id} twice ({other.name} and {student.name}): give one another id."
            raise LabError(msg)
    return tuple(students)


def _delimiter(text: str) -> str:
    """Return what separates the titles: spreadsheets of some countries write semicolons."""
    titles = text.partition("\n")[0]
    return max(_DELIMITERS, key=titles.count)


def _of_canvas(row: Mapping[str, str | None]) -> bool:
    """Tell whether a line of Canvas's export is about the assignments, as those below its titles are."""
    return (row.get("Student") or "Student").strip() == "Points Possible" or (
        row.get("Student") == "" and not any(row.get(title) for title in ("ID", "SIS Login ID"))
    )


def _student(path: Path, number: int, row: Mapping[str | None, str | list[str] | None], default: Language) -> Student:
    columns = {title: value.strip() for title, value in row.items() if title and isinstance(value, str)}
    by_title = {title.strip().casefold(): value for title, value in columns.items()}
    if "id" not in by_title:
        msg = f"The roster {path} has no column `id`, or line {number} has nothing in it."
        raise LabError(msg)
    identity = by_title["id"]
    if not _ID.fullmatch(identity) or identity.endswith("."):
        msg = (
            f"The roster {path}, line {number}: {visible(identity)!r} is no id. It has 1 to 64 letters, digits and "
            "._@+-, and begins with a letter or digit."
        )
        raise LabError(msg)
    told = by_title.get("language", "").casefold() or default
    language = next((known for known in LANGUAGES if known == told), None)
    if language is None:
        msg = (
            f"The roster {path}, line {number}: {visible(told)!r} is no language of the lab: {' or '.join(LANGUAGES)}."
        )
        raise LabError(msg)
    name = visible(by_title.get("name", "") or by_title.get("student", "")) or identity  # Canvas has a column Student
    return Student(identity, name, visible(by_title.get("email", "")), language, columns)
