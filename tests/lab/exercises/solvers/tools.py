"""What a student has beside their head: tshark, and a file for the answers."""

import functools
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

# Takes a solved folder and its right answers; returns the answer that a student gives instead, None where it has
# changed files of the folder.
Mistake = Callable[[Path, Mapping[str, Any]], str | int | None]


def fields(folder: Path, *names: str, show: str = "", options: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Yield fields of every frame that the display filter shows; those that stand in it more than once with commas."""
    command = [*options, "-T", "fields", "-E", "separator=/t", *(part for name in names for part in ("-e", name))]
    if show:
        command += ["-Y", show]
    # an option may name a file, which can change
    told = _tshark.__wrapped__ if options else _tshark
    for line in told((folder / "capture.pcapng").read_bytes(), *command).splitlines():
        yield line.split("\t")


@functools.lru_cache(maxsize=64)
def _tshark(capture: bytes, *arguments: str) -> str:
    """What tshark prints; the same capture is asked the same by many tests."""
    command = ["tshark", "-r", "-", *arguments]
    return subprocess.run(command, input=capture, capture_output=True, check=True, timeout=60).stdout.decode()


def write(folder: Path, **answers: str | int) -> None:
    """Write answers.toml as a student would."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in answers.items()]
    (folder / "answers.toml").write_text("\n".join(lines) + "\n")


def asked(folder: Path, pattern: str) -> str:
    """What the task's text asks for, by the group of a pattern."""
    found = re.search(pattern, (folder / "task.md").read_text("utf-8"))
    assert found is not None, pattern
    return found[1]
