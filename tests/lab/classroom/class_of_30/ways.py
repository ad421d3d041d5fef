"""Twenty ways in which a hand-in is wrong, by accident or on purpose, and what each is to be worth.

A way gets the student's solved work, the hand-in made of it, and the work of somebody else; it spoils one of the first
two. It returns the points that are left for each exercise it touches, by number.
"""

import gzip
import io
import json
import os
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.classroom.class_of_30.making import Solved
from tests.lab.exercises.conftest import make_mistake
from tests.lab.exercises.solvers import e01
from tests.lab.exercises.solvers.tools import write

PLAIN, CODE = 1, 15  # the exercises that every student of the class has done
CAPTURE = "capture.pcapng"


@dataclass(frozen=True, slots=True)
class Case:
    """What a way works on.

    Attributes:
        mine: the student's work.
        other: somebody else's.
        again: packs the work again, into the hand-in; returns where that is.
    """

    mine: Solved
    other: Solved
    again: Callable[[], Path]


Way = Callable[[Case], Mapping[int, int]]


def _nothing(case: Case) -> dict[int, int]:
    return dict.fromkeys(case.mine.points, 0)


def colons_left_in(case: Case) -> Mapping[int, int]:
    make_mistake(case.mine.place(PLAIN), e01, "payload.separators_left")
    case.again()
    return {PLAIN: -1}  # one step of it


def answers_are_no_toml(case: Case) -> Mapping[int, int]:
    (case.mine.place(PLAIN) / "answers.toml").write_text("who = alice")
    case.again()
    return {PLAIN: 0}


def answers_of_the_wrong_kind(case: Case) -> Mapping[int, int]:
    (case.mine.place(PLAIN) / "answers.toml").write_text('who = 7\nframe = "x"\npayload = [1]\nwords = {a = 1}\n')
    case.again()
    return {PLAIN: 0}


def endless_answers(case: Case) -> Mapping[int, int]:
    write(case.mine.place(PLAIN), who="x" * (1 << 20))
    case.again()
    return {PLAIN: 0}


def torn_capture(case: Case) -> Mapping[int, int]:
    path = case.mine.place(PLAIN) / CAPTURE
    path.write_bytes(path.read_bytes()[:-9])
    case.again()
    return {PLAIN: 0}


def empty_capture(case: Case) -> Mapping[int, int]:
    (case.mine.place(PLAIN) / CAPTURE).write_bytes(b"")
    case.again()
    return {PLAIN: 0}


def compressed_capture(case: Case) -> Mapping[int, int]:
    """64 MiB of packets in 64 KiB."""
    path = case.mine.place(PLAIN) / CAPTURE
    path.write_bytes(gzip.compress(path.read_bytes() * 2000))
    case.again()
    return {PLAIN: 0}


def capture_of_1_gb(case: Case) -> Mapping[int, int]:
    """A hole of a gigabyte behind the packets: a folder, as no zip is needed."""
    with (case.mine.place(PLAIN) / CAPTURE).open("r+b") as file:
        file.truncate(1 << 30)
    _as_folder(case)
    return {PLAIN: 0}


def capture_of_somebody_else(case: Case) -> Mapping[int, int]:
    shutil.copy(case.other.place(PLAIN) / CAPTURE, case.mine.place(PLAIN) / CAPTURE)
    shutil.copy(case.other.place(PLAIN) / "answers.toml", case.mine.place(PLAIN) / "answers.toml")
    case.again()
    return {PLAIN: 0}


def keys_of_somebody_else_inside(case: Case) -> Mapping[int, int]:
    path = case.mine.place(CODE) / CAPTURE
    keys = case.other.place(CODE) / "tls.keylog"
    command = ["editcap", "--inject-secrets", f"tls,{keys}", str(path), str(path) + ".with"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    Path(f"{path}.with").replace(path)
    case.again()
    return {}


def key_log_of_somebody_else(case: Case) -> Mapping[int, int]:
    shutil.copy(case.other.place(CODE) / "tls.keylog", case.mine.place(CODE) / "tls.keylog")
    case.again()
    return {CODE: 0}


def everything_of_somebody_else(case: Case) -> Mapping[int, int]:
    shutil.rmtree(case.mine.desk.path)
    shutil.copytree(case.other.desk.path, case.mine.desk.path)
    case.again()
    # exercise 12 has no traffic: another's CA is one, too, and its key is that of its certificate
    return {**_nothing(case), 12: 6 if 12 in case.mine.numbers else 0}


def code_without_end(case: Case) -> Mapping[int, int]:
    _code(case, "import time\nwhile True: time.sleep(1)\n")
    return {CODE: 0}


def code_that_deletes(case: Case) -> Mapping[int, int]:
    """Whatever it can reach: the hand-ins, the secret, the lab."""
    _code(case, f"import shutil\nfor path in {_reachable(case)!r}: shutil.rmtree(path, ignore_errors=True)\n")
    return {CODE: 0}


def code_that_spies(case: Case) -> Mapping[int, int]:
    """Reads the secret, and asks a server of the outside world."""
    secret = str(case.mine.desk.path.parents[1] / "course.secret")
    _code(
        case,
        f"import socket\ntry:\n    found = open({secret!r}).read()\nexcept OSError:\n    found = ''\n"
        "try:\n    socket.create_connection(('192.0.2.1', 80), 1)\n    found += ' network'\nexcept OSError:\n    pass\n"
        f"open('/tmp/found', 'w').write(found)\n"
        "if found: raise SystemExit('SPIED ' + found)\n",
    )
    return {CODE: 0}


def code_that_multiplies(case: Case) -> Mapping[int, int]:
    _code(case, "import os, time\nwhile True:\n    try: os.fork()\n    except OSError: time.sleep(1)\n")
    return {CODE: 0}


def paths_that_lead_outside(case: Case) -> Mapping[int, int]:
    with zipfile.ZipFile(case.again(), "a") as archive:
        for name in ("../../course.secret", "/etc/lab-was-here", "..\\..\\x", "C:\\x"):
            archive.writestr(name, "harm")
    return {}


def links(case: Case) -> Mapping[int, int]:
    """The capture is a link to somebody else's, in the zip."""
    path = case.again()
    data = path.read_bytes()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            if info.filename.endswith(f"{case.mine.place(PLAIN).name}/{CAPTURE}"):
                link = zipfile.ZipInfo(info.filename)
                link.create_system, link.external_attr = 3, 0o120777 << 16
                new.writestr(link, str(case.other.place(PLAIN) / CAPTURE))
            else:
                new.writestr(info, old.read(info))
    path.write_bytes(out.getvalue())
    return {PLAIN: 0}


def ten_gigabytes(case: Case) -> Mapping[int, int]:
    """A file of zeros that says it is small; its size stands in the local and in the central header."""
    path = case.again()
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("big.bin", "w") as file:
        for _ in range(160):
            file.write(bytes(1 << 20))
    data = path.read_bytes()
    whole = struct.pack("<I", 160 << 20)
    assert whole in data
    path.write_bytes(data.replace(whole, struct.pack("<I", 1000)))
    return {}


def ten_thousand_files(case: Case) -> Mapping[int, int]:
    with zipfile.ZipFile(case.again(), "a") as archive:
        for number in range(10_000):
            archive.writestr(f"{case.mine.desk.student}/more/{number}", "")
    return {}


def torn_zip(case: Case) -> Mapping[int, int]:
    path = case.again()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return _nothing(case)


def no_zip_at_all(case: Case) -> Mapping[int, int]:
    case.again().write_bytes(b"I had no time.")
    return _nothing(case)


def a_pipe_in_the_folder(case: Case) -> Mapping[int, int]:
    (case.mine.place(PLAIN) / CAPTURE).unlink()
    os.mkfifo(case.mine.place(PLAIN) / CAPTURE)
    _as_folder(case)
    return {PLAIN: 0}


def nothing_handed_in(case: Case) -> Mapping[int, int]:
    case.again().unlink()
    return _nothing(case)


def notebook_without_end(case: Case) -> Mapping[int, int]:
    """No notebook is run by the grader, whatever stands in it."""
    cells = [{"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "source": "while True: pass"}]
    (case.mine.place(PLAIN) / "starter.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}))
    _as_folder(case)
    return {}


WAYS: tuple[Way, ...] = (
    colons_left_in,
    answers_are_no_toml,
    answers_of_the_wrong_kind,
    endless_answers,
    torn_capture,
    empty_capture,
    compressed_capture,
    capture_of_1_gb,
    capture_of_somebody_else,
    keys_of_somebody_else_inside,
    key_log_of_somebody_else,
    everything_of_somebody_else,
    code_without_end,
    code_that_deletes,
    code_that_spies,
    code_that_multiplies,
    paths_that_lead_outside,
    links,
    ten_gigabytes,
    ten_thousand_files,
    torn_zip,
    no_zip_at_all,
    a_pipe_in_the_folder,
    nothing_handed_in,
    notebook_without_end,
)


def _code(case: Case, code: str) -> None:
    path = case.mine.place(CODE) / "solution.py"
    path.write_text(code)
    case.again()


def _reachable(case: Case) -> list[str]:
    course = case.mine.desk.path.parents[1]
    return [str(course / "in"), str(course), str(Path(__file__).parents[4] / "lab" / "exercises")]


def _as_folder(case: Case) -> None:
    """Hand the folder itself in, where no zip will do."""
    path = case.again()
    path.unlink()
    shutil.copytree(case.mine.desk.path, path.with_suffix(""), copy_function=_copy)


def _copy(source: str, target: str) -> None:
    """Copy a file with its holes, and anything else as what it is."""
    if Path(source).is_fifo():
        os.mkfifo(target)
    else:
        subprocess.run(["cp", "--sparse=always", "--preserve=timestamps", source, target], check=True, timeout=60)
