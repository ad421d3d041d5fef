import zipfile
from pathlib import Path

import pytest

from lab.bench import grading
from lab.bench.figures import Size
from lab.classroom.examine import Task, examine
from lab.exercises.catalogue import EXERCISES

TINY = Size(rounds=1, messages=0, seconds=0, cycles=0, peer_cycles=0, through_tshark=0, packets=())


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading, "_WORKERS", (2, 1))
    monkeypatch.setattr(grading, "_HAND_INS", 2)


def test_one_worker_and_two() -> None:
    (row,) = grading.grading(TINY)
    assert [side.name for side in (row.ours, *row.peers)] == ["2 workers", "1 worker"]
    assert all(side.values and side.values[0] > 0 for side in (row.ours, *row.peers))


def test_what_is_graded_is_a_whole_hand_in(tmp_path: Path) -> None:
    path = grading.hand_in(tmp_path)
    with zipfile.ZipFile(path) as archive:
        assert sum(name.endswith("capture.pcapng") for name in archive.namelist()) > 10
    result = examine(Task("ana", path, grading._SECRET, ("ana",)))
    judged = [graded for graded in result.exercises if graded.name not in grading._LEFT_OUT]
    assert not [graded.name for graded in judged if graded.problem], "every check has come to its answers"
    assert len(judged) == len(EXERCISES) - 2
