"""The report: how large it is, how long it takes to make, and what Chromium needs to open it and to scroll through it.

A demo is run once for each length of conversation; the report of its folder is made again in each round, opened in a
browser that has opened nothing before, and scrolled from its first message to its last.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lab.bench.figures import Row, Size, Target, in_turn
from lab.bootstrap import find_browser
from lab.errors import LabError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_SHORT, _LONG = 12, 2_000  # messages
_LIMIT = 120  # seconds for anything, far beyond what is good
_FRAMES = 120  # that a scroll through all messages takes: two seconds where nothing is late

# The first message has been drawn when the browser comes back to us after the frame that has it.
_WATCH = """
const look = () => document.querySelector('[role="option"]')
  ? requestAnimationFrame(() => setTimeout(() => { window.labDrawn = performance.now(); }))
  : requestAnimationFrame(look);
requestAnimationFrame(look);
"""
_SCROLL = """
async (frames) => {
  let scrolled = document.querySelector('[role="option"]');
  const scrolls = (box) => box.scrollHeight > box.clientHeight && getComputedStyle(box).overflowY !== "visible";
  while (scrolled !== document.scrollingElement && !scrolls(scrolled)) scrolled = scrolled.parentElement;
  const next = () => new Promise(requestAnimationFrame);
  const took = [];
  let before = await next();
  for (let n = 1; n <= frames; n += 1) {
    scrolled.scrollTop = (scrolled.scrollHeight - scrolled.clientHeight) * n / frames;
    const now = await next();
    took.push(now - before);
    before = now;
  }
  return took;
}
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A report, made and opened.

    Attributes:
        size: its bytes.
        made: seconds that `lab report` took, the start of Python included.
        drawn: milliseconds from the start of the navigation until the first message was drawn.
        frames: milliseconds between two frames while it was scrolled.
    """

    size: int
    made: float
    drawn: float
    frames: tuple[float, ...]


def _lab(*arguments: str) -> None:
    command = [sys.executable, "-m", "lab", *arguments]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        msg = f"lab {arguments[0]} failed: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1]}"
        raise LabError(msg)


def run_demo(folder: Path, messages: int) -> Path:
    """Run a demo of both chats without its report; return the folder of the run, which is in `folder`.

    Raises:
        LabError: it failed.
    """
    words = folder / "words"
    names = ("alice", "bob", "carol")
    lines = (f"{names[n % 3]} > message {n} of {messages}, and nothing else in it" for n in range(1, messages + 1))
    words.write_text("\n".join(lines) + "\n", encoding="ascii")
    runs = folder / f"of-{messages}"
    ports = ("--plain-port=0", "--tls-port=0")
    _lab("demo", "both", "--no-report", *ports, f"--messages={words}", f"--keep={runs}")
    (run,) = runs.iterdir()
    return run


@contextlib.contextmanager
def _browser() -> Iterator["Browser"]:
    """Start Chromium, and end it.

    Raises:
        LabError: there is none, or nothing to drive it with.
    """
    path = find_browser()
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  (slow to import, and only this part needs it)
    except ImportError:
        path = None
    if path is None:
        msg = "Chromium or playwright is missing: `make check` installs what tests need."
        raise LabError(msg)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # root may not have Chromium's own sandbox
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def make_and_open(run: Path) -> Opened:
    """Make the report of a run, open it, scroll through it.

    Raises:
        LabError: it cannot be made, or not be opened in time.
    """
    report = run / "report.html"
    started = time.perf_counter()
    _lab("report", str(run), f"--out={report}")
    made = time.perf_counter() - started
    with _browser() as browser:
        from playwright.sync_api import Error  # noqa: PLC0415  (as above)

        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(_LIMIT * 1000)
        page.add_init_script(_WATCH)
        try:
            page.goto(report.as_uri())
            drawn = page.wait_for_function("window.labDrawn").json_value()
            frames = page.evaluate(_SCROLL, _FRAMES)
        except Error as error:
            msg = f"The report cannot be opened: {error.message.splitlines()[0]}"
            raise LabError(msg) from error
    return Opened(report.stat().st_size, made, drawn, tuple(frames))


def opening(size: Size) -> list[Row]:
    """Return the rows of the report."""
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
        # in the same block, as a demo that cannot be run is a contender that fails
        runs: dict[int, Path] = {}

        def measure(messages: int) -> Opened:
            if messages not in runs:
                runs[messages] = run_demo(Path(folder), messages)
            return make_and_open(runs[messages])

        results = in_turn({_named(messages): partial(measure, messages) for messages in (_SHORT, _LONG)}, size.rounds)
    long, short = _named(_LONG), _named(_SHORT)
    return [
        Row(
            "size of the report, kB", results.side(short, lambda done: done.size / 1000), (), Target("value", "≤", 1000)
        ),
        Row("size of the report, kB", results.side(long, lambda done: done.size / 1000)),
        Row("making the report, s", results.side(short, lambda done: done.made)),
        Row("making the report, s", results.side(long, lambda done: done.made)),
        Row("opening it until a message is drawn, ms", results.side(short, lambda done: done.drawn)),
        Row(
            "opening it until a message is drawn, ms",
            results.side(long, lambda done: done.drawn),
            (),
            Target("value", "≤", 2000),
        ),
        Row("slowest frame while scrolling, ms", results.side(long, lambda done: max(done.frames))),
    ]


def _named(messages: int) -> str:
    return f"{messages:,} messages"
