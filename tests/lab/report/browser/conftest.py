"""The browser, and the reports that are opened in it: each made once, by the lab as a person runs it, and shared."""

import fcntl
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.lab.report.chromium import Pages, chromium

ROOT = Path(__file__).resolve().parents[4]
DATA = ROOT / "tests" / "data"

Made = Callable[[str, Callable[[Path], None]], Path]
Open = Callable[..., Page]


@pytest.fixture(scope="module")  # an event loop of its own runs until it ends: chromium.py
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def pages(browser: Browser) -> Iterator[Pages]:
    opened = Pages(browser)
    yield opened
    opened.close()


@pytest.fixture
def open_report(pages: Pages) -> Open:
    return pages.open


def lab(folder: Path, *arguments: str) -> None:
    """Run the lab, its files below `folder`."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(folder)}
    command = [sys.executable, "-m", "lab", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def demo(folder: Path, what: str = "both", *arguments: str) -> None:
    """Run a demo, of which only the report is kept."""
    ports = ("--plain-port=0", "--tls-port=0")
    lab(folder, "demo", what, *ports, f"--keep={folder / 'runs'}", f"--certs={folder / 'certs'}", *arguments)
    (report,) = folder.glob("runs/*/report.html")
    report.rename(folder / "report.html")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Made:
    """Make a report unless another worker has made it, and return its path."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "reports"
    shared.mkdir(exist_ok=True)

    def make(name: str, build: Callable[[Path], None]) -> Path:
        report = shared / name / "report.html"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not report.exists():
                # what failed halfway is in nobody's way
                folder = shared / f"{name}-{uuid.uuid4().hex}"
                folder.mkdir()
                build(folder)
                folder.rename(report.parent)
        return report

    return make


@pytest.fixture(scope="session")
def both(made: Made) -> Path:
    """The report of a demo of both chats, as captured right now."""
    return made("both", demo)


@pytest.fixture(scope="session")
def many(made: Made) -> Path:
    """The report of a demo of 600 messages; of one chat, since it is the messages that are many."""

    def build(folder: Path) -> None:
        words = folder / "words"
        words.write_text("".join(f"{'anna' if n % 2 else 'bert'} > message {n} of many\n" for n in range(1, 601)))
        demo(folder, "plain", f"--messages={words}")

    return made("many", build)
