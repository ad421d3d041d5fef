"""One hand-in, examined: what is right counts, what is somebody else's is named, and nothing raises."""

import gzip
import hashlib
import io
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.classroom import examine as examining
from lab.classroom.examine import Task, examine
from lab.classroom.result import Graded, Result
from lab.errors import LabError
from lab.problems import Problem
from tests.lab.classroom.conftest import SECRET, handed_in

DATA = Path(__file__).parents[2] / "data"
PLACE = "04-record-header"


def task(path: Path, student: str = "ana") -> Task:
    return Task(student, path, SECRET, ("ana", "bob", "eve"))


def header(result: Result) -> Graded:
    return next(graded for graded in result.exercises if graded.name == "e04_record_header")


def changed(data: bytes, **files: bytes) -> bytes:
    """A hand-in with other content in some of its files of exercise 4."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            stem = Path(name).stem
            new.writestr(name, files[stem] if f"/{PLACE}/" in name and stem in files else old.read(name))
    return out.getvalue()


def test_a_solved_one(tmp_path: Path) -> None:
    path = tmp_path / "ana.zip"
    path.write_bytes(handed_in(0))
    result = examine(task(path))
    assert (result.student, result.points, header(result).points) == ("ana", 5, 5)
    assert result.problems == ()
    assert header(result).notes == ()
    assert examine(task(path)) == result


def test_somebody_elses_is_named_to_the_teacher_alone(tmp_path: Path) -> None:
    path = tmp_path / "ana.zip"
    path.write_bytes(handed_in(1))
    graded = header(examine(task(path)))
    assert graded.points == 0
    assert {outcome.mistake for outcome in graded.outcomes} == {"not_yours"}
    assert graded.notes == ("The files are those of bob.",)


def test_nobodys_in_the_roster(tmp_path: Path) -> None:
    path = tmp_path / "ana.zip"
    path.write_bytes(changed(handed_in(0), capture=(DATA / "tls13.pcapng").read_bytes()))
    assert header(examine(task(path))).notes == ("The files are those of nobody in the roster.",)


def test_keys_of_others_within_a_capture_are_told_and_count_for_nothing(
    tmp_path: Path, tool: Callable[[str], str]
) -> None:
    with zipfile.ZipFile(io.BytesIO(handed_in(0))) as archive:
        (tmp_path / "own.pcapng").write_bytes(archive.read(f"ana/{PLACE}/capture.pcapng"))
    command = [tool("editcap"), "--inject-secrets", f"tls,{DATA / 'tls13.keys.txt'}", "own.pcapng", "with.pcapng"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60, capture_output=True)
    path = tmp_path / "ana.zip"
    path.write_bytes(changed(handed_in(0), capture=(tmp_path / "with.pcapng").read_bytes()))
    graded = header(examine(task(path)))
    assert graded.points == 5
    assert len(graded.notes) == 1
    assert graded.notes[0].startswith("The capture carries keys of ")


def test_where_there_is_no_capture_the_first_file_tells_who_shares(tmp_path: Path) -> None:
    place = tmp_path / "ana" / "12-own-ca"
    place.mkdir(parents=True)
    (place / "ca.pem").write_bytes(b"no certificate")
    own_ca = next(graded for graded in examine(task(tmp_path / "ana")).exercises if graded.name == "e12_own_ca")
    assert own_ca.digest == hashlib.sha256(b"no certificate").hexdigest()


def test_a_compressed_capture_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    monkeypatch.setattr(examining, "carried_keys", opened.append)
    path = tmp_path / "ana.zip"
    path.write_bytes(changed(handed_in(0), capture=gzip.compress((DATA / "tls13.pcapng").read_bytes())))
    assert header(examine(task(path))).problem == "capture.pcapng is compressed: hand it in as it was made."
    assert opened == []


@pytest.mark.parametrize("data", [b"", b"no zip at all", b"PK\x03\x04 torn"])
def test_no_zip(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "ana.zip"
    path.write_bytes(data)
    result = examine(task(path))
    assert result.points == 0
    assert result.problems == (Problem("no_zip", "ana.zip"),)
    mistakes = {outcome.mistake for graded in result.exercises for outcome in graded.outcomes}
    assert mistakes == {"no_handin"}, "no word on an answers.toml that nobody could see"


def test_an_exercise_of_which_nothing_is_there_was_not_handed_in(tmp_path: Path) -> None:
    path = tmp_path / "ana.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"ana/{PLACE}/answers.toml", "frame = 1")
    mistakes = {graded.name: graded.outcomes[0].mistake for graded in examine(task(path)).exercises}
    assert mistakes.pop("e04_record_header") == "no_run"
    assert set(mistakes.values()) == {"no_handin"}


def test_a_mistake_of_a_check_costs_only_its_exercise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(examining, "judge", fails)
    path = tmp_path / "ana.zip"
    path.write_bytes(handed_in(0))
    graded = header(examine(task(path)))
    assert graded.problem == "The check itself failed on it: ZeroDivisionError: of ours"
    assert graded.problem in graded.notes, "a teacher is to look at it"


def test_where_code_cannot_run_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "isolation", lambda: False)
    path = tmp_path / "ana.zip"
    path.write_bytes(handed_in(0))
    with pytest.raises(LabError, match="install bubblewrap"):
        examine(task(path))


def test_where_there_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(LabError, match="no room to examine anything"):
        examine(task(tmp_path))


def test_a_worker_that_does_not_have_the_folder_grades_nothing(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="workers need the folder of the hand-ins"):
        examine(task(tmp_path / "ana.zip"))
