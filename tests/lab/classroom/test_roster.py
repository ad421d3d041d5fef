"""Rosters as people and platforms write them, and those that cannot be used."""

from pathlib import Path

import pytest

from lab.classroom.roster import read_roster
from lab.errors import LabError


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> object:
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return read_roster(path, "en")


@pytest.mark.parametrize(
    "text",
    [
        "id,name,email,language\nana,Ana Pérez,ana@x.org,es\nbob,,,\n",
        "\ufeffid;name;email;language\r\nana;Ana Pérez;ana@x.org;ES\r\nbob;;;\r\n",
        "ID\tName\tEmail\tLanguage\nana\t Ana Pérez \tana@x.org\tes\nbob\t\t\t\n",
    ],
)
def test_as_spreadsheets_write_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(text, "utf-8", newline="")
    ana, bob = read_roster(path, "en")
    assert (ana.id, ana.name, ana.email, ana.language) == ("ana", "Ana Pérez", "ana@x.org", "es")
    assert (bob.id, bob.name, bob.email, bob.language) == ("bob", "bob", "", "en")


def test_columns_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("Student,id,SIS User ID\nPérez,ana,77\n", "utf-8")
    assert read_roster(path, "es")[0].columns == {"Student": "Pérez", "id": "ana", "SIS User ID": "77"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has nobody in it"),
        ("id,name\n", "has nobody in it"),
        ("name\nAna\n", "has no column `id`"),
        ("id\nana\nANA\n", "has ANA twice"),
        ("id\n../../etc\n", "is no id"),
        ("id\na/b\n", "is no id"),
        ("id\nana.\n", "is no id"),
        ("id\n.ana\n", "is no id"),
        ("id\n\x1b[31m\n", r"is no id"),
        ("id\n" + "a" * 65 + "\n", "is no id"),
        ("id,language\nana,fr\n", "is no language of the lab: en or es"),
        ('id\n"ana\n', "is no CSV file"),
    ],
)
def test_what_cannot_be_used(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LabError, match=said) as caught:
        read(tmp_path, text)
    assert "\x1b" not in str(caught.value)


def test_not_utf8_too_large_not_there(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="is not UTF-8"):
        read(tmp_path, "id,name\nana,Pérez\n", "latin-1")
    with pytest.raises(LabError, match="larger than 4 MiB"):
        read(tmp_path, "id\n" + "x" * (4 << 20))
    with pytest.raises(LabError, match="cannot be read: No such file"):
        read_roster(tmp_path / "none.csv", "en")
