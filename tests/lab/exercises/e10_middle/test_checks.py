"""Exercise 10, solved with Python, tshark and openssl, and each mistake that it knows."""

import contextlib
import functools
import shutil
from pathlib import Path

import pytest

from capture.rights import Choice, Way
from lab import sandbox
from lab.errors import LabError
from lab.exercises import texts
from lab.exercises.e10_middle import checks
from lab.exercises.e10_middle.checks import EXERCISE
from lab.exercises.e10_middle.run import Rerun, run_again
from lab.exercises.judge import judge
from lab.exercises.work import Work
from tests.lab.exercises.conftest import draw_of, judged, known_mistakes, make_mistake, mistakes
from tests.lab.exercises.hostile import reach_outside, refusals
from tests.lab.exercises.solvers import e10

_MIDDLE = {name for name in e10.MISTAKES if name.startswith("middle.")}
_HEARD = {name for name in e10.MISTAKES if name.startswith("heard.")}
# What is wrong then, too: who does not sit in the middle has nothing to say of the rest.
_REFUSES_NOTHING = {f"{step}.no_refusal" for step in ("alert_frame", "alert", "why")}
_SAYS_NOTHING = {"words.nothing_said"}
_FOLLOWS = {
    "middle.passed_through": _REFUSES_NOTHING,
    "middle.no_certificate": _REFUSES_NOTHING | _SAYS_NOTHING,
    "middle.no_server": _SAYS_NOTHING,
    "middle.no_tls_behind": _SAYS_NOTHING,
    "middle.server_refused": _SAYS_NOTHING,
}
_ANSWERS = set(e10.MISTAKES) - e10.RUN_AGAIN - _HEARD


def _run(folder: Path) -> None:
    assert EXERCISE.run is not None
    EXERCISE.run(draw_of(EXERCISE), folder, Choice(Way.TAP, ""))


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A solved folder. Here the work begins before the live run, which runs what was written."""
    folder = tmp_path_factory.mktemp(EXERCISE.folder)
    task = texts.task(EXERCISE.name, "en", EXERCISE.values(draw_of(EXERCISE)))
    (folder / "task.md").write_text(task, "utf-8")
    for name, data in texts.given(EXERCISE.name):
        (folder / name).write_bytes(data)
    e10.prepare(folder)
    _run(folder)
    e10.solve(folder)
    return folder


@pytest.fixture
def folder(once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(once, tmp_path / EXERCISE.folder)


def test_solved_by_what_a_student_has(folder: Path) -> None:
    assert judged(EXERCISE, folder).points == EXERCISE.points


@pytest.fixture
def once_only(once: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not run middle.py again where that is not what is looked at."""
    monkeypatch.setattr(checks, "run_again", lambda _: _run_again_once(once))


@functools.cache
def _run_again_once(once: Path) -> Rerun:
    return run_again(Work(once, draw_of(EXERCISE)))


@pytest.mark.usefixtures("once_only")
@pytest.mark.parametrize("name", sorted(_ANSWERS))
def test_each_wrong_answer_is_recognised(folder: Path, name: str) -> None:
    make_mistake(folder, e10, name)
    found = mistakes(EXERCISE, folder)
    step, mistake = name.split(".")
    assert found.pop(step) == mistake
    assert set(found.values()) == {""}


@pytest.mark.parametrize("name", sorted(_HEARD))
def test_whatever_middle_py_does_is_recognised(folder: Path, name: str) -> None:
    make_mistake(folder, e10, name)
    found = mistakes(EXERCISE, folder)
    assert found.pop("heard") == name.split(".")[1]
    assert set(found.values()) == {""}


@pytest.mark.usefixtures("once_only")
@pytest.mark.parametrize("name", sorted(_MIDDLE))
def test_however_it_stands_in_the_middle_is_recognised(folder: Path, name: str) -> None:
    make_mistake(folder, e10, name)
    with contextlib.suppress(LabError):  # it says that it did not work, and leaves what there is
        _run(folder)
    found = mistakes(EXERCISE, folder)
    assert found.pop("middle") == name.split(".")[1]
    followed = {f"{step}.{mistake}" for step, mistake in found.items() if mistake}
    assert followed & e10.RUN_AGAIN == _FOLLOWS.get(name, set())


def test_every_hint_has_its_mistake() -> None:
    assert set(e10.MISTAKES) == known_mistakes(EXERCISE, "en") == known_mistakes(EXERCISE, "es")


@pytest.mark.parametrize("isolated", [True, False])
def test_it_runs_apart_from_everything_whoever_asks(folder: Path, tmp_path: Path, *, isolated: bool) -> None:
    if not sandbox.isolation():
        pytest.skip("nothing can be run apart here")
    outside = tmp_path / "outside"
    reach_outside(folder / "middle.py", outside)
    assert judge(EXERCISE, Work(folder, draw_of(EXERCISE), isolated=isolated)).points == EXERCISE.points
    assert not outside.exists()


_PEEKS = """
import os
for name in ("mem", "fd/0", "fd/1"):
    try:
        os.close(os.open(f"/proc/{os.getppid()}/{name}", os.O_RDWR))
    except OSError:
        continue
    print("ready", flush=True)  # seen as another mistake: this must not have been possible
"""


def test_words_are_heard_in_the_middle_alone(folder: Path) -> None:
    if not sandbox.isolation():
        pytest.skip("nothing can be run apart here")
    (folder / "middle.py").write_text(_PEEKS)
    outcomes = judge(EXERCISE, Work(folder, draw_of(EXERCISE), isolated=True)).outcomes
    assert {outcome.step: outcome.mistake for outcome in outcomes}["heard"] == "not_ready"


def test_another_students_capture_is_recognised(folder: Path) -> None:
    assert {outcome.mistake for outcome in judged(EXERCISE, folder, "ben").outcomes} == {"not_yours"}


@pytest.mark.usefixtures("once_only")
@pytest.mark.parametrize("name", ["ca.pem", "tls.keylog"])
def test_whatever_is_handed_in_is_judged(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\0\xff" * 1000)
    assert judged(EXERCISE, folder).points < EXERCISE.points


@pytest.mark.usefixtures("once_only")
def test_other_captures_are_refused_in_a_sentence(folder: Path) -> None:
    assert all(refusals(EXERCISE, folder))
