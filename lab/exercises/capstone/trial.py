"""The capstone's trial: starts a student's server and client and tries each of the ten weaknesses, from outside alone.

As a program it reads a request on its standard input, tries the server.py and client.py of the folder it is run in, and
prints one line of JSON: what was found, and its HMAC under a nonce that only this program was told.

What the nonce stops: a student's program that prints such a line, ends the trial, or fills its output. It has neither
the trial's output nor its memory (on Linux; elsewhere the system alone decides who may read a process of the same
person). What it does not stop: a program that tells the trial from people and behaves only there. A black box cannot;
a teacher who reads sixty lines can. The trial must run apart where the code is not one's own (`lab.sandbox`).
"""

import hmac
import json
import math
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import sandbox
from lab.exercises.capstone.enduring import leaving, limits, sharing, slow
from lab.exercises.capstone.people import GoneError
from lab.exercises.capstone.props import Props, props
from lab.exercises.capstone.stage import TRY, Stage
from lab.exercises.capstone.talking import WeaknessError, framing, names, spoofing, swallowed
from lab.exercises.capstone.trusting import handshake, verification
from lab.exercises.draw import SEED, Draw

PROGRAMS = ("server.py", "client.py")
TRIES: Mapping[str, Callable[[Stage], None]] = {
    "framing": framing,
    "spoofing": spoofing,
    "names": names,
    "sharing": sharing,
    "slow": slow,
    "limits": limits,
    "swallowed": swallowed,
    "leaving": leaving,
    "verification": verification,
    "handshake": handshake,
}
_ALL = 13.5  # seconds that everything may take on an idle machine, less what ending it takes
_START = 0.2  # seconds that a Python may take to start there; most take less
_SLOWEST = 3.0  # times as long as there
_NONCE = 32  # bytes


def tried(name: str, shared: Props, draw: Draw, end: float = math.inf, slowness: float = 1.0) -> tuple[str, bool]:
    """Try one weakness; every wait in it is over at `end`, and `slowness` times as long as on an idle machine.

    Returns:
        The mistake that was seen, "" for none, "chat_broken" or "ended" where there was no chat to try; and whether it
        was seen by waiting in vain, as it also would be on a machine that is too busy.
    """
    with Stage(shared, draw, name, end, slowness) as stage:
        try:
            TRIES[name](stage)
        except WeaknessError as weakness:
            return str(weakness), isinstance(weakness.__cause__, TimeoutError)
        except (TimeoutError, GoneError):
            return ("ended", False) if stage.has_ended() else ("chat_broken", True)
    return "", False


def trial(folder: Path, draw: Draw) -> dict[str, str]:
    """Try all weaknesses of the two programs in a folder, at the same time; return the mistakes by weakness.

    What was waited for in vain is tried a second time, when fewer run at once, with more patience where the machine has
    more to do: a busy machine is no weakness.
    """
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as private, ThreadPoolExecutor(len(TRIES)) as pool:
        for name in PROGRAMS:
            shutil.copyfile(folder / name, Path(private) / name)
        shared = props(Path(private), draw)

        def together(tries: Iterable[str], end: float, slowness: float = 1.0) -> dict[str, tuple[str, bool]]:
            names = list(tries)  # what they do is to wait
            found = pool.map(lambda name: tried(name, shared, draw, end, slowness), names)
            return dict(zip(names, found, strict=True))

        seen = together(TRIES, begin + TRY)
        if again := [name for name, (_, in_vain) in seen.items() if in_vain]:
            slowness = _slowness()
            seen |= together(again, begin + _ALL * slowness, slowness)
    return {name: mistake for name, (mistake, _) in seen.items()}


def _slowness() -> float:
    """Return how many times as long as on an idle machine a Python takes to start now: 1 to `_SLOWEST`."""
    begin = time.monotonic()
    subprocess.run([sys.executable, "-I", "-c", "import ssl"], check=True)
    return min(max(1.0, (time.monotonic() - begin) / _START), _SLOWEST)


def request(draw: Draw) -> tuple[bytes, bytes]:
    """Return what the program is to read, and the nonce in it."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + draw.seed, nonce


def answer(found: Mapping[str, str], nonce: bytes) -> bytes:
    """Return the line that the program prints."""
    return json.dumps({"found": found, "mac": _mac(found, nonce)}).encode() + b"\n"


def read_answer(printed: bytes, nonce: bytes) -> dict[str, str] | None:
    """Return what was found, or None where nothing was printed that this nonce vouches for."""
    for line in printed.splitlines():
        try:
            told = json.loads(line)
            found, mac = told["found"], told["mac"]
            # all that is believed of it is what has the right code
            if hmac.compare_digest(_mac(found, nonce), mac):
                return {name: str(found[name]) for name in TRIES}
        except (ValueError, KeyError, TypeError, RecursionError):
            continue  # anybody's line
    return None


def _mac(found: Mapping[str, str], nonce: bytes) -> str:
    return hmac.new(nonce, json.dumps(found, sort_keys=True).encode(), "sha256").hexdigest()


def main() -> None:
    """Be the program."""
    sandbox.close_to_others()
    given = sys.stdin.buffer.read()
    nonce, seed = given[:_NONCE], given[_NONCE : _NONCE + SEED]
    sys.stdout.buffer.write(answer(trial(Path.cwd(), Draw(seed)), nonce))


if __name__ == "__main__":
    main()
