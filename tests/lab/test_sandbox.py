"""Code that means harm, run for real: what it sees, what it may use, and that nothing of it is left."""

import fcntl
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab import confine, sandbox
from lab.errors import LabError
from lab.sandbox import Limits, Ran

ROOT = Path(__file__).parent.parent.parent
APART = [True, False]
TMP = "/tmp"  # noqa: S108
Run = Callable[..., Ran]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hand-in").mkdir()
    return tmp_path / "hand-in"


@pytest.fixture
def run(folder: Path, tool: Callable[[str], str]) -> Run:
    tool("bwrap")
    if not sandbox.isolation():
        pytest.skip("bubblewrap is not allowed to work here")

    def code(text: str, *words: str, **options: Any) -> Ran:
        return sandbox.run([sys.executable, "-S", "-c", text, *words], folder, **options)

    return code


def alive(mark: str) -> list[bytes]:
    """Return the command lines, of the whole system, that hold `mark`: an oracle that knows nothing of the sandbox."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:
            continue
    return [line for line in lines if mark.encode() in line]


def gone(number: int) -> None:
    """Wait until a process, which was killed, is gone."""
    try:
        end = os.pidfd_open(number)
    except ProcessLookupError:
        return
    try:
        assert select.select([end], [], [], 10)[0]
    finally:
        os.close(end)


@pytest.fixture
def mark() -> Iterator[str]:
    name = f"mark-{uuid.uuid4().hex}"
    yield name
    assert alive(name) == []


SPAWN = """
import os, signal, sys, time
told, tell = os.pipe()
child = os.fork()
if child == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if os.fork() == 0:
        os.write(tell, str(os.getpid()).encode())
        {streams}
        time.sleep(1000)
    os._exit(0)
os.waitpid(child, 0)
daemon = os.read(told, 100).decode()
"""
HOLD, CLOSE = "pass", "os.closerange(0, 100)"


def test_what_the_code_sees(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_SECRET", "in the environment")
    secret = folder.parent / "course.secret"
    secret.write_text("of the teacher")
    (folder.parent / "other-hand-in").mkdir()
    (folder / "mine").write_text("of the student")
    places = [secret, Path.home() / ".ssh", Path.home() / ".bashrc", ROOT / "out", ROOT / ".git", "/etc/shadow", "/sys"]
    text = """
import os, sys
print(sorted(os.environ))
print([place for place in sys.argv[1:] if os.path.exists(place)])
print(os.listdir(".."), os.getcwd() == os.environ["HOME"], open("mine").read())
local = os.path.join(os.environ["PYTHONPATH"], "certs", "local")
print(os.listdir(local) if os.path.exists(local) else [])
print(os.getuid() == 0, len(os.listdir("/proc/self/fd")), len([name for name in os.listdir("/proc") if name.isdigit()]))
import lab.errors
"""
    ran = run(text, *map(str, places))
    assert ran.stdout.decode().splitlines() == [
        "['HOME', 'LANG', 'PATH', 'PYTHONPATH']",
        "[]",
        "['hand-in'] True of the student",
        "[]",
        "False 4 2",
    ]
    assert ran == Ran(0, ran.stdout, b"", "")


def test_only_the_folder_can_be_written(run: Run, folder: Path) -> None:
    text = """
import os, sys
for place in sys.argv[1:]:
    try:
        open(os.path.join(place, "new"), "w").write("x")
        print(place)
    except OSError:
        pass
"""
    places = ["/", "/usr", "/usr/bin", "/etc", "/dev", "/proc", sys.prefix, str(ROOT / "lab"), str(ROOT), TMP, "."]
    assert run(text, *places).stdout.split() == [b"/tmp", b"."]
    assert (folder / "new").read_text() == "x"
    assert not Path(TMP, "new").exists()


def test_the_network_is_a_loopback_of_its_own(run: Run) -> None:
    text = """
import socket, sys
with socket.create_server(("localhost", 0)) as server, socket.create_connection(server.getsockname()):
    print([name for _, name in socket.if_nameindex()])
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])))
except ConnectionRefusedError:
    print("refused")
"""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert run(text, str(server.getsockname()[1])).stdout == b"['lo']\nrefused\n"


@pytest.mark.parametrize("isolated", APART)
def test_input_and_status(run: Run, *, isolated: bool) -> None:
    given = os.urandom(300_000)  # more than a pipe holds
    copy = "import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data); sys.exit('said')"
    assert run(copy, given=given, isolated=isolated) == Ran(1, given, b"said\n", "")
    # a large input that nobody reads
    assert run("print(1)", given=given, isolated=isolated) == Ran(0, b"1\n", b"", "")
    end = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert run(end, isolated=isolated).status == 128 + signal.SIGTERM


@pytest.mark.usefixtures("run")
def test_a_pipe_that_breaks_ends_a_program_as_in_a_shell(folder: Path) -> None:
    ran = sandbox.run(["bash", "-c", "yes | head -n1; echo ${PIPESTATUS[0]}"], folder)
    assert ran.stdout.split() == [b"y", str(128 + signal.SIGPIPE).encode()]


def test_a_program_that_is_not_there(folder: Path) -> None:
    for isolated in APART:
        ran = sandbox.run(["no-such-program"], folder, isolated=isolated)
        assert ran.status == 127
        assert ran.stderr.startswith(b"no-such-program cannot be started")


@pytest.mark.parametrize("isolated", APART)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bytearray(400 << 20)", b"MemoryError"),
        ("open('big', 'wb').write(bytes(3 << 20))", b"File too large"),
        ("[open('/dev/null') for _ in range(100)]", b"Too many open files"),
        ("import resource; assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0); 1 / 0", b"ZeroDivisionError"),
    ],
)
def test_limits(run: Run, text: str, said: bytes, *, isolated: bool) -> None:
    limits = Limits(memory=200 << 20, file_size=1 << 20, files=50)
    ran = run(text, limits=limits, isolated=isolated)
    assert (ran.status, ran.stopped) == (1, "")
    assert said in ran.stderr


def test_processes_are_limited_for_each_run(run: Run) -> None:
    text = """
import os, time
count = 0
try:
    while count < 100:
        if os.fork() == 0:
            time.sleep(1000)
        count += 1
except BlockingIOError:
    print(count)
"""
    with ThreadPoolExecutor(2) as pool:
        rans = list(pool.map(lambda _: run(text, limits=Limits(processes=20)), range(2)))
    assert [ran.stdout for ran in rans] == [b"19\n", b"19\n"]


@pytest.mark.parametrize("isolated", APART)
def test_a_loop_without_end(run: Run, mark: str, *, isolated: bool) -> None:
    text = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('begun', flush=True)\nwhile True: pass"
    begun = time.monotonic()
    ran = run(text, mark, limits=Limits(seconds=0.3), isolated=isolated)
    assert ran == Ran(None, b"begun\n", b"", "time")
    assert 0.3 <= time.monotonic() - begun < 5


@pytest.mark.parametrize("isolated", APART)
def test_cpu_time_counts_too(run: Run, *, isolated: bool) -> None:
    # as a process with many threads would use it: the system's signal is what both are told by
    text = "import os, signal; os.kill(os.getpid(), signal.SIGXCPU)"
    assert run(text, isolated=isolated) == Ran(None, b"", b"", "time")


def test_cpu_time_is_limited(run: Run) -> None:
    text = "import resource; print(resource.getrlimit(resource.RLIMIT_CPU))"
    assert run(text, limits=Limits(seconds=1.5)).stdout == b"(2, 3)\n"


@pytest.mark.parametrize("streams", [HOLD, CLOSE])
@pytest.mark.parametrize("after", ["", "time.sleep(1000)"])
def test_children_that_left_do_not_survive(run: Run, mark: str, streams: str, after: str) -> None:
    ran = run(SPAWN.format(streams=streams) + after, mark, limits=Limits(seconds=0.5 if after else 20))
    assert (ran.status, ran.stopped) == ((None, "time") if after else (0, ""))
    assert alive(mark) == []  # at once, not some time later


def test_all_are_gone_when_it_returns(run: Run, folder: Path) -> None:
    """Told by a lock that each of forty holds: the kernel gives it back when the last one is gone."""
    text = """
import fcntl, os, time
fcntl.flock(os.open("lock", os.O_CREAT | os.O_RDWR, 0o666), fcntl.LOCK_EX)
memory = bytearray(1 << 20)
for _ in range(40):
    if os.fork() == 0:
        os.setsid()
        memory[::4096] = bytes(256)
        time.sleep(1000)
"""
    assert run(text) == Ran(0, b"", b"", "")
    with (folder / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_child_in_the_group_ends_without_isolation(run: Run, mark: str) -> None:
    text = "import os, time\nchild = os.fork()\nif child: print(child)\nelse: time.sleep(1000)"
    ran = run(text, mark, isolated=False)
    gone(int(ran.stdout))
    assert ran.status == 0


def test_a_child_that_got_away_does_not_hold_the_caller(run: Run, mark: str) -> None:
    ran = run(SPAWN.format(streams=HOLD) + "print(daemon)", mark, isolated=False)
    daemon = int(ran.stdout)
    os.kill(daemon, signal.SIGKILL)  # it left its group, which only isolation notices
    gone(daemon)
    assert ran.status == 0


@pytest.mark.parametrize("isolated", APART)
def test_a_flood_is_stopped(run: Run, mark: str, *, isolated: bool) -> None:
    text = "import os\nwhile True: os.write(1, b'o' * 4096), os.write(2, b'e' * 4096)"
    ran = run(text, mark, limits=Limits(output=10_000), isolated=isolated)
    assert (ran.status, ran.stopped) == (None, "output")
    assert len(ran.stdout) + len(ran.stderr) == 10_000


def test_output_up_to_the_limit_is_fine(run: Run) -> None:
    text = "import os; os.write(1, b'o' * 6000); os.write(2, b'e' * 4000)"
    assert run(text, limits=Limits(output=10_000)) == Ran(0, b"o" * 6000, b"e" * 4000, "")
    assert run(text, limits=Limits(output=9_999)) == Ran(None, b"o" * 6000, b"e" * 3999, "output")


def test_closed_streams_do_not_hide_a_loop(run: Run, mark: str) -> None:
    ran = run("import os, time; os.closerange(0, 100); time.sleep(1000)", mark, limits=Limits(seconds=0.3))
    assert ran == Ran(None, b"", b"", "time")


def test_a_fork_bomb(run: Run, mark: str) -> None:
    text = "import os\nwhile True:\n try: os.fork()\n except OSError: pass"
    assert run(text, mark, limits=Limits(seconds=0.4, processes=30)).stopped == "time"


@pytest.mark.parametrize(
    "text",
    [
        "while True: open(str(len(os.listdir('.'))), 'wb').write(bytes(1 << 18))",
        "for n in range(5000): open(str(n), 'w').close()",
        "for n in range(3000): os.mkdir('d'); os.chdir('d')",
        "os.mkdir('locked'); open('locked/x', 'wb').write(bytes(1 << 19)); open('y', 'wb').write(bytes(3 << 20)); "
        "os.chmod('locked', 0)",
    ],
)
def test_a_folder_that_grows_too_much_is_emptied(run: Run, folder: Path, mark: str, text: str) -> None:
    ran = run(f"import os\n{text}", mark, limits=Limits(folder=2 << 20))
    assert (ran.status, ran.stopped, ran.stderr) == (None, "output", b"")
    assert list(folder.iterdir()) == []


def test_nothing_stays_locked(run: Run, folder: Path) -> None:
    text = "import os; os.mkdir('locked'); os.symlink('/', 'locked/link'); os.chmod('locked', 0); os.chmod('.', 0)"
    assert run(text) == Ran(0, b"", b"", "")
    assert [path.stat().st_mode & 0o700 for path in (folder, folder / "locked")] == [0o700, 0o700]


@pytest.mark.parametrize("isolated", APART)
def test_an_interruption_ends_it_too(run: Run, folder: Path, mark: str, *, isolated: bool) -> None:
    os.mkfifo(folder / "begun")
    caller = threading.get_ident()

    def interrupt() -> None:
        (folder / "begun").read_bytes()  # returns when the code has written
        signal.pthread_kill(caller, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(interrupt)
            with pytest.raises(KeyboardInterrupt):
                run("open('begun', 'w').write('x'); import time; time.sleep(1000)", mark, isolated=isolated)
            done.result()
    finally:
        signal.signal(signal.SIGINT, before)
    assert alive(mark) == []


@pytest.mark.parametrize("isolated", APART)
def test_an_interruption_while_it_starts(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, *, isolated: bool
) -> None:
    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options)
            started.append(self)
            raise KeyboardInterrupt

    started: list[subprocess.Popen[bytes]] = []
    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("open('written', 'w')", isolated=isolated)
    with started[0] as process:  # nobody kills it, and it ends
        assert process.wait(10) == confine.NOT_STARTED
    assert list(folder.iterdir()) == []


def test_no_descriptor_is_left_open(run: Run) -> None:
    run("print(1)")
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    run("print(1)")
    run("while True: print('x' * 999)", limits=Limits(output=1000))
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


def test_an_ordinary_user_can_run_it(run: Run, tmp_path: Path) -> None:
    """As root it goes another way (see `_FIRST_USER`); most teachers are not root."""
    python = "/usr/bin/python3"
    if os.geteuid() != 0 or not Path(python).exists() or shutil.which("setpriv") is None:
        pytest.skip("the tests do not run as root, or there is no other Python for it")
    assert run("print(1)").status == 0
    text = """
import sys, tempfile
from pathlib import Path
from lab import confine, sandbox
code = '''
import os
print(os.getuid(), os.path.exists("/etc/shadow"), {os.readlink(f"/proc/1/fd/{number}") for number in (0, 1)})
count = 0
try:
    while count < 100:
        if os.fork() == 0: import time; time.sleep(1000)
        count += 1
except BlockingIOError: print(count)
'''
with tempfile.TemporaryDirectory() as folder:
    print(sandbox.run(["python3", "-c", code, sys.argv[1]], Path(folder), limits=sandbox.Limits(processes=20)))
"""
    person = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups"]
    mark = uuid.uuid4().hex
    done = subprocess.run(
        [*person, python, "-B", "-c", text, mark],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    # what it is given and what it prints is not open to all that runs there
    printed = b"54321 False {'/dev/null'}\n19\n"
    assert done.stdout == f"{Ran(0, printed, b'', '')}\n", done.stderr
    assert alive(mark) == []
    assert tmp_path.exists()


def test_without_bubblewrap_nothing_is_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "isolation", lambda: False)
    with pytest.raises(LabError, match="bubblewrap"):
        sandbox.run(["touch", "written"], folder)
    assert list(folder.iterdir()) == []
    monkeypatch.undo()
    monkeypatch.setenv("PATH", "")
    sandbox.isolation.cache_clear()
    try:
        assert not sandbox.isolation()
    finally:
        sandbox.isolation.cache_clear()


def test_walls_that_do_not_stand_are_our_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("print(1)").status == 0
    monkeypatch.setattr(sandbox, "walls", lambda *_, **__: ["bwrap", "--no-such-option", "--"])
    with pytest.raises(LabError, match="could not be set up: bwrap: Unknown option"):
        run("print(1)")


def test_the_lab_itself_is_no_folder_to_write_in(run: Run) -> None:
    assert run("print(1)").status == 0
    before = (ROOT / "lab").stat().st_uid
    for place in (ROOT / "lab", ROOT, Path("/")):
        with pytest.raises(LabError, match="may not write in"):
            sandbox.run(["true"], place)
    assert (ROOT / "lab").stat().st_uid == before
    with pytest.raises(LabError, match="No such file"):
        sandbox.run(["true"], ROOT / "no-such-folder")
