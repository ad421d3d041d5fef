"""Hand-ins as people and platforms name them."""

from pathlib import Path

import pytest

from lab.classroom.handins import find
from lab.classroom.roster import Student
from lab.errors import LabError

IDS = ("ana", "ana-b", "bob.7", "eve@example.org", "class", "class-7")
STUDENTS = tuple(Student(name, {"ana-b": "Ana-B Ruiz"}.get(name, name), "", "en", {}) for name in IDS)


def place(folder: Path, *names: str) -> dict[str, str | None]:
    for name in names:
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    found, _ = find(folder, STUDENTS)
    return {hand_in.student.id: str(hand_in.path.relative_to(folder)) for hand_in in found if hand_in.path is not None}


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("ana.zip", "ana"),
        ("ANA.zip", "ana"),
        ("ana/", "ana"),
        ("ana-b.zip", "ana-b"),
        ("ana_late.zip", "ana"),
        ("perezana_12_34_ana.zip", "ana"),  # Canvas
        ("perezana_12_34_ana-1.zip", "ana"),  # Canvas, the second try
        ("ana (1).zip", "ana"),  # a browser
        ("bob.7.zip", "bob.7"),
        ("eve@example.org.zip", "eve@example.org"),
        ("late_class-7.zip", "class-7"),  # no try of "class"
        ("class_1_2_class-7-3.zip", "class"),
        ("ana_12_34_bob.7-9.zip", "ana"),  # what comes last is what the student says
        ("ana\nx_ana.zip", "ana"),
        ("Ana Pérez_77_assignsubmission_file/ana.zip", "ana"),  # Moodle
        ("bob.7_77_assignsubmission_file/work.zip", "bob.7"),
        ("Ana-B Ruiz_77_assignsubmission_file/bob.7-99.zip", "ana-b"),  # no hand-in of bob's
    ],
)
def test_whose_it_is(tmp_path: Path, name: str, student: str) -> None:
    assert place(tmp_path, name) == {student: name.rstrip("/")}


@pytest.mark.parametrize("name", ["anab.zip", "susana.zip", "bobx7.zip", "notes.txt", "77.zip"])
def test_nobodys(tmp_path: Path, name: str) -> None:
    assert place(tmp_path, name) == {}
    assert find(tmp_path, STUDENTS)[1] == (name,)


def test_everybody_has_a_place_in_the_order_of_the_roster(tmp_path: Path) -> None:
    place(tmp_path, "ana.zip", ".hidden")
    found, strays = find(tmp_path, STUDENTS)
    assert [hand_in.student.id for hand_in in found] == list(IDS)
    assert [hand_in.path is not None for hand_in in found] == [True, *[False] * 5]
    assert strays == ()


def test_two_tries_the_last_counts_and_it_is_said(tmp_path: Path) -> None:
    assert place(tmp_path, "ana.zip", "x_ana-2.zip", "x_ana-10.zip") == {"ana": "x_ana-10.zip"}
    found, _ = find(tmp_path, STUDENTS)
    assert found[0].notes == (
        "There is ana.zip, too; x_ana-10.zip was graded.",
        "There is x_ana-2.zip, too; x_ana-10.zip was graded.",
    )


def test_two_ids_in_a_name_are_told(tmp_path: Path) -> None:
    assert place(tmp_path, "ana_12_34_bob.7-9.zip", "bob.7.zip") == {
        "ana": "ana_12_34_bob.7-9.zip",
        "bob.7": "bob.7.zip",
    }
    ana, _, bob, *_ = find(tmp_path, STUDENTS)[0]
    assert bob.notes == ()
    assert [note.partition(" in its name")[0] for note in ana.notes] == ["ana_12_34_bob.7-9.zip has the id of bob.7"]


def test_names_are_data(tmp_path: Path) -> None:
    (tmp_path / "\x1b[31mred").touch()
    assert "\x1b" not in find(tmp_path, STUDENTS)[1][0]


def test_a_link_to_a_folder_is_not_looked_into(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.zip").touch()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ana").symlink_to(tmp_path / "elsewhere")
    assert place(tmp_path / "in") == {"ana": "ana"}


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot be read"):
        find(tmp_path / "none", STUDENTS)
