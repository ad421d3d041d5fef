"""Judges one student's work on one exercise: step by step, and nothing of a hand-in can stop it.

The same for the student (`lab check`) and for the teacher (`lab grade`); they differ in what they are told.
"""

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from capture.errors import CaptureError
from lab.errors import LabError
from lab.exercises.draw import Draw
from lab.exercises.exercise import Exercise, Kind, Outcome, Step
from lab.exercises.verifying import certificates
from lab.exercises.work import CAPTURE, Work

_LONGEST = 1 << 16  # characters of an answer; the longest that is asked for has a few thousand


@dataclass(frozen=True, slots=True)
class Judged:
    """How an exercise came out.

    Attributes:
        outcomes: of each step.
        problem: why nothing could be judged, a sentence; "" where it could.
    """

    outcomes: tuple[Outcome, ...]
    problem: str = ""

    @property
    def points(self) -> int:
        """What it earned."""
        return sum(outcome.points for outcome in self.outcomes)


def judge(exercise: Exercise[Any], work: Work) -> Judged:
    """Return how the work came out."""
    try:
        answers = work.answers if any(step.kind is not Kind.WORK for step in exercise.steps) else {}
    except LabError as error:
        return nothing(exercise, "no_answers", str(error))
    missing = [name for name in exercise.evidence if not work.has(name)]
    if missing:
        return nothing(exercise, "no_run", f"There is no {missing[0]}.")
    try:
        if CAPTURE in exercise.evidence and (torn := work.traffic.torn):
            return nothing(exercise, "torn", torn)
        if not is_of(exercise, searched(exercise, work), work.draw):
            return nothing(exercise, "not_yours", "The files are not those of this student's run.")
        truth = exercise.truth(work)
        return Judged(tuple(_outcome(step, truth, answers.get(step.name)) for step in exercise.steps))
    except (LabError, CaptureError) as error:
        return nothing(exercise, "unreadable", str(error))


def is_of(exercise: Exercise[Any], found: bytes, draw: Draw) -> bool:
    """Return whether files are those of the student who draws `draw`, by what `searched` has found in them."""
    return all(mark in found for mark in exercise.marks(draw))


def searched(exercise: Exercise[Any], work: Work) -> bytes:
    """Return what marks are looked for in: what stands in the files in which they must be.

    Raises:
        LabError, CaptureError: they cannot be read.
    """
    return b"\0".join(_searched(work, name) for name in exercise.evidence)


def _searched(work: Work, name: str) -> bytes:
    """Return what marks are looked for in: what was sent, in a capture, whatever segments it came in; else the file.

    Certificates are given in DER: in PEM nothing of them can be read.

    Raises:
        LabError, CaptureError: it cannot be read.
    """
    if name.endswith(".pem"):
        found = certificates(work.read(name), name)
        return b"\0".join(certificate.public_bytes(Encoding.DER) for certificate in found)
    if name != CAPTURE:
        return work.read(name)
    return b"\0".join(
        layer.stream.data for session in work.traffic.sessions for layer in (session.client, session.server)
    )


def _outcome(step: Step[Any], truth: object, answer: object) -> Outcome:
    mistake = _unusable(step.kind, answer) or step.mistake(truth, answer)
    return Outcome(step.name, 0 if mistake else step.points, mistake, step.right(truth))


def _unusable(kind: Kind, answer: object) -> str:
    """Return why an answer cannot even be wrong, "" where it can."""
    if kind is Kind.WORK:
        return ""
    if answer is None or answer == kind.value:
        return "unanswered"
    wanted = int if kind is Kind.NUMBER else str
    if type(answer) is not wanted:  # a bool is an int, too
        return "not_a_number" if kind is Kind.NUMBER else "not_a_text"
    return "too_long" if isinstance(answer, str) and len(answer) > _LONGEST else ""


def nothing(exercise: Exercise[Any], mistake: str, problem: str) -> Judged:
    """Return that for one reason no step could be judged: a mistake that all exercises know, and a sentence."""
    return Judged(tuple(Outcome(step.name, 0, mistake, "") for step in exercise.steps), problem)
