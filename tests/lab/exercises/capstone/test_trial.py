"""The trial: the naive chat fails ten times, the mended one never, and each of ten half-mended ones just once."""

import hashlib
import hmac
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import sandbox
from lab.exercises.capstone import trial as module
from lab.exercises.capstone.checks import Truth, truth
from lab.exercises.capstone.trial import PROGRAMS, TRIES, answer, read_answer, request, trial
from lab.exercises.work import Work
from tests.lab.exercises.capstone.variants import DRAW, HALVES, write

ROOT = Path(module.__file__).parents[3]
NAIVE = Path(module.__file__).with_name("naive")
RIGHT = dict.fromkeys(TRIES, "")


def test_the_naive_chat_has_all_ten() -> None:
    found = trial(NAIVE, DRAW)
    assert [name for name, mistake in found.items() if not mistake] == []
    assert len(found) == 10


def test_the_naive_chat_is_short_and_needs_no_library() -> None:
    for name in PROGRAMS:
        lines = (NAIVE / name).read_text("utf-8").splitlines()
        assert len(lines) < 90
        imported = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
        assert imported <= sys.stdlib_module_names


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Truth]:
    apart = sandbox.isolation()
    folders = {name: write(tmp_path_factory.mktemp(name), name) for name in HALVES}

    def one(name: str) -> Truth:
        return truth(Work(folders[name], DRAW, isolated=apart))

    # two at once only where each has a network of its own, and so all ports
    with ThreadPoolExecutor(2 if apart else 1) as pool:
        return dict(zip(HALVES, pool.map(one, HALVES), strict=True))


@pytest.mark.parametrize("name", HALVES)
def test_one_weakness_left_is_one_that_is_found(halves: dict[str, Truth], name: str) -> None:
    step, mistake = name.split(".")
    assert {tried: seen for tried, seen in halves[name].items() if seen} == {step: mistake}
    assert list(halves[name]) == list(TRIES)


def test_there_is_a_half_for_each() -> None:
    assert [name.split(".")[0] for name in HALVES] == list(TRIES)


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
