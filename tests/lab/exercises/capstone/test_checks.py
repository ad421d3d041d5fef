"""The capstone as an exercise: laid out, judged apart, and what code that does not play along comes to."""

import subprocess
import sys
from pathlib import Path

import pytest

from capture.explanations import Language
from capture.rights import Choice, Way
from lab import sandbox
from lab.exercises import texts
from lab.exercises.capstone.checks import EXERCISE
from lab.exercises.capstone.trial import PROGRAMS, TRIES
from lab.exercises.judge import Judged, judge
from lab.exercises.work import Work
from tests.lab.exercises.capstone.variants import VARIANTS
from tests.lab.exercises.conftest import draw_of, known_mistakes
from tests.lab.exercises.solvers import capstone

CHOICE = Choice(Way.TAP, "")
NO_CHAT = {"chat_broken", "ended", "no_result"}  # what any step may come to
ANY = {*NO_CHAT, "not_yours"}


def lay_out(folder: Path, student: str = "ana") -> Path:
    run = EXERCISE.run
    assert run is not None
    run(draw_of(EXERCISE, student), folder, CHOICE)
    return folder


def hand_in(folder: Path, server: str = "", client: str = "") -> Path:
    """The mended chat, or other code, below the lines that say whose it is."""
    capstone.solve(lay_out(folder))
    for name, code in zip(PROGRAMS, (server, client), strict=True):
        if code:
            mark = (folder / name).read_text("utf-8").partition("\n")[0]
            (folder / name).write_text(f"{mark}\n{code}", "utf-8")
    return folder


def judged(folder: Path, student: str = "ana") -> Judged:
    return judge(EXERCISE, Work(folder, draw_of(EXERCISE, student), isolated=sandbox.isolation()))


def mistakes(found: Judged) -> set[str]:
    return {outcome.mistake for outcome in found.outcomes}


def test_mended_it_earns_every_point(tmp_path: Path) -> None:
    found = judged(hand_in(tmp_path))
    assert {outcome.step: outcome.mistake for outcome in found.outcomes if outcome.mistake} == {}
    assert found.points == EXERCISE.points == 10
    assert found.problem == ""


def test_it_is_laid_out_once_and_then_stays(tmp_path: Path) -> None:
    lay_out(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"server.py", "client.py", "certs"}
    assert (tmp_path / "certs" / "server.key").stat().st_mode & 0o777 == 0o600
    for name in PROGRAMS:
        subprocess.run([sys.executable, name, "--help"], cwd=tmp_path, capture_output=True, check=True, timeout=30)
    (tmp_path / "server.py").write_text("mine")
    (tmp_path / "client.py").unlink()
    lay_out(tmp_path)
    assert (tmp_path / "server.py").read_text() == "mine"
    assert "ssl" in (tmp_path / "client.py").read_text()


def test_another_student_s_is_recognised(tmp_path: Path) -> None:
    lay_out(tmp_path, "bea")
    assert mistakes(judged(tmp_path)) == {"not_yours"}
    mine = tmp_path / "mine"
    mine.mkdir()
    (lay_out(mine) / "client.py").write_bytes((tmp_path / "client.py").read_bytes())
    assert mistakes(judged(mine)) == {"not_yours"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_line_that_is_gone_is_found_in_a_new_program(tmp_path: Path, name: str) -> None:
    """As the hint says: the file is put aside, laid out again, and its first line copied."""
    path, aside = lay_out(tmp_path) / name, tmp_path / "aside.py"
    mine = path.read_text("utf-8")
    path.write_text(mine.partition("\n")[2], "utf-8")
    assert mistakes(judged(tmp_path)) == {"not_yours"}
    path.rename(aside)
    lay_out(tmp_path)
    assert path.read_text("utf-8").partition("\n")[0] + "\n" + aside.read_text("utf-8") == mine


def test_nothing_laid_out_is_nothing_to_judge(tmp_path: Path) -> None:
    assert mistakes(judged(tmp_path)) == {"no_run"}


def test_code_that_ends_at_once(tmp_path: Path) -> None:
    hand_in(tmp_path, "raise SystemExit", "1 +")
    # modules beside it are not the trial's
    for name in ("hmac.py", "json.py", "ssl.py"):
        (tmp_path / name).write_text("raise SystemExit")
    assert mistakes(judged(tmp_path)) == {"ended"}


FORGES = """
import glob, os
line = b'{"found": {%s}, "mac": "%s"}\\n' % (b", ".join(b'"%s": ""' % name for name in TRIES), b"0" * 64)
parent = os.getppid()
os.write(1, line)
for path in (f"/proc/{parent}/fd/1", f"/proc/{parent}/mem"):
    try:
        os.close(os.open(path, os.O_RDWR))
    except OSError:
        continue
    os.kill(parent, 9)  # seen as another mistake: this must not have been possible
"""


@pytest.mark.skipif(sys.platform != "linux", reason="what stands in /proc is Linux's")
def test_code_that_forges_the_result(tmp_path: Path) -> None:
    server = f"TRIES = {[name.encode() for name in TRIES]}\n{FORGES}"
    found = judged(hand_in(tmp_path, server, server))
    assert mistakes(found) == {"ended"}
    assert found.points == 0


def test_code_that_ends_the_trial(tmp_path: Path) -> None:
    kill = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n"
    assert mistakes(judged(hand_in(tmp_path, kill))) == {"no_result"}


def test_a_trial_that_was_ended_once_is_held_again(tmp_path: Path) -> None:
    if not sandbox.isolation():
        pytest.skip("nothing keeps it from ending this, too")
    hand_in(tmp_path)
    server = tmp_path / "server.py"
    mark, mended = server.read_text("utf-8").split("\n", 1)
    once = (
        "import os, pathlib\n"
        "been = pathlib.Path(os.environ['HOME'], 'been')\n"
        "try: been.touch(exist_ok=False)\n"
        "except FileExistsError: pass\n"
        "else: os.kill(-1, 9)\n"
    )
    server.write_text(f"{mark}\n{once}{mended}", "utf-8")
    assert judged(tmp_path).points == 10


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_mistake_has_its_hint(language: str) -> None:
    spoken: Language = "en" if language == "en" else "es"
    assert known_mistakes(EXERCISE, spoken) == set(VARIANTS) | {f"each.{mistake}" for mistake in ANY}
    assert all(texts.hint("capstone", step, mistake, spoken) for step in TRIES for mistake in ANY)


def test_the_texts_are_whole() -> None:
    values = EXERCISE.values(draw_of(EXERCISE))
    for language in ("en", "es"):
        told = texts.task("capstone", "en" if language == "en" else "es", values)
        assert values["first"] in told
        assert all(f"`{step}`" in told for step in TRIES)
        assert len(told.splitlines()) < 80
    rights = [step.right({}) for step in EXERCISE.steps]
    assert all(rights)
    assert len(set(rights)) == 10
