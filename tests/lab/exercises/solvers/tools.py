"""What a student has beside their head: tshark, and a file for the answers."""

import functools
import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

# Takes a solved folder and its right answers; returns the answer that a student gives instead, None where it has
# changed files of the folder.
Mistake = Callable[[Path, Mapping[str, Any]], str | int | None]


def fields(folder: Path, *names: str, show: str = "", options: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Yield fields of every frame that the display filter shows; those that stand in it more than once with commas.

    Options name files with keys as they are called in the folder.
    """
    command = [*options, "-T", "fields", "-E", "separator=/t", *(part for name in names for part in ("-e", name))]
    if show:
        command += ["-Y", show]
    read = (path for path in sorted(folder.iterdir()) if path.suffix in (".pcapng", ".keylog", ".key"))
    for line in _tshark(tuple((path.name, path.read_bytes()) for path in read), *command).splitlines():
        yield line.split("\t")


@functools.lru_cache(maxsize=64)
def _tshark(files: tuple[tuple[str, bytes], ...], *arguments: str) -> str:
    """What tshark prints; of the same files the same is asked by many tests."""
    command = ["tshark", "-r", "capture.pcapng", *arguments]
    with tempfile.TemporaryDirectory() as place:
        for name, data in files:
            (Path(place) / name).write_bytes(data)
        return subprocess.run(command, cwd=place, capture_output=True, check=True, timeout=60).stdout.decode()


def write(folder: Path, **answers: str | int) -> None:
    """Write answers.toml as a student would."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in answers.items()]
    (folder / "answers.toml").write_text("\n".join(lines) + "\n")


def asked(folder: Path, pattern: str) -> str:
    """What the task's text asks for, by the group of a pattern."""
    found = re.search(pattern, (folder / "task.md").read_text("utf-8"))
    assert found is not None, pattern
    return found[1]
