"""The lab as a process of its own, as a person runs it: started, watched, and searched for what it leaves behind."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from capture.rights import Way, choose

ROOT = Path(__file__).resolve().parents[3]
_TIMEOUT = 60.0  # seconds; a run takes one or two
_NOBODY = 65534
_MARK = "LAB_TEST"


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line on standard error, which says what happened."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].endswith((".", "`")), self.err
        return lines[0]


@dataclass(frozen=True, slots=True)
class Lab:
    """Runs `python -m lab`, its files in a folder of its own.

    Attributes:
        home: the folder; HOME, the runs and the certificates are in it.
        wrap: what stands before the command.
        processes: those started, by mark.
    """

    home: Path
    wrap: tuple[str, ...] = ()
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def keep(self) -> Path:
        return self.home / "runs"

    @property
    def certs(self) -> Path:
        return self.home / "certs"

    def start(
        self,
        *arguments: str,
        wrap: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """Start the lab in a process group of its own, as a shell with job control does."""
        mark = uuid.uuid4().hex
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "COLUMNS": "200",
            # an unclosed file or socket would be a second line on standard error
            "PYTHONWARNINGS": "error::ResourceWarning",
            "PYTHONDONTWRITEBYTECODE": "1",
            _MARK: mark,
        }
        # not by Popen: the programs around the lab are found by the tests' own PATH
        env_program = shutil.which("env")
        assert env_program is not None
        changed = [env_program, *(f"{name}={value}" for name, value in (env or {}).items())]
        process = subprocess.Popen(
            [*self.wrap, *changed, *wrap, sys.executable, "-m", "lab", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.processes[mark] = process
        return process

    def run(
        self, *arguments: str, wrap: Sequence[str] = (), env: Mapping[str, str] | None = None, data: bytes = b""
    ) -> Done:
        """Run a command to its end; nothing of it may be left running."""
        return self.end(self.start(*arguments, wrap=wrap, env=env, stdin=subprocess.PIPE), data)

    def end(self, process: subprocess.Popen[bytes], data: bytes | None = None) -> Done:
        """Wait for the end of a command; nothing of it may be left running."""
        out, err = process.communicate(data, timeout=_TIMEOUT)
        assert self.running(process) == {}
        return Done(process.returncode, out.decode(), err.decode())

    def demo(self, *arguments: str) -> tuple[str, ...]:
        """Return the arguments of a demo whose files and ports are nobody else's; without a report unless asked for."""
        ports = [f"--{name}-port=0" for name in ("plain", "tls") if f"--{name}-port" not in arguments]
        report = [] if "--report" in arguments else ["--no-report"]
        return ("demo", *ports, f"--keep={self.keep}", f"--certs={self.certs}", *report, *arguments)

    def run_folder(self) -> Path:
        """Return the folder of the only run."""
        (folder,) = self.keep.iterdir()
        return folder

    def running(self, process: subprocess.Popen[bytes]) -> dict[int, str]:
        """Return the processes, wherever they live, that descend from one that was started: pid to name."""
        mark = next(mark for mark, known in self.processes.items() if known is process)
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            # processes come and go, and those of others are closed to us
            with contextlib.suppress(OSError):
                if f"{_MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "comm").read_text().strip()
        return found

    def until(self, process: subprocess.Popen[bytes], happened: Callable[[], bool]) -> None:
        """Wait until something has happened while the process runs."""
        while not happened():
            try:
                process.wait(0.005)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"it ended too early: {process.communicate()}")

    def captured(self, process: subprocess.Popen[bytes], size: int) -> None:
        """Wait until the capture file of the only run holds at least `size` bytes."""
        self.until(process, lambda: any(file.stat().st_size >= size for file in self.keep.glob("*/capture.pcapng")))

    def clean_up(self) -> None:
        """Kill what a failed test has left."""
        for process in self.processes.values():
            for pid in self.running(process):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """The lab as the user who runs the tests."""
    lab = Lab(tmp_path)
    yield lab
    lab.clean_up()


def _must_work(command: Sequence[str], what: str) -> None:
    """Skip the test where the system refuses what it stands on: some containers allow no namespaces."""
    done = subprocess.run([*command, "true"], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        pytest.skip(f"this system allows no {what}: {done.stderr.strip()}")


@pytest.fixture
def mount_namespace(tool: Callable[[str], str]) -> tuple[str, ...]:
    """What stands before a command that mounts something for itself alone."""
    command = (tool("unshare"), "--mount", "--propagation", "private", "--")
    _must_work(command, "mount namespace")
    return command


@pytest.fixture
def as_ordinary_user(lab: Lab, tool: Callable[[str], str], request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The lab as a user without rights: the one who runs the tests, or nobody where that is root."""
    if os.geteuid() != 0:
        yield lab
        return
    drop = (tool("setpriv"), f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--")
    _must_work((*drop, tool("unshare"), "--user", "--map-root-user", "--net", "--"), "user namespace")
    mount_namespace = request.getfixturevalue("mount_namespace")
    home = Path(tempfile.mkdtemp(prefix="lab-nobody-"))  # pytest's own folders are closed to others
    home.chmod(0o755)
    os.chown(home, _NOBODY, _NOBODY)
    opened = "\n".join([*_open_to_others(home), f'exec {" ".join(drop)} "$@"'])
    other = Lab(home, (*mount_namespace, "sh", "-ec", opened, "sh"))
    yield other
    other.clean_up()
    shutil.rmtree(home)


def _open_to_others(hold: Path) -> Iterator[str]:
    """Yield shell lines that show others what Python and the lab need of folders that are closed to them.

    They are for a mount namespace of one's own: a closed folder is covered by an empty one that has only these in it.
    """
    needed = {Path(path).resolve() for path in (sys.prefix, sys.base_prefix, ROOT)}
    closed: dict[Path, set[Path]] = {}
    for path in needed:
        for folder in reversed(path.parents):
            if not folder.stat().st_mode & 0o001:
                closed.setdefault(folder, set()).add(path)
                break
    for folder, paths in closed.items():
        kept = {path: f"{hold}/.hold-{number}" for number, path in enumerate(sorted(paths))}
        for path, place in kept.items():
            yield f"mkdir -p '{place}'; mount --bind '{path}' '{place}'"
        yield f"mount -t tmpfs -o mode=755 tmpfs '{folder}'"
        for path, place in kept.items():
            yield f"mkdir -p '{path}'; mount --move '{place}' '{path}'; rmdir '{place}'"
    yield f"cd '{ROOT}'"


@pytest.fixture
def live(lab: Lab) -> Lab:
    """The lab where it captures live: on the loopback interface or a private one; --way is not to be given."""
    if choose().way is Way.TAP:
        pytest.skip("nothing may capture live here")
    return lab


@pytest.fixture
def on_loopback(live: Lab) -> Lab:
    """The lab where it captures on the loopback interface itself."""
    if choose().way is not Way.LOOPBACK:
        pytest.skip("this user may not capture on the loopback interface")
    return live


@pytest.fixture
def conversation(tmp_path: Path) -> Path:
    """Messages for a run that takes long enough for something to happen in it."""
    path = tmp_path / "long.txt"
    path.write_text("".join(f"line {number} of a long talk\n" for number in range(800)))
    return path
