"""Runs a notebook unattended in a real kernel: `python -m tests.notebooks.running NOTEBOOK EXECUTED`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
SECONDS = 90  # for a cell; they take one or two


@contextmanager
def surroundings(home: Path, **more: str) -> Iterator[None]:
    """An environment in which nothing of this user's is read, and all that is written goes into `home`."""
    settings = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    there = {"HOME": str(home), "IPYTHONDIR": str(home / "ipython"), "TMPDIR": str(home / "tmp"), "PATH": path}
    there |= {"PYTHONPATH": str(ROOT), "JUPYTER_NO_CONFIG": "1", "MPLCONFIGDIR": str(home / "matplotlib")}
    for name in ("tmp", "out"):
        (home / name).mkdir(parents=True, exist_ok=True)
    before = dict(os.environ)
    os.environ.update(settings | there | {"LAB_OUT": str(home / "out")} | more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def execute(path: Path) -> Any:
    """Run all cells where Jupyter would, beside the notebook, and return the notebook with what they showed.

    Raises:
        CellExecutionError: a cell failed.
    """
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, kernel_name="python3", timeout=SECONDS, resources=place).execute()
    return notebook


if __name__ == "__main__":
    with surroundings(Path(os.environ.get("LAB_OUT", "/tmp/notebook-run"))):  # noqa: S108
        nbformat.write(execute(Path(sys.argv[1])), sys.argv[2])  # type: ignore[no-untyped-call]
