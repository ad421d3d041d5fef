import ast
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab import bootstrap

SOURCE = Path(bootstrap.__file__)
LOCK = "one==1.0 \\\n    --hash=sha256:00\ntwo==2 ; sys_platform == 'win32' \\\n    --hash=sha256:11\n    # via one\n"

Put = Callable[..., Path]


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, and an empty one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    real = shutil.which
    monkeypatch.setattr("lab.bootstrap._find", lambda program: real(program, path=str(folder)))
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Callable[[], list[str]]:
    """What the programs made by `put` were called with, a line each."""
    path = tmp_path / "log"
    return lambda: path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def put(bin_folder: Path, tmp_path: Path) -> Put:
    """Make a program that writes down how it was called and then runs shell lines."""

    def make(name: str | Path, lines: str = "") -> Path:
        path = bin_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho {path.name} \"$@\" >> '{tmp_path}/log'\n{lines}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with locked requirements and nothing else."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "requirements.lock").write_text(LOCK)
    for kind in ("dev", "nbgrader", "notebook"):
        (root / f"requirements-{kind}.lock").write_text(LOCK + "three==3 \\\n    --hash=sha256:22\n")
    monkeypatch.setattr("lab.bootstrap._ROOT", root)
    monkeypatch.setattr("lab.bootstrap.has_tkinter", lambda: True)
    monkeypatch.delenv("VENV", raising=False)
    return root


def install_all(put: Put, *names: str) -> None:
    for name in names or (*bootstrap.TEST_PROGRAMS, "chromium"):
        put(name)


# --- what any Python must be able to run ---


def test_it_imports_the_standard_library_only() -> None:
    for node in ast.walk(ast.parse(SOURCE.read_text())):
        if isinstance(node, ast.Import):
            assert {alias.name.partition(".")[0] for alias in node.names} <= sys.stdlib_module_names
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert node.module
            assert node.module.partition(".")[0] in sys.stdlib_module_names


def test_old_pythons_can_read_it() -> None:
    ast.parse(SOURCE.read_text(), feature_version=(3, 7))


def test_as_the_makefile_runs_it(tmp_path: Path) -> None:
    """As a script, from nowhere, with nothing installed and nothing to be imported but the standard library."""
    code = (
        "import runpy, sys; sys.version_info = (3, 10, 0); sys.argv = ['x']; "
        f"runpy.run_path({str(SOURCE)!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=30
    )
    assert done.returncode == 1
    assert done.stderr == ""
    assert done.stdout.startswith("The lab needs Python 3.11, 3.12 or 3.13 and this is ")


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 99), (3, 14, 0), (4, 0, 0)])
def test_a_python_that_does_not_fit(
    version: tuple[int, int, int],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setattr(sys, "version", ".".join(map(str, version)) + " (main)")
    assert bootstrap.main([]) == 1
    said = capsys.readouterr().out
    assert said == (
        f"The lab needs Python 3.11, 3.12 or 3.13 and this is {'.'.join(map(str, version))}: "
        "run `make PYTHON=python3.12 …` with one of them.\n"
    )
    assert not (project / ".venv").exists()


# --- commands for this system ---


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        (
            "apt-get",
            "sudo apt-get install -y tshark xxd netcat-openbsd openssl tcpdump libcap2-bin bubblewrap xvfb xdotool",
        ),
        (
            "dnf",
            "sudo dnf install -y wireshark-cli vim-common netcat openssl tcpdump libcap bubblewrap "
            "xorg-x11-server-Xvfb xdotool",
        ),
        (
            "pacman",
            "sudo pacman -S --needed wireshark-cli tinyxxd openbsd-netcat openssl tcpdump libcap bubblewrap "
            "xorg-server-xvfb xdotool",
        ),
        ("brew", "brew install wireshark vim netcat openssl tcpdump"),
        (None, "see https://www.wireshark.org/download.html"),
    ],
)
def test_install_command(manager: str | None, command: str) -> None:
    programs = ["tshark", "xxd", "nc", "openssl", "tcpdump"]
    if manager != "brew":
        programs += ["setcap", "bwrap", "Xvfb", "xdotool"]
    if sys.platform == "linux" and manager != "brew":
        assert programs == list(bootstrap.TEST_PROGRAMS)
    assert bootstrap.install_command(programs, manager) == command


def test_install_command_names_a_package_once() -> None:
    assert bootstrap.install_command(["xxd", "xxd"], "dnf") == "sudo dnf install -y vim-common"


@pytest.mark.parametrize("manager", ["apt-get", "dnf", "pacman", "brew", None])
def test_the_package_manager_and_the_rights_it_gives(manager: str | None, put: Put) -> None:
    if manager:
        put(manager)
    assert bootstrap.package_manager() == manager
    assert bool(bootstrap.capture_rights_commands(manager)) == (manager is not None)


# --- programs ---


def test_nothing_is_missing(put: Put, log: Callable[[], list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    install_all(put)
    put("apt-get")
    bootstrap.install_programs(bootstrap.TEST_PROGRAMS)
    assert log() == []
    assert capsys.readouterr().out == ""


APT_OPTIONS = "-o DPkg::Lock::Timeout=60"


def test_apt_as_root(
    put: Put, log: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    put("xxd")
    put("apt-get", 'echo "Get:1 http://x y"; test "$DEBIAN_FRONTEND" = noninteractive || exit 9; cat')
    put("cat", "exec /bin/cat")  # standard input is empty: apt can ask nothing
    bootstrap.install_programs(["tshark", "xxd", "nc"])
    assert [line for line in log() if line.startswith("apt-get")] == [
        f"apt-get {APT_OPTIONS} update",
        f"apt-get {APT_OPTIONS} install -y --no-install-recommends tshark netcat-openbsd",
    ]
    assert (
        capsys.readouterr().out == "Updating apt's list of packages …\nInstalling tshark, netcat-openbsd with apt …\n"
    )


def test_apt_through_sudo(
    put: Put, log: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    # as the real one does, it passes no environment on
    put("sudo", 'test "$1" = -n || exit 9; shift; exec /usr/bin/env -i "PATH=$PATH" "$@"')
    put("env", 'exec /usr/bin/env "$@"')
    put("true")
    put("apt-get", 'test "$DEBIAN_FRONTEND" = noninteractive || exit 9')
    bootstrap.install_programs(["tshark"])
    assert [line for line in log() if line.startswith(("sudo", "apt-get"))] == [
        "sudo -n true",
        f"sudo -n env DEBIAN_FRONTEND=noninteractive apt-get {APT_OPTIONS} update",
        f"apt-get {APT_OPTIONS} update",
        f"sudo -n env DEBIAN_FRONTEND=noninteractive apt-get {APT_OPTIONS} install -y --no-install-recommends tshark",
        f"apt-get {APT_OPTIONS} install -y --no-install-recommends tshark",
    ]
    assert "missing" not in capsys.readouterr().out, "apt was not left to ask"


@pytest.mark.parametrize("sudo", [None, "exit 1"], ids=["no sudo", "sudo asks"])
def test_apt_without_rights(
    sudo: str | None,
    put: Put,
    log: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    put("apt-get")
    if sudo:
        put("sudo", sudo)
    bootstrap.install_programs(["tshark", "xxd"])
    assert log() == (["sudo -n true"] if sudo else [])
    assert capsys.readouterr().out == (
        "tshark, xxd missing: install with `sudo apt-get install -y tshark xxd`. "
        "The lab goes on without, as well as it can.\n"
    )


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("echo 'E: Unable to locate package tshark' >&2; exit 100", "E: Unable to locate package tshark"),
        ("exit 3", "status 3"),
    ],
)
def test_apt_fails(
    says: str, reason: str, put: Put, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    put("apt-get", says)
    bootstrap.install_programs(["tshark"])
    said = capsys.readouterr().out.splitlines()
    assert said[-2] == f"apt could not install tshark ({reason})."
    assert said[-1].startswith("tshark missing: install with `sudo apt-get install -y tshark`.")


@pytest.mark.parametrize("manager", ["dnf", "pacman", "brew"])
def test_other_managers_are_only_named(
    manager: str,
    put: Put,
    log: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    put(manager)
    bootstrap.install_programs(["tshark"])
    assert log() == []
    assert bootstrap.install_command(["tshark"], manager) in capsys.readouterr().out


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome", "Google Chrome"])
def test_a_browser_by_whatever_name(name: str, put: Put) -> None:
    assert bootstrap.find_browser() is None
    path = put(name)
    assert bootstrap.find_browser() == str(path)


# --- tkinter ---


@pytest.fixture
def without_tkinter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's own Python, without tkinter, as Debian has it."""
    monkeypatch.setattr("lab.bootstrap.has_tkinter", lambda: False)
    monkeypatch.setattr(sys, "base_prefix", "/usr")


def test_tkinter_is_looked_for_as_it_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", "import tkinter"], capture_output=True, check=False, timeout=30)
    assert bootstrap.has_tkinter() == (done.returncode == 0)


def test_nothing_is_said_of_tkinter_where_it_is(
    put: Put, log: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lab.bootstrap.has_tkinter", lambda: True)
    put("apt-get")
    bootstrap.install_tkinter()
    assert log() == []
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("without_tkinter")
def test_tkinter_with_apt(put: Put, log: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    put("apt-get")
    bootstrap.install_tkinter()
    assert log()[-1] == f"apt-get {APT_OPTIONS} install -y --no-install-recommends python3-tk"


@pytest.mark.usefixtures("without_tkinter")
@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "sudo apt-get install -y python3-tk"),
        ("dnf", "sudo dnf install -y python3-tkinter"),
        ("pacman", "sudo pacman -S --needed tk"),
        ("brew", "brew install python-tk"),
        (None, "your system's packages"),
    ],
)
def test_tkinter_is_only_named(
    manager: str | None, command: str, put: Put, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    if manager:
        put(manager)
    bootstrap.install_tkinter()
    assert capsys.readouterr().out == (
        f"tkinter missing: install with `{command}`. The chat has no window without it.\n"
    )


@pytest.mark.usefixtures("without_tkinter")
def test_a_python_of_ones_own_without_tkinter(
    put: Put, log: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "base_prefix", "/opt/python")
    put("apt-get")
    bootstrap.install_tkinter()
    assert log() == [], "no package of the system would help"
    assert capsys.readouterr().out.startswith("This Python was built without tkinter")


# --- the environment ---

MAKES_A_VENV = """\
case "$2" in
venv) /bin/mkdir -p "$3/bin"; /bin/cp "$0" "$3/bin/python" ;;
pip) test "$3" = -V || { echo "Collecting one==1.0"; echo "Installing collected packages"; } ;;
esac"""
PIP = "python -m pip install --disable-pip-version-check --require-hashes -r"


def test_the_first_run_sets_up_and_the_second_does_nothing(
    put: Put,
    log: Callable[[], list[str]],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install_all(put)
    monkeypatch.setattr(sys, "executable", str(put("python", MAKES_A_VENV)))
    venv, lock = project / ".venv", project / "requirements.lock"
    assert bootstrap.main([]) == 0
    assert log() == [f"python -m venv {venv}", f"{PIP} {lock}"]
    assert capsys.readouterr().out == f"Making {venv} …\nInstalling 2 Python packages from requirements.lock …\n"
    assert (venv / ".ready").read_text() == hashlib.sha256(LOCK.encode()).hexdigest()

    before = log()
    assert bootstrap.main([]) == 0
    assert log() == before, "no process is started"
    assert capsys.readouterr().out == ""

    # a changed lock is installed into the environment that is there
    lock.write_text(LOCK + "three==3 \\\n    --hash=sha256:22\n")
    assert bootstrap.main([]) == 0
    assert log()[len(before) :] == ["python -m pip -V", f"{PIP} {lock}"]
    assert "Installing 3 Python packages" in capsys.readouterr().out


def test_what_the_tests_need(
    put: Put, log: Callable[[], list[str]], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_all(put)
    monkeypatch.setattr(sys, "executable", str(put("python", MAKES_A_VENV)))
    assert bootstrap.main(["--dev"]) == 0
    venv, apart = project / ".venv", project / ".venv-nbgrader"
    assert log() == [
        f"python -m venv {venv}",
        f"{PIP} {project / 'requirements-dev.lock'}",
        f"python -m venv {apart}",
        f"{PIP} {project / 'requirements-nbgrader.lock'}",
    ]
    assert (venv / ".ready-dev").exists()
    assert not (venv / ".ready").exists()
    before = log()
    assert bootstrap.main(["--dev"]) == 0
    assert log() == before, "no process is started"


def test_what_the_notebooks_need(
    put: Put, log: Callable[[], list[str]], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_all(put)
    monkeypatch.setattr(sys, "executable", str(put("python", MAKES_A_VENV)))
    assert bootstrap.main(["--notebook"]) == 0
    assert log()[-1] == f"{PIP} {project / 'requirements-notebook.lock'}"
    assert [path.name for path in (project / ".venv").glob(".ready*")] == [".ready-notebook"]


def test_what_nbgrader_needs_and_nothing_else(
    put: Put, log: Callable[[], list[str]], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_all(put)
    monkeypatch.setattr(sys, "executable", str(put("python", MAKES_A_VENV)))
    assert bootstrap.main(["--nbgrader"]) == 0
    apart = project / ".venv-nbgrader"
    assert log() == [f"python -m venv {apart}", f"{PIP} {project / 'requirements-nbgrader.lock'}"]
    assert (apart / "bin" / "lab").exists()
    assert not (project / ".venv").exists()
    before = log()
    assert bootstrap.main(["--dev"]) == 0
    assert not [line for line in log()[len(before) :] if "requirements-nbgrader" in line], "that is there already"


def test_the_lab_can_be_imported_and_called_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a real environment: a notebook's kernel starts in the notebook's folder."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=60)
    asked = [str(venv / "bin" / "python"), "-c", "import lab.bootstrap; print(lab.bootstrap.__file__)"]
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert subprocess.run(asked, cwd=tmp_path, capture_output=True, check=False, timeout=60).returncode == 1
    bootstrap.make_importable(venv)
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"{SOURCE}\n"
    # called as it is named, without anything installed: typer is missing; somebody's file is no module of it
    (tmp_path / "string.py").write_text("1 / 0\n")
    called = subprocess.run([str(venv / "bin" / "lab")], cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert called.stderr.splitlines()[-1] == b"ModuleNotFoundError: No module named 'typer'"


def test_a_browser_is_for_the_tests_and_is_installed_apart_from_the_rest(
    put: Put, log: Callable[[], list[str]], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_all(put, *(program for program in bootstrap.TEST_PROGRAMS if program != "xxd"))
    put("apt-get")
    monkeypatch.delenv("CI", raising=False)  # there more is installed
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "executable", str(put("python", MAKES_A_VENV)))
    assert bootstrap.main([]) == bootstrap.main(["--dev"]) == 0
    assert (project / ".venv" / ".ready-dev").exists()
    assert [line.partition("recommends ")[2] for line in log() if " install -y " in line] == ["xxd", "xxd", "chromium"]


def test_another_place_for_the_environment(
    put: Put, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_all(put)
    monkeypatch.setattr(sys, "executable", str(put("python", MAKES_A_VENV)))
    for given, place in (("other", project / "other"), (str(tmp_path / "far"), tmp_path / "far")):
        monkeypatch.setenv("VENV", given)
        assert bootstrap.main([]) == 0
        assert (place / ".ready").exists()


def test_pip_fails(
    put: Put, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_all(put)
    monkeypatch.setattr(sys, "executable", str(put("python", MAKES_A_VENV)))
    (project / ".venv" / "bin").mkdir(parents=True)
    put(
        project / ".venv" / "bin" / "python",
        'test "$3" = -V && exit 0; echo "Collecting one"; echo "ERROR: HASHES DO NOT MATCH" >&2; echo " hint "; exit 1',
    )
    assert bootstrap.main([]) == 1
    assert (
        capsys.readouterr().out.splitlines()[-1]
        == "pip could not install requirements.lock: ERROR: HASHES DO NOT MATCH"
    )
    assert not (project / ".venv" / ".ready").exists()


def test_half_an_environment_is_made_again(
    put: Put, log: Callable[[], list[str]], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_all(put)
    monkeypatch.setattr(sys, "executable", str(put("python", MAKES_A_VENV)))
    put(project / ".venv" / "bin" / "python", "exit 1")  # no pip in it
    assert bootstrap.main([]) == 0
    assert log() == [
        "python -m pip -V",
        f"python -m venv {project / '.venv'}",
        f"{PIP} {project / 'requirements.lock'}",
    ]


NO_VENV = 'echo "The virtual environment was not created: ensurepip is not available."; exit 1'


@pytest.mark.parametrize(
    ("root", "manager", "words"),
    [
        (False, "apt-get", "This Python has no venv module: install it with `sudo apt-get install -y python3."),
        (True, "apt-get", "cannot be made: The virtual environment was not created: ensurepip is not available."),
        (True, "dnf", "cannot be made: The virtual environment was not created: ensurepip is not available."),
    ],
)
def test_a_python_without_venv(
    root: bool,
    manager: str,
    words: str,
    put: Put,
    log: Callable[[], list[str]],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    put(manager)
    monkeypatch.setattr(sys, "executable", str(put("python", NO_VENV)))
    assert bootstrap.main([]) == 1
    assert words in capsys.readouterr().out.splitlines()[-1]
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    tried = any(line.endswith(f"install -y --no-install-recommends {package}") for line in log())
    assert tried == (root and manager == "apt-get")
    assert not (project / ".venv").exists()


def test_where_nothing_can_be_written(
    put: Put, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_all(put)
    (project / ".venv").write_text("a file")
    monkeypatch.setattr(sys, "executable", str(project / "no-such-python"))
    assert bootstrap.main([]) == 1
    (said,) = capsys.readouterr().out.splitlines()[-1:]
    assert said.startswith(f"The lab cannot be set up in {project / '.venv'}: ")


def test_stopped_with_ctrl_c(
    put: Put, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install_all(put)
    monkeypatch.setattr(sys, "executable", str(put("python", "kill -INT $PPID; exit 1")))
    # where the tests run in the background, SIGINT is ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert bootstrap.main([]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().out.endswith("\nStopped; run it again to go on where it was.\n")
    assert not (project / ".venv" / ".ready").exists()


def test_on_a_terminal_progress_is_shown(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    terminal = SimpleNamespace(write=written.append, flush=lambda: None, isatty=lambda: True)
    program = put("program", "echo 'Get:1 http://x'; echo other; echo Unpacking; echo 'Get:2 y'")
    monkeypatch.setattr(sys, "stdout", terminal)
    status, output = bootstrap._run_showing("Working", [str(program)], ("Get:", "Unpacking"))
    monkeypatch.undo()
    assert status == 0
    assert output.splitlines() == ["Get:1 http://x", "other", "Unpacking", "Get:2 y"]
    assert written == [
        "Working …\n",
        *(f"\r\033[K  {n}: {name}" for n, name in zip(itertools.count(1), ("http://x", "", "y"), strict=False)),
        "\r\033[K",
    ]
