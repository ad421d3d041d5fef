import contextlib
import os
import signal
import tempfile
from pathlib import Path

import pytest

from lab.bench.programs import python, running
from lab.errors import LabError

pytestmark = pytest.mark.usefixtures("nothing_left")

# starts a child that would go on for ever, and makes a temporary file, as a capture does
_PARENT = """
import subprocess, sys, tempfile
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
tempfile.NamedTemporaryFile(delete=False).close()
print(child.pid, flush=True)
print(sys.stdin.readline().strip(), flush=True)
"""


def ended(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def test_it_takes_and_gives_lines_and_leaves_nothing() -> None:
    with running("the program", python("-c", _PARENT)) as program:
        child = int(program.line())
        assert not ended(child)
        program.say("over to you")
        assert program.line() == "over to you"
        assert len(list(Path(tempfile.gettempdir()).glob("lab-bench-*/*"))) == 1
    while not ended(child):  # it was killed, and is gone as soon as it runs again
        os.sched_yield()


@pytest.mark.parametrize("error", [KeyboardInterrupt, LabError])
def test_nothing_is_left_whatever_happens(error: type[BaseException]) -> None:
    children: list[int] = []

    def fail() -> None:
        with running("the program", python("-c", _PARENT)) as program:
            children.append(int(program.line()))
            raise error

    with pytest.raises(error):
        fail()
    while not ended(children[0]):
        os.sched_yield()


def test_one_that_ends_says_why() -> None:
    with (
        running("the program", python("-c", "raise SystemExit('No rights here.')")) as program,
        pytest.raises(LabError, match=r"^the program ended too early: No rights here\.$"),
    ):
        program.line()


def test_one_that_takes_too_long_is_killed() -> None:
    with (
        running("the program", python("-c", "import signal; signal.pause()"), limit=0.2) as program,
        pytest.raises(LabError, match=r"^the program did not end in time\.$"),
    ):
        program.line()


def test_one_that_is_not_there(tmp_path: Path) -> None:
    with (
        pytest.raises(LabError, match=r"^the program cannot be started: No such file"),
        running("the program", [str(tmp_path / "none")]),
    ):
        pass


def test_one_can_be_ended_as_with_ctrl_c() -> None:
    source = (
        f"import signal; signal.signal({int(signal.SIGINT)}, signal.SIG_DFL); print('on', flush=True); signal.pause()"
    )
    with running("the program", python("-c", source)) as program:
        assert program.line() == "on"
        program.interrupt()
    deaf = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print('on', flush=True)\nwhile 1: signal.pause()"
    )
    with running("the program", python("-c", deaf), limit=1) as program:
        assert program.line() == "on"
        with pytest.raises(LabError, match="did not end in time"):
            program.interrupt()


def test_to_speak_to_one_that_has_ended_is_no_error() -> None:
    with running("the program", python("-c", "")) as program:
        program.ended()
        program.say("hello?")
