"""Sets the lab up: a virtual environment from the locked requirements, and the programs the lab runs.

Run by the Makefile with whatever Python there is, before anything is installed: it imports the standard library only,
and even a Python that is too old gets as far as the sentence that says so.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)
_ROOT = Path(__file__).resolve().parent.parent

# program -> the package that has it, by package manager, where it has another name
_PACKAGES = {
    "apt-get": {
        "tshark": "tshark",
        "nc": "netcat-openbsd",
        "setcap": "libcap2-bin",
        "bwrap": "bubblewrap",
        "Xvfb": "xvfb",
        "tkinter": "python3-tk",
    },
    "dnf": {
        "tshark": "wireshark-cli",
        "nc": "netcat",
        "xxd": "vim-common",
        "setcap": "libcap",
        "bwrap": "bubblewrap",
        "Xvfb": "xorg-x11-server-Xvfb",
        "tkinter": "python3-tkinter",
    },
    "pacman": {
        "tshark": "wireshark-cli",
        "nc": "openbsd-netcat",
        "xxd": "tinyxxd",
        "setcap": "libcap",
        "bwrap": "bubblewrap",
        "Xvfb": "xorg-server-xvfb",
        "tkinter": "tk",
    },
    "brew": {
        "tshark": "wireshark",
        "nc": "netcat",
        "xxd": "vim",
        "tkinter": "python-tk",
        "chromium": "google-chrome",
    },
}
_INSTALL = {
    "apt-get": "sudo apt-get install -y",
    "dnf": "sudo dnf install -y",
    "pacman": "sudo pacman -S --needed",
    "brew": "brew install",
}
# as in capture/tools.py, which this file cannot import before anything is set up
_EXTRA_FOLDERS = ("/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/Applications/Wireshark.app/Contents/MacOS")
_UNASKED = "DEBIAN_FRONTEND=noninteractive"  # the package asks who may capture; nobody is there to answer
RUN_PROGRAMS = ("tshark", "xxd")
_CLASS_PROGRAMS = ("bwrap",) if sys.platform == "linux" else ()  # keeps students' code apart
# the last two are a screen, keyboard and mouse for the tests of the window
_LINUX_TEST_PROGRAMS = ("setcap", *_CLASS_PROGRAMS, "Xvfb", "xdotool") if sys.platform == "linux" else ()
# Debian's package of it starts a service, which a person may not want and a test machine does not mind
_CI_PROGRAMS = ("ngircd",)
TEST_PROGRAMS = ("tshark", "xxd", "nc", "openssl", "tcpdump", *_LINUX_TEST_PROGRAMS)
# the tests of the report run in the first of these; the first is also what gets installed
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "Google Chrome")
_BROWSER_FOLDER = "/Applications/Google Chrome.app/Contents/MacOS"


class SetupError(Exception):
    """The lab cannot be set up; the text says what to do."""


def package_manager() -> str | None:
    """Return the first package manager of this system that the lab knows: apt-get, dnf, pacman or brew."""
    return next((name for name in _INSTALL if shutil.which(name)), None)


def install_command(programs: Iterable[str], manager: str | None) -> str:
    """Return the command that installs `programs` with a package manager, or where to get them without one."""
    if manager is None:
        return "see https://www.wireshark.org/download.html"
    return " ".join([_INSTALL[manager], *dict.fromkeys(_package(name, manager) for name in programs)])


def _package(program: str, manager: str) -> str:
    return _PACKAGES[manager].get(program, program)


def capture_rights_commands(manager: str | None) -> tuple[str, ...]:
    """Return the commands that let this user capture through dumpcap without being root; none where none are known."""
    join = 'sudo usermod -aG wireshark "$USER"'
    if manager == "apt-get":
        answer = "wireshark-common wireshark-common/install-setuid boolean true"  # what the package asks
        return (
            f"echo '{answer}' | sudo debconf-set-selections",
            "sudo dpkg-reconfigure -f noninteractive wireshark-common",
            join,
        )
    if manager in ("dnf", "pacman"):
        return (join,)
    if manager == "brew":
        return ("brew install --cask wireshark-chmodbpf",)
    return ()


def _find(program: str) -> str | None:
    folders = (os.environ.get("PATH", os.defpath), *_EXTRA_FOLDERS, _BROWSER_FOLDER)
    return shutil.which(program, path=os.pathsep.join(folders))


def find_browser() -> str | None:
    """Return the path of a Chromium, by whichever of its names it goes; None where there is none."""
    return next(filter(None, map(_find, _BROWSERS)), None)


def _may_install() -> list[str] | None:
    """Return what to put before a command to run it as root, None where that needs a password."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n", "env", _UNASKED]  # sudo passes no environment on
    return None


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _run_showing(what: str, command: list[str], words: tuple[str, ...]) -> tuple[int, str]:
    """Run a command, showing how many of its lines start with one of `words`; return its status and output."""
    _say(f"{what} …")
    count, output = 0, []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **dict([_UNASKED.split("=")])},
    ) as process:
        for line in process.stdout or ():
            output.append(line)
            if line.startswith(words):
                count += 1
                name = line.split()[1][:40] if len(line.split()) > 1 else ""
                if sys.stdout.isatty():
                    sys.stdout.write(f"\r\033[K  {count}: {name}")
                    sys.stdout.flush()
    if count and sys.stdout.isatty():
        sys.stdout.write("\r\033[K")
    return process.returncode, "".join(output)


def _apt_install(prefix: list[str], packages: list[str]) -> bool:
    """Install Debian packages, and say so where it fails; return whether it did not."""
    apt = [*prefix, "apt-get", "-o", "DPkg::Lock::Timeout=60"]
    _run_showing("Updating apt's list of packages", [*apt, "update"], ("Get:", "Hit:"))
    status, output = _run_showing(
        f"Installing {', '.join(packages)} with apt",
        [*apt, "install", "-y", "--no-install-recommends", *packages],
        ("Get:", "Unpacking", "Setting up"),
    )
    if status:
        reason = next((line for line in output.splitlines() if line.startswith("E:")), f"status {status}")
        _say(f"apt could not install {', '.join(packages)} ({reason}).")
    return status == 0


def install_programs(programs: Iterable[str]) -> None:
    """Install what is missing where that needs no password; else say with which command to."""
    missing = [program for program in programs if _find(program) is None]
    if not missing:
        return
    manager = package_manager()
    command = install_command(missing, manager)
    prefix = _may_install() if manager == "apt-get" else None
    if prefix is not None and _apt_install(prefix, [_package(program, "apt-get") for program in missing]):
        return
    _say(f"{', '.join(missing)} missing: install with `{command}`. The lab goes on without, as well as it can.")


def has_tkinter() -> bool:
    """Tell whether this Python, and so an environment made with it, has tkinter, which draws the chat's window."""
    return all(importlib.util.find_spec(name) is not None for name in ("tkinter", "_tkinter"))


def install_tkinter() -> None:
    """Install tkinter where this is the system's own Python and that needs no password; else say what to do."""
    if has_tkinter():
        return
    manager = package_manager()
    if sys.base_prefix != "/usr":  # then no package of the system is for it
        _say("This Python was built without tkinter: the chat has no window then, only the terminal.")
        return
    package = _PACKAGES[manager]["tkinter"] if manager else "tkinter"
    prefix = _may_install() if manager == "apt-get" else None
    if prefix is not None and _apt_install(prefix, [package]):
        return
    command = install_command(["tkinter"], manager) if manager else "your system's packages"
    _say(f"tkinter missing: install with `{command}`. The chat has no window without it.")


def make_environment(venv: Path, lock: Path) -> None:
    """Make the virtual environment and install the locked packages into it.

    Raises:
        SetupError: Python has no venv module, or a package cannot be installed.
    """
    python = venv / "bin" / "python"
    if not python.exists() or subprocess.run([python, "-m", "pip", "-V"], capture_output=True, check=False).returncode:
        status, output = _run_showing(f"Making {venv}", [sys.executable, "-m", "venv", str(venv)], ())
        if status and package_manager() == "apt-get" and "ensurepip" in output:
            package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
            prefix = _may_install()
            if prefix is None or not _apt_install(prefix, [package]):
                msg = f"This Python has no venv module: install it with `sudo apt-get install -y {package}`."
                raise SetupError(msg)
            status, output = _run_showing(f"Making {venv}", [sys.executable, "-m", "venv", str(venv)], ())
        if status:
            msg = f"{venv} cannot be made: {_last_line(output)}"
            raise SetupError(msg)
    packages = len(re.findall(r"^\S+==", lock.read_text("ascii"), re.MULTILINE))
    status, output = _run_showing(
        f"Installing {packages} Python packages from {lock.name}",
        [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "-r", str(lock)],
        ("Collecting", "Downloading", "Installing"),
    )
    if status:
        msg = f"pip could not install {lock.name}: {_last_line(output)}"
        raise SetupError(msg)


def make_importable(venv: Path) -> None:
    """Let whatever runs in the environment import the lab, wherever it starts, and `lab` stand for `python -m lab`."""
    for folder in venv.glob("lib/python3.*/site-packages"):
        (folder / "traffic-inspection-lab.pth").write_text(f"{_ROOT}\n")  # site, in Python's library reference
    command = venv / "bin" / "lab"
    command.write_text(f'#!/bin/sh\nexec "{venv.absolute()}/bin/python" -P -m lab "$@"\n')
    command.chmod(0o755)


def _make_once(venv: Path, lock: Path, stamp: Path) -> str:
    """Make an environment unless its stamp says that it is that of the lock; return what to write there."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        make_environment(venv, lock)
    make_importable(venv)
    return digest


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["it said nothing"])[-1]


def main(argv: Sequence[str] | None = None) -> int:
    """Set the lab up, with what the tests need where `--dev` is given, the notebooks where `--notebook` is.

    With `--nbgrader`, set nbgrader up instead, with the lab, in an environment of its own.

    Returns the exit status.
    """
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        _say(
            f"The lab needs Python 3.11, 3.12 or 3.13 and this is {sys.version.split()[0]}: "
            "run `make PYTHON=python3.12 …` with one of them."
        )
        return 1
    given = sys.argv[1:] if argv is None else argv
    kind = next((f"-{kind}" for kind in ("dev", "notebook", "nbgrader") if f"--{kind}" in given), "")
    dev = kind == "-dev"
    venv = _ROOT / os.environ.get("VENV", ".venv")
    # nbgrader has the versions of JupyterLab that it knows, and a place of its own for them
    apart = venv.with_name(f"{venv.name}-nbgrader")
    ready = apart / ".ready"
    lock = _ROOT / f"requirements{kind}.lock"
    venv, stamp = (apart, ready) if kind == "-nbgrader" else (venv, venv / f".ready{kind}")
    try:
        digest = _make_once(venv, lock, stamp)
        if dev:
            ready.write_text(_make_once(apart, _ROOT / "requirements-nbgrader.lock", ready))
        install_programs(TEST_PROGRAMS if dev else (*RUN_PROGRAMS, *_CLASS_PROGRAMS) if kind else RUN_PROGRAMS)
        if dev and find_browser() is None:  # by itself: a system that has no such package gets the others all the same
            install_programs(_BROWSERS[:1])
        if dev and os.environ.get("CI"):
            install_programs(_CI_PROGRAMS)
        install_tkinter()
        stamp.write_text(digest)
    except SetupError as error:
        _say(str(error))
        return 1
    except OSError as error:
        _say(f"The lab cannot be set up in {venv}: {error.strerror or error}.")
        return 1
    except KeyboardInterrupt:
        _say("\nStopped; run it again to go on where it was.")
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
