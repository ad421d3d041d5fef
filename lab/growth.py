"""Looks after a folder while a student's code writes in it. Knows files; must not know what runs.

The tree may change while it is read, and means harm: no link is followed, and nothing here needs a deep stack.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_ENTRIES = 2_000  # files and folders in the folder
_DEEP = 1000  # characters of a path in the folder: what is deeper is not easily removed


def tree(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """Yield all files and folders in `folder`; links are not followed. A tree may change and mean harm meanwhile."""
    ahead = [str(folder)]
    while ahead:
        try:
            with os.scandir(ahead.pop()) as entries:
                for entry in entries:
                    yield entry
                    if entry.is_dir(follow_symlinks=False):
                        ahead.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            continue


def is_full(folder: Path, most: int) -> bool:
    """Tell whether the folder holds more than it may, or what cannot even be looked at."""
    room, deepest = most, len(str(folder)) + _DEEP
    try:
        for count, entry in enumerate(tree(folder)):
            with contextlib.suppress(FileNotFoundError):
                room -= entry.stat(follow_symlinks=False).st_blocks * 512
            if room < 0 or count >= _ENTRIES or len(entry.path) > deepest:
                return True
    except OSError:
        return True
    return False


def empty(folder: Path) -> None:
    """Remove what is in the folder: with programs, which a tree of any depth does not trouble."""
    for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
        # the names come from the code that ran; as paths they are no options
        found = [entry.path for entry in os.scandir(folder)]
        for at in range(0, len(found), 500):
            subprocess.run([*command, *found[at : at + 500]], capture_output=True, check=False)
