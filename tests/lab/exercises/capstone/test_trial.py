"""The trial: the naive chat fails ten times, a half-mended one just where it is not; test_checks has the mended one."""

import hashlib
import hmac
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab import sandbox
from lab.exercises.capstone import stage
from lab.exercises.capstone import trial as module
from lab.exercises.capstone.checks import truth
from lab.exercises.capstone.people import PATIENCE
from lab.exercises.capstone.stage import Stage
from lab.exercises.capstone.talking import WeaknessError
from lab.exercises.capstone.trial import PROGRAMS, TRIES, answer, read_answer, request, trial
from lab.exercises.work import Work
from tests.lab.exercises.capstone.variants import DRAW, HALVES, write

ROOT = Path(module.__file__).parents[3]
NAIVE = Path(module.__file__).with_name("naive")
RIGHT = dict.fromkeys(TRIES, "")


def test_the_naive_chat_has_all_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "PATIENCE", 1.0)  # as the task allows
    found = trial(NAIVE, DRAW)
    assert [name for name, mistake in found.items() if not mistake] == []
    assert len(found) == 10


def test_the_naive_chat_is_short_and_needs_no_library() -> None:
    for name in PROGRAMS:
        lines = (NAIVE / name).read_text("utf-8").splitlines()
        assert len(lines) < 90
        imported = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
        assert imported <= sys.stdlib_module_names


@pytest.mark.parametrize("left", [HALVES[::2], HALVES[1::2]])
def test_the_weaknesses_left_are_those_that_are_found(tmp_path: Path, left: tuple[str, ...]) -> None:
    found = truth(Work(write(tmp_path, *left), DRAW, isolated=sandbox.isolation()))
    assert {tried: seen for tried, seen in found.items() if seen} == dict(name.split(".") for name in left)
    assert list(found) == list(TRIES)


def test_there_is_a_half_for_each() -> None:
    assert [name.split(".")[0] for name in HALVES] == list(TRIES)


FOREVER = "import time\nwhile True:\n    time.sleep(9)\n"
FLOODS = (
    """
import socket, sys
port = int(sys.argv[sys.argv.index("--port") + 1])
listening = socket.create_server(("127.0.0.1", port))
while True:
    connected, _ = listening.accept()
    try:
        for _ in range(200):
            connected.sendall(b"* all is well\\n" * 1000)
            sys.stdout.write("all is well\\n" * 1000)
    except OSError:
        pass
""",
    "import sys\nwhile True:\n    sys.stdout.write('all is well\\n' * 1000)\n    sys.stderr.write('!' * 1000)\n",
)


@pytest.mark.parametrize(
    ("programs", "seen"),
    [((FOREVER, FOREVER), {"chat_broken"}), (FLOODS, {"chat_broken", "ended", "refuses_genuine"})],
    ids=["hang", "write without end"],
)
def test_programs_that_never_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: tuple[str, str], seen: set[str]
) -> None:
    monkeypatch.setattr(stage, "START", 0.5)
    for place in (stage, module):
        monkeypatch.setattr(place, "TRY", 1.5)
    monkeypatch.setattr(module, "_ALL", 3.0)
    for name, code in zip(PROGRAMS, programs, strict=True):
        (tmp_path / name).write_text(code)
    begin = time.monotonic()
    assert set(trial(tmp_path, DRAW).values()) <= seen
    assert time.monotonic() - begin < 20


def test_what_was_waited_for_in_vain_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patience: dict[str, list[float]] = {"slow": [], "limits": []}

    def late(stage: Stage) -> None:
        patience["slow"].append(stage._patience)
        if len(patience["slow"]) == 1:
            raise WeaknessError("slow") from TimeoutError()

    def certain(stage: Stage) -> None:
        patience["limits"].append(stage._patience)
        raise WeaknessError("too_many")

    monkeypatch.setattr(module, "TRIES", {"slow": late, "limits": certain})
    monkeypatch.setattr(module, "_START", 1e-9)  # in no time: here everything is slow
    assert trial(write(tmp_path), DRAW) == {"slow": "", "limits": "too_many"}
    assert patience == {"slow": [PATIENCE, 3 * PATIENCE], "limits": [PATIENCE]}


def test_as_a_program_it_answers_under_the_nonce(tmp_path: Path) -> None:
    for name in PROGRAMS:
        (tmp_path / name).write_text("raise SystemExit")
    ended = dict.fromkeys(TRIES, "ended")
    given, nonce = request(DRAW)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "lab.exercises.capstone.trial"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        input=given,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert read_answer(done.stdout, nonce) == ended
    assert done.stderr == b""
    told = json.loads(done.stdout)
    assert told["mac"] == hmac.new(nonce, json.dumps(ended, sort_keys=True).encode(), hashlib.sha256).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["client.py", "server.py"]


def test_only_the_nonce_makes_an_answer() -> None:
    _, nonce = request(DRAW)
    line = answer(RIGHT, nonce)
    assert read_answer(b"noise\n[]\n1\n\xff\n" + line, nonce) == RIGHT
    assert read_answer(line, bytes(32)) is None
    assert (
        read_answer(answer({**RIGHT, "slow": "slow"}, nonce).replace(b'"slow": "slow"', b'"slow": ""'), nonce) is None
    )
    assert read_answer(b'{"found": {}, "mac": null}\n{"found": 1}\n' + b"[" * 100_000, nonce) is None
    assert request(DRAW)[1] != nonce
