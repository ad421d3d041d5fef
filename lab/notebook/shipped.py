"""Recorded runs that come with the lab, for where none can be made: a zip of a run's folder each.

Knows names and files only. `tests/data/make_runs.py` records them.
"""

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from lab.folder import RunFolder

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "data" / "runs"
_NAMES = 2  # the command and what it runs; what follows are options


def pack(folder: Path, target: Path) -> None:
    """Put the files of a run, but the report and pictures that can be made again, into a zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in sorted(folder.iterdir()):
            if path.suffix not in (".html", ".png"):
                packed.write(path, path.name)


def find(arguments: Sequence[str]) -> Path | None:
    """Return the recorded run of a command: with the same options, else with none, else None.

    Args:
        arguments: the command line, as `("demo", "tls", "--tls", "1.2")`.
    """
    for words in (arguments, arguments[:_NAMES]):
        path = FOLDER / ("-".join(word.lstrip("-") for word in words) + ".zip")
        if path.is_file():
            return path
    return None


def unpack(packed: Path, folder: RunFolder) -> None:
    """Put the files of a recorded run into a folder, as the run left them: for the owner's eyes only."""
    with zipfile.ZipFile(packed) as files:
        for name in files.namelist():
            with files.open(name) as source, (folder.path / Path(name).name).open("xb") as target:
                shutil.copyfileobj(source, target)
    for path in folder.path.iterdir():
        path.chmod(0o600)
