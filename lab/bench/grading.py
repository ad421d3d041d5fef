"""Hand-ins graded, by one process and by more: a whole hand-in of captures and code, but for two exercises.

What is left out needs working code of a student's, and waits for seconds where it hangs: that time says nothing of the
grader.
"""

import shutil
import tempfile
import time
import zipfile
from functools import partial
from pathlib import Path

from capture.rights import Choice, Way
from lab.bench.figures import Row, Size, in_turn
from lab.classroom.bundle import bundle
from lab.classroom.examine import Task, examine
from lab.classroom.executors import processes
from lab.classroom.packing import pack
from lab.classroom.roster import Student
from lab.exercises.answers import blank
from lab.exercises.catalogue import EXERCISES
from lab.exercises.desk import read_desk
from lab.exercises.exercise import Kind

_WORKERS = (4, 2, 1)
_HAND_INS = 24
_SECRET = bytes(32)
_STUDENT = Student("ana", "Ana", "", "en", {})
_LEFT_OUT = ("e10_middle", "capstone")


def grading(size: Size) -> list[Row]:
    """Return the row of grading: hand-ins a second, by number of workers."""
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
        task = Task(_STUDENT.id, hand_in(Path(folder)), _SECRET, (_STUDENT.id,))
        contenders = {_name(workers): partial(rate, task, workers) for workers in _WORKERS}
        results = in_turn(contenders, size.rounds)
    sides = [results.side(name, float) for name in contenders]
    return [Row(f"{_HAND_INS} hand-ins graded, hand-ins/s", sides[0], tuple(sides[1:]))]


def _name(workers: int) -> str:
    return f"{workers} worker{'' if workers == 1 else 's'}"


def hand_in(folder: Path) -> Path:
    """Make a hand-in as a student would who answers everything, and nothing right."""
    (folder / "bundle.zip").write_bytes(bundle(_SECRET, _STUDENT))
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        archive.extractall(folder)
    desk = read_desk(folder / _STUDENT.id)
    for exercise in EXERCISES:
        if exercise.name not in _LEFT_OUT:
            if exercise.run is not None:
                desk.run(exercise, Choice(Way.TAP, ""))
            kinds = {step.name: step.kind for step in exercise.steps}
            desk.answer(exercise, {name: 1 if kinds[name] is Kind.NUMBER else "wrong" for name in blank(exercise)})
        else:
            shutil.rmtree(desk.place(exercise))
    pack(desk, folder / "ana.zip")
    return folder / "ana.zip"


def rate(task: Task, workers: int) -> float:
    """Return how many hand-ins a second so many workers grade, once they have started."""
    with processes(workers) as executor:
        for future in [executor.submit(examine, task) for _ in range(workers)]:
            future.result()
        started = time.perf_counter()
        for future in [executor.submit(examine, task) for _ in range(_HAND_INS)]:
            future.result()
        return _HAND_INS / (time.perf_counter() - started)
