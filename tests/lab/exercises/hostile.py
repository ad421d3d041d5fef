"""What nobody is asked for: captures that no run has made, and code that writes where it has no business.

What is right must be told of such a capture, or refused in a sentence, and nothing else.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from capture.errors import CaptureError
from lab.errors import LabError
from lab.exercises.exercise import Exercise
from lab.exercises.work import Work
from tests.lab.exercises.conftest import draw_of

_DATA = Path(__file__).parents[2] / "data"
_CHANGED = 25


def refusals(exercise: Exercise[Any], folder: Path) -> list[str]:
    """Put other captures in the place of the folder's own, one after the other; return why each was refused.

    One that is not refused is not in the list. Whatever else is raised comes through.
    """
    path = folder / "capture.pcapng"
    said = []
    for data in list(_others(path.read_bytes())):
        path.write_bytes(data)
        try:
            exercise.truth(Work(folder, draw_of(exercise)))
        except (LabError, CaptureError) as error:
            said.append(str(error))
    return said


def reach_outside(program: Path, target: Path) -> None:
    """Let a program that is right write a file elsewhere, too, if it can."""
    tries = f"try:\n    open({str(target)!r}, 'w').close()\nexcept OSError:\n    pass\n"
    program.write_text(tries + program.read_text("utf-8"), "utf-8")


def _others(capture: bytes) -> Iterator[bytes]:
    for other in ("plain.pcapng", "tls12.pcapng", "tls13.pcapng"):
        yield (_DATA / other).read_bytes()
    dice = random.Random(7)  # noqa: S311  (repeatable, no secret)
    for _ in range(_CHANGED):
        yield capture[: dice.randrange(len(capture))]
        changed = bytearray(capture)
        for _ in range(20):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        yield bytes(changed)
