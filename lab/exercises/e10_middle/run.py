"""Runs a student's middle.py: live, while it is captured; and once more by itself, to see whether it hears.

Whatever it is, it runs in a private folder through `lab.sandbox`, and is told the ports of the lab's own server and
clients on loopback, no others. The clients speak TLS 1.2, in which certificates and refusals can be seen without a key.
"""

import asyncio
import json
import secrets
import shutil
import socket
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from capture.rights import Choice, Way
from chat.escape import visible
from lab import sandbox
from lab.capturing import captured
from lab.errors import LabError
from lab.exercises import cast, live
from lab.exercises.draw import SEED, Draw
from lab.exercises.e10_middle.drive import Job, Told
from lab.exercises.e11_certificate_clinic.illness import HEALTHY, Clinic, create_clinic_authority, infect
from lab.exercises.work import CAPTURE, KEYLOG, Work
from lab.scenarios.running import run_in_time

MIDDLE, HEARD, CA = "middle.py", "heard.txt", "ca.pem"
MESSAGES = 6
# What anybody can show who is in the middle: one made by himself or by his own CA, one for a name of his own, one that
# was a server's once, one that is for his own client.
_SHOWN = ("self_signed", "other_ca", "wrong_name", "expired", "wrong_purpose")
_LIMITS = sandbox.Limits(seconds=60, file_size=1 << 20, output=1 << 16, folder=4 << 20)
_COMMAND = (sys.executable, "-m", "lab.exercises.e10_middle.drive")


@dataclass(frozen=True, slots=True)
class Rerun:
    """What middle.py did when it was run again.

    Attributes:
        stopped: why it was ended by force, "" where it was not.
        told: what became of it; None where nobody could say.
        words: what the careless client said.
        heard: what middle.py wrote down.
    """

    stopped: str
    told: Told | None
    words: tuple[str, ...]
    heard: bytes


def people(draw: Draw) -> tuple[str, str]:
    """Return the names of the careless and the careful client."""
    careless, careful = cast.nicknames(draw, 2)
    return careless, careful


def words(draw: Draw) -> tuple[str, ...]:
    """Return what the careless client says."""
    return tuple(cast.sentence(draw, f"message {number}") for number in range(MESSAGES))


def record(draw: Draw, folder: Path, choice: Choice) -> None:
    """Run it while it is captured, and leave the capture, the keys, the CA's certificate and what middle.py heard.

    Raises:
        LabError: there is no middle.py, or it does not work; what was captured is left where it came so far.
        CaptureError: as its text says.
    """
    with tempfile.TemporaryDirectory() as private:
        place, path = Path(private) / "middle", Path(private) / CAPTURE
        job = _prepare(Work(folder, draw), place, words(draw), *live.ports(draw, "port", "middle"))
        told = run_in_time(_captured(path, choice, job, place))
        if not told.ready:
            msg = f"{MIDDLE} does not get as far as to listen. {_last(told.complaint)}"
            raise LabError(msg.strip())
        its = Work(place, draw)
        live.write_private(folder / KEYLOG, told.keys.encode("ascii"))
        (folder / HEARD).write_bytes(its.read(HEARD) if its.has(HEARD) else b"")
        for source in (place / CA, path):
            shutil.copyfile(source, folder / source.name)
    if told.careless:
        msg = f"The careless client cannot talk through {MIDDLE}: {told.careless} {_last(told.complaint)}"
        raise LabError(msg.strip())


def run_again(work: Work) -> Rerun:
    """Run the middle.py that was handed in with words that nobody knows.

    Apart from everything where the system allows it, and always where it is graded.

    Raises:
        LabError: there is none, or it cannot be run apart although it must.
    """
    said = words(Draw(secrets.token_bytes(SEED)))
    with tempfile.TemporaryDirectory() as private:
        place = Path(private) / "middle"
        # any ports: the student's own may be taken by another run of the same
        ran, told = _drive(_prepare(work, place, said, *_free()), place, isolated=work.apart)
        its = Work(place, work.draw)
        return Rerun(ran.stopped, told, said, its.read(HEARD) if its.has(HEARD) else b"")


def _prepare(work: Work, place: Path, said: tuple[str, ...], server_port: int, middle_port: int) -> Job:
    """Make a private folder for middle.py, and say what is to happen."""
    draw, now = work.draw, datetime.now(UTC).replace(microsecond=0)
    host, serial = cast.host(draw), draw.number("serial", 1 << 32, 1 << 62)
    authority = create_clinic_authority(f"{cast.secret(draw, 'ca')} CA", now)
    clinic = Clinic(authority, host, f"{cast.secret(draw, 'other name')}.test", now)
    (server,) = infect(HEALTHY, clinic, serial)
    (shown,) = infect(draw.choice("shown", _SHOWN), clinic, serial + 1)
    place.mkdir()
    files = {
        MIDDLE: work.read(MIDDLE),
        CA: authority.certificate_pem,
        "own.pem": shown.certificate_pem + shown.key_pem,
    }
    for name, data in files.items():
        live.write_private(place / name, data)
    pems = (server.certificate_pem, server.key_pem, authority.certificate_pem)
    return Job(
        server_port, middle_port, server_port, middle_port, host, *people(draw), said, *(pem.decode() for pem in pems)
    )


async def _captured(path: Path, choice: Choice, job: Job, place: Path) -> Told:
    real = _free() if choice.way is Way.TAP else (job.server, job.middle)
    shown = dict(zip(real, (job.server, job.middle), strict=True))
    async with captured(path, choice, real, shown=shown) as wire:
        to_server, to_middle = wire.ports[real[0]], wire.ports[real[1]]
        asked = replace(job, server=real[0], middle=real[1], to_server=to_server, to_middle=to_middle)
        ran, told = await asyncio.to_thread(_drive, asked, place, isolated=False)
    live.check_whole(wire.counters)
    if told is None:
        msg = f"{MIDDLE} could not be run. {_last(ran.stderr.decode(errors='replace'))}"
        raise LabError(msg.strip())
    return told


def _drive(job: Job, place: Path, *, isolated: bool) -> tuple[sandbox.Ran, Told | None]:
    ran = sandbox.run(_COMMAND, place, given=json.dumps(asdict(job)).encode(), limits=_LIMITS, isolated=isolated)
    try:
        return ran, Told(**json.loads(ran.stdout))
    except (ValueError, TypeError, RecursionError):  # it was stopped, or middle.py has ended more than itself
        return ran, None


def _free() -> tuple[int, int]:
    """Return two ports that are free now, where nobody sees which they are."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _last(complaint: str) -> str:
    """Return the last line of what a program complains of: of a traceback, what happened."""
    return visible((complaint.strip().splitlines() or [""])[-1])
