"""All notebooks, unattended, in a real kernel: live as far as rights go, and once where nothing may be run."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.kernelspec import KernelSpecManager

from lab.notebook.build import notebook
from tests.notebooks.running import NOTEBOOKS, ROOT, execute, surroundings

SECTIONS = ("Predict first", "Change this line and see", "Your exercises")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nb-") as folder:
        yield Path(folder)


def shown(cells: list[Any]) -> Iterator[str]:
    """What the cells showed, as text."""
    for cell in cells:
        for output in cell.get("outputs", ()):
            yield output.get("text", "")
            yield from (str(value) for kind, value in output.get("data", {}).items() if kind.startswith("text/"))


def beside() -> set[Path]:
    return {path for path in (ROOT / "notebooks").rglob("*") if "__pycache__" not in path.parts}


def run(path: Path, home: Path, **more: str) -> str:
    """Run a notebook, see that it left nothing behind, and return what it showed."""
    files = beside()
    with surroundings(home, **more):
        text = "\n".join(shown(execute(path).cells))
    assert beside() == files
    assert list((home / "tmp").iterdir()) == []
    assert started(home) == []
    assert "Traceback" not in text
    return text


def started(home: Path) -> list[list[str]]:
    """The processes that a notebook run with this home has started and that are still there, whoever's they are now."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("LAB_OUT") == str(home / "out"):
                found.append(process.cmdline())
    return found


def test_the_notebooks_are_there() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{number:02}" for number in range(1, 9)]
    assert {path.stem for path in NOTEBOOKS} == {path.stem for path in (ROOT / "notebooks").glob("[0-9]*.py")}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_and_source_are_in_step(path: Path) -> None:
    """`make notebooks` makes them; what stands in git holds no outputs."""
    assert path.read_text("utf-8") == notebook(path.with_suffix(".py").read_text("utf-8"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_its_parts(path: Path) -> None:
    source = path.with_suffix(".py").read_text("utf-8")
    assert re.match(rf"# %% \[markdown\]\n# # {int(path.name[:2])}\. ", source)
    headings = re.findall(r"^# ## (.+)$", source, re.MULTILINE)
    assert set(SECTIONS) <= set(headings)
    assert headings[0] == SECTIONS[0]
    assert "predict(" in source
    assert ".against(" in source
    assert "# change this line" in source
    assert re.search(r"`lab exercise \d+`", source)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, home: Path) -> None:
    text = run(path, home)
    assert "NOT a live run" not in text
    assert "Not as expected" not in text
    assert "Measured" in text


def test_a_notebook_runs_where_nothing_may_be_run(home: Path) -> None:
    """From the recorded runs that come with the lab; each says that it is one."""
    before = set((home / "out").iterdir())
    text = run(NOTEBOOKS[0], home, LAB_SHIPPED="1")
    assert "NOT a live run" in text
    assert "Made just now" not in text
    assert "The safe opens with 36-24-36" in text
    made = {path.name for path in set((home / "out").iterdir()) - before}
    assert made
    assert all("recorded" in name for name in made)


def test_the_kernel_is_this_python(home: Path) -> None:
    """A test of these tests: a kernel of the user's would run something else."""
    with surroundings(home):
        assert KernelSpecManager().get_kernel_spec("python3").argv[0] in (sys.executable, "python")


def test_a_process_that_stays_would_be_seen(home: Path) -> None:
    """A test of these tests."""
    with surroundings(home), subprocess.Popen(["cat"], stdin=subprocess.PIPE) as left:  # ends with its input
        assert started(home) == [left.args]
    assert started(home) == []
