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


def unlock(folder: Path) -> None:
    """Let the owner into all that is in the folder: who removes it need change no rights, and so follow no link."""
    _program("chmod", "-R", "u+rwX", str(folder))


def empty(folder: Path) -> None:
    """Remove what is in the folder, when it is unlocked."""
    _program("find", str(folder), "-mindepth", "1", "-delete")


def _program(*words: str) -> None:
    # a tree of any depth does not trouble these; they follow no link that they find, and are named none
    subprocess.run(words, capture_output=True, check=False)
