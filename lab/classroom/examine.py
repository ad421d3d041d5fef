"""Examines one hand-in, in a process that may end badly: unpacks it apart, judges every exercise, says whose it is.

Nothing in a hand-in raises here. What a worker needs travels in `Task`; where it runs is not known.
"""

import hashlib
import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from capture.anatomy_tree import plural
from capture.errors import CaptureError
from capture.hello import client_hello
from capture.secrets import carried_keys
from chat.escape import visible
from lab.classroom.result import Graded, Result
from lab.errors import LabError
from lab.exercises.catalogue import EXERCISES
from lab.exercises.draw import draw_of
from lab.exercises.exercise import Exercise
from lab.exercises.judge import Judged, is_of, judge, nothing, searched
from lab.exercises.work import ANSWERS, CAPTURE, Work
from lab.problems import Problem, sentence
from lab.sandbox import isolation
from lab.unpacking import unpack

_FAILED = "The check itself failed on it"
_NOTHING = sentence(Problem("nothing"), "en")


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be examined.

    Attributes:
        student: the id.
        path: the zip or folder.
        secret: of the course.
        everybody: the ids of the roster, to say whose a capture is that is not the student's own.
        isolated: whether students' code runs apart from this machine, or as if it were the teacher's own.
    """

    student: str
    path: Path
    secret: bytes = field(repr=False)
    everybody: Sequence[str] = field(repr=False)
    isolated: bool = True


def examine(task: Task) -> Result:
    """Return what came out of a hand-in.

    Raises:
        LabError: this machine cannot examine anything: no room, or nothing that keeps students' code apart.
    """
    if not os.path.lexists(task.path):
        msg = f"{visible(str(task.path))} is not there on {platform.node()}: workers need the folder of the hand-ins."
        raise LabError(msg)
    if task.isolated and not isolation():
        raise LabError("Students' code cannot be run apart here: install bubblewrap, or give --trust-code.")
    try:
        private = tempfile.TemporaryDirectory(prefix="lab-grade-")
    except OSError as error:
        msg = f"There is no room to examine anything on {platform.node()}: {error.strerror}."
        raise LabError(msg) from error
    with private as folder:
        apart = Path(folder) / "handin"
        unpacked = unpack(task.path, apart)
        graded = tuple(_grade(task, exercise, apart / exercise.folder) for exercise in EXERCISES)
    return Result(task.student, graded, unpacked.problems)


def _grade(task: Task, exercise: Exercise[Any], folder: Path) -> Graded:
    work = Work(folder, draw_of(task.secret, task.student, exercise.name), isolated=task.isolated)
    handed_in = any(work.has(name) for name in (ANSWERS, *exercise.files))
    came_out = judged(exercise, work) if handed_in else nothing(exercise, "no_handin", _NOTHING)
    notes = [came_out.problem] if came_out.problem.startswith(_FAILED) else []
    if any(outcome.mistake == "not_yours" for outcome in came_out.outcomes):
        owner = _owner(task, exercise, work)
        notes.append(f"The files are those of {owner}." if owner else "The files are those of nobody in the roster.")
    digest = ""
    own = exercise.files[0]  # as a rule the capture; what no two students have made alike
    if work.has(own):
        with (folder / own).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    if work.has(CAPTURE):
        notes += _foreign_keys(work)
    return Graded(exercise.name, came_out.points, came_out.outcomes, came_out.problem, tuple(notes), digest)


def judged(exercise: Exercise[Any], work: Work) -> Judged:
    """Return how the work came out; what the check itself fails on is unreadable.

    Raises:
        LabError: nothing can be judged here.
    """
    try:
        return judge(exercise, work)
    except LabError:
        raise
    except Exception as error:
        return nothing(exercise, "unreadable", f"{_FAILED}: {type(error).__name__}: {visible(str(error))}")


def _owner(task: Task, exercise: Exercise[Any], work: Work) -> str:
    """Return the id of the student whose files these are, "" where it is nobody's."""
    found = searched(exercise, work)
    others = (student for student in task.everybody if student != task.student)
    return next((o for o in others if is_of(exercise, found, draw_of(task.secret, o, exercise.name))), "")


def _foreign_keys(work: Work) -> list[str]:
    """Return what is to be said of keys within a capture, which count for nothing here: whether they are its own."""
    try:
        # first, for it refuses what is compressed or too large
        hellos = [client_hello(session.client) for session in work.traffic.sessions]
        keys = carried_keys(work.folder / CAPTURE) or {}
    except (LabError, CaptureError):
        return []  # why it cannot be read has been said
    own = {hello.random for hello in hellos if hello is not None}
    foreign = {random for _, random in keys if random not in own}
    return [f"The capture carries keys of {plural(len(foreign), 'connection')} not in it."] if foreign else []
