"""What exercise 15 draws, and its live run: a chat over TLS 1.3, its key log, and a frame for the student's code."""

import tempfile
from pathlib import Path

from capture.rights import Choice
from lab.exercises import cast, live
from lab.exercises.draw import Draw
from lab.exercises.work import KEYLOG

SOLUTION = "solution.py"
PEOPLE = 3
_MESSAGES = 3  # of each
_FRAME = Path(__file__).with_name("solution.txt")


def stream(draw: Draw) -> int:
    """Return from which connection the record is (`tcp.stream`)."""
    return draw.number("stream", 0, PEOPLE - 1)


def sequence(draw: Draw) -> int:
    """Return the number of the record under the client's secret: the nickname is number 0."""
    return draw.number("record", 1, _MESSAGES)


def run(draw: Draw, folder: Path, choice: Choice) -> None:
    """Record the chat; the student gets its keys, and a frame to begin with where there is no solution yet."""
    with tempfile.TemporaryDirectory() as private:
        keys = Path(private) / "keys"
        live.record_over_tls(draw, folder, choice, cast.conversation(draw, PEOPLE, PEOPLE * _MESSAGES), keylog=keys)
        live.write_private(folder / KEYLOG, keys.read_bytes())
    if not (folder / SOLUTION).exists():
        (folder / SOLUTION).write_text(_FRAME.read_text("utf-8"), "utf-8")
