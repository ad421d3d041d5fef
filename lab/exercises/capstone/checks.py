"""The capstone: a naive chat is mended until the trial finds none of its ten weaknesses."""

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from capture.rights import Choice
from certs.store import open_store
from lab import sandbox
from lab.errors import LabError
from lab.exercises import cast
from lab.exercises.capstone.trial import PROGRAMS, TRIES, read_answer, request
from lab.exercises.draw import Draw
from lab.exercises.exercise import Exercise, Kind, Step
from lab.exercises.work import Work

Truth = Mapping[str, str]  # the mistake that was seen, by weakness; "" for none

_NAIVE = Path(__file__).with_name("naive")
# A thread for each of fifty people is one of the answers, and each reserves address space that it never uses.
_LIMITS = sandbox.Limits(seconds=60.0, memory=8 << 30, processes=512, files=1024)
_TRIALS = 2  # of one that ended without a word: what a machine did to it once is not the student's fault
# What a mended chat does: for the teacher.
_MENDED = {
    "framing": "lines are put together from bytes, and end at LF alone",
    "spoofing": "the server alone writes who says what",
    "names": "a name is 1 to 20 letters, digits, '_', '-', '.', and nobody else's",
    "sharing": "asking and changing who is here is one step, under a lock or in one thread",
    "slow": "nobody is waited for; who is dead or leaves too much unread is let go",
    "limits": "a line has 4,096 bytes at most, the room 50 people",
    "swallowed": "an error is told, and ends what it must end",
    "leaving": "however a connection ends, its person leaves",
    "verification": "the client checks the certificate and the name in it",
    "handshake": "a handshake holds up its own connection only, and may fail",
}


def values(draw: Draw) -> Mapping[str, str]:
    """Return what differs in the task: two of those who chat in it."""
    first, second = cast.nicknames(draw, 2)
    return {"first": first, "second": second}


def _mark(draw: Draw, name: str) -> str:
    return cast.secret(draw, f"mark of {name}")


def marks(draw: Draw) -> tuple[bytes, ...]:
    """Return what names this student in each of the two programs."""
    return tuple(_mark(draw, name).encode() for name in PROGRAMS)


def run(draw: Draw, folder: Path, choice: Choice) -> None:  # noqa: ARG001
    """Lay out the naive chat, and certificates to start it with; what is there already is the student's, and stays.

    Raises:
        LabError: a program cannot be written.
        CertsError: the certificates cannot be made.
    """
    open_store(folder / "certs")
    for name in PROGRAMS:
        path = folder / name
        mark = f"# {_mark(draw, name)}: this line says whose program this is. Leave it here.\n"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(mark + (_NAIVE / name).read_text("utf-8"))
        except FileExistsError:
            continue
        except OSError as error:
            msg = f"{path} cannot be written: {error.strerror}."
            raise LabError(msg) from error


def truth(work: Work) -> Truth:
    """Try the two programs: apart from everything where the system allows it, and always where they are graded.

    Raises:
        LabError: they cannot be read, or not be run apart although they must.
    """
    given, nonce = request(work.draw)
    with tempfile.TemporaryDirectory() as private:
        for name in PROGRAMS:
            (Path(private) / name).write_bytes(work.read(name))
        for _ in range(_TRIALS):
            ran = sandbox.run(
                # -P: nothing in that folder is a module of the trial's
                [sys.executable, "-P", "-m", "lab.exercises.capstone.trial"],
                Path(private),
                given=given,
                limits=_LIMITS,
                isolated=work.apart,
            )
            found = read_answer(ran.stdout, nonce)
            if found is not None or ran.stopped:
                break
    return dict.fromkeys(TRIES, "no_result") if found is None else found


def _mistake(weakness: str) -> Callable[[Truth, None], str]:
    return lambda truth, _: truth[weakness]


def _right(weakness: str) -> Callable[[Truth], str]:
    return lambda _: _MENDED[weakness]


EXERCISE = Exercise(
    number=16,
    name="capstone",
    steps=tuple(Step(name, 1, Kind.WORK, _mistake(name), _right(name)) for name in TRIES),
    values=values,
    run=run,
    marks=marks,
    evidence=PROGRAMS,
    truth=truth,
    files=PROGRAMS,
)
