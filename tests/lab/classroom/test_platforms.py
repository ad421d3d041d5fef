"""What Canvas and Moodle import, read again as they read it."""

import csv
import io
from pathlib import Path

import pytest

from lab.classroom.platforms import canvas, moodle, read_grades
from lab.classroom.roster import Student, read_roster
from lab.errors import LabError
from lab.exercises.catalogue import EXERCISES

FOLDERS = [exercise.folder for exercise in EXERCISES]
GRADES = {"ana": dict.fromkeys(FOLDERS, "5"), "bob": dict.fromkeys(FOLDERS, "0.5")}
# as Canvas writes it: below the titles a line on how grades are posted, and one with the points
EXPORT = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Test (77),Final Score\n"
    ",,,,,Manual Posting,\n"
    "    Points Possible,,,,,10,(read only)\n"
    '"Pérez, Ana",901,s-1,ana@x.org,Red,7,70\n'
    '"Bold, =B",902,s-2,bob@x.org,=Blue,8,80\n'
)


def student(name: str, **columns: str) -> Student:
    told = {title.replace("_", " "): value for title, value in columns.items()}
    return Student(name, name.title(), f"{name}@x.org", "en", {"id": name, **told})


def rows(text: str) -> list[list[str]]:
    assert not text.startswith("\ufeff"), "Canvas looks for Student in the first cell"
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def test_canvas_with_a_roster_of_ones_own() -> None:
    titles, possible, ana, bob = rows(canvas([student("ana"), student("bob")], GRADES))
    assert titles == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *FOLDERS]
    assert possible == ["    Points Possible", "", "", "", "", *(str(exercise.points) for exercise in EXERCISES)]
    assert ana == ["Ana", "", "ana", "ana@x.org", "", *GRADES["ana"].values()]
    assert bob[5:] == list(GRADES["bob"].values())


def test_canvas_with_its_own_export(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(EXPORT, "utf-8")
    students = read_roster(tmp_path / "export.csv", "en")
    assert [(one.id, one.name) for one in students] == [("901", "Pérez, Ana"), ("902", "Bold, =B")]
    _, _, *lines = rows(canvas(students, {"901": GRADES["ana"], "902": GRADES["bob"]}))
    assert lines == [
        ["Pérez, Ana", "901", "s-1", "ana@x.org", "Red", *GRADES["ana"].values()],
        ["Bold, =B", "902", "s-2", "bob@x.org", "'=Blue", *GRADES["bob"].values()],
    ]


def test_moodle() -> None:
    students = [student("ana"), student("bob", ID_number="0042", Email_address="b@y.org")]
    assert rows(moodle(students, GRADES)) == [
        ["ID number", "Email address", *FOLDERS],
        ["ana", "ana@x.org", *GRADES["ana"].values()],
        ["0042", "b@y.org", *GRADES["bob"].values()],
    ]


@pytest.mark.parametrize("sign", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_formula_is_no_name_of_anybody(sign: str) -> None:
    with pytest.raises(LabError, match="spreadsheet would run"):
        moodle([student("ana", ID_number=sign)], GRADES)
    with pytest.raises(LabError, match="spreadsheet would run"):
        canvas([student("ana", SIS_Login_ID=sign, Section="")], GRADES)
    _, _, ana = rows(canvas([student("ana", Student=sign)], GRADES))
    assert ana[0] == f"'{sign}"


def test_somebody_without_grades() -> None:
    with pytest.raises(LabError, match="no line for eve"):
        moodle([student("ana"), student("eve")], GRADES)


def test_a_gradebook_is_read(tmp_path: Path) -> None:
    path = tmp_path / "book.csv"
    path.write_text(f"id,name,{','.join(FOLDERS)},total\nana,'=x,{','.join(GRADES['ana'].values())},80\n", "utf-8-sig")
    assert read_grades(path) == {"ana": GRADES["ana"]}


def test_what_was_not_set_is_not_exported(tmp_path: Path) -> None:
    """No column, and so no zero, and no title in which a platform would look for points."""
    path = tmp_path / "book.csv"
    path.write_text(f"id,{FOLDERS[3]},{FOLDERS[0]},total\nana,4,1,5\n", "utf-8-sig")
    grades = read_grades(path)
    titles, possible, ana = rows(canvas([student("ana")], grades))
    points = [str(EXERCISES[number].points) for number in (0, 3)]
    assert (titles[5:], possible[5:], ana[5:]) == ([FOLDERS[0], FOLDERS[3]], points, ["1", "4"])
    assert [line[2:] for line in rows(moodle([student("ana")], grades))] == [[FOLDERS[0], FOLDERS[3]], ["1", "4"]]


@pytest.mark.parametrize(
    "text",
    [
        "id,total\nana,5\n",
        f"name,{','.join(FOLDERS)}\nana,{','.join('5' for _ in FOLDERS)}\n",
        f"id,{','.join(FOLDERS)}\n",
        f"id,{','.join(FOLDERS)}\nana,5\n",
        f"id,{','.join(FOLDERS)}\nana,{','.join('=1' for _ in FOLDERS)}\n",
        f"id,{','.join(FOLDERS)}\nana,{','.join('-1' for _ in FOLDERS)}\n",
        'id\n"ana\n',
        "id\n\udcff\n",
    ],
)
def test_what_is_no_gradebook(tmp_path: Path, text: str) -> None:
    path = tmp_path / "book.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(LabError, match="is no gradebook of these exercises"):
        read_grades(path)


def test_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot be read"):
        read_grades(tmp_path / "none.csv")
