"""Takes a hand-in apart: a zip or a folder becomes a private copy that holds plain files and nothing else.

Knows names, sizes and limits; must not know what an exercise asks. A hand-in means harm until it is read, so bytes are
counted and what it says of itself is not believed. Contract: whatever it holds, nothing is raised; what is fine is
copied, and each thing that is not gets a problem. Only a copy that cannot be written raises.
"""

import errno
import re
import stat
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from chat.escape import visible
from lab.entries import CLUTTER, TORN, Entry, Guarded, in_folder, in_zip, open_plain
from lab.errors import LabError
from lab.problems import DEPTH, ENTRIES, FILE, FILES, NAME, TOTAL, Problem

_PROBLEMS = 50  # who has more had better begin again
# A folder that belongs to the hand-in and is no wrapping, although it may be the only one.
_EXERCISE = re.compile(r"\d\d-.+|.*capstone.*", re.IGNORECASE)
_CHUNK = 1 << 16
_NO_SUCH_NAME = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came out: names of files, relative to the target, with `/`; and a problem for each thing left out."""

    files: tuple[str, ...]
    problems: tuple[Problem, ...]


def unpack(source: Path, target: Path) -> Unpacked:
    """Copy what is fine of a hand-in.

    Args:
        source: a zip or a folder.
        target: where the copy goes: an empty folder, or one that is made.

    Returns:
        The files and the problems: where there is no file, a problem says why. A folder that merely wraps all others
        is taken off.

    Raises:
        LabError: the copy cannot be written.
    """
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        in_use = any(target.iterdir())
    except OSError as error:
        raise _unwritten(target, error) from error
    if in_use:
        msg = f"A hand-in cannot be unpacked into {target}: something is in there already."
        raise LabError(msg)
    files: list[str] = []
    problems: list[Problem] = []
    shown = _shown(source.name)
    try:
        kind = stat.S_IFMT(source.lstat().st_mode)
        if kind == stat.S_IFDIR:
            files = _copy(in_folder(source, DEPTH), target, problems)
        elif kind == stat.S_IFREG:
            with Guarded(open_plain(source)) as raw, zipfile.ZipFile(raw) as archive:
                files = _copy(in_zip(archive), target, problems)
        else:
            problems.append(Problem("neither", shown))
    except TORN:
        problems.append(Problem("no_zip", shown))
    if not files and not problems:
        problems.append(Problem("empty", shown))
    if len(problems) > _PROBLEMS:
        problems[_PROBLEMS:] = [Problem("more", str(len(problems) - _PROBLEMS))]
    return Unpacked(tuple(files), tuple(problems))


def _copy(entries: Iterable[Entry], target: Path, problems: list[Problem]) -> list[str]:
    named: list[tuple[list[str], Entry]] = []
    for count, entry in enumerate(entries):
        if count == ENTRIES:
            problems.append(Problem("entries"))
            break
        names = [name for name in entry.name.split("/") if name not in ("", ".")]
        reason = _bad_name(entry.name, names)
        if any(map(CLUTTER.fullmatch, names)):
            continue
        if reason:
            problems.append(Problem(reason, _shown(entry.name)))
        else:
            named.append(([unicodedata.normalize("NFC", name) for name in names], entry))
    around = _around([names for names, _ in named])
    named = [(names[_wrapping(names) or around :], entry) for names, entry in named]
    files: list[str] = []
    taken: dict[str, str] = {}
    room = TOTAL
    for names, entry in named:
        if len(files) == FILES:
            problems.append(Problem("files"))
            break
        reason = entry.refused or _too_large(entry.size, room) or _clash(names, taken)
        if not reason:
            spent, reason = _write(entry, target.joinpath(*names), room)
            room -= min(spent, room)  # what was for nothing took time, too
        if reason:
            problems.append(Problem(reason, _shown(entry.name)))
        else:
            files.append("/".join(names))
    return files


def _bad_name(path: str, names: Sequence[str]) -> str:
    """Return the code of what is wrong with a name, "" for nothing."""
    if path.startswith("/") or re.match("[A-Za-z]:", path):
        return "absolute"
    if ".." in names or not names:
        return "outside"
    if any(visible(name) != name or "\t" in name or "\\" in name for name in names):
        return "characters"
    if len(names) > DEPTH:
        return "deep"
    if any(len(name.encode()) > NAME for name in names):
        return "long"
    return ""


def _around(paths: Sequence[Sequence[str]]) -> int:
    """Return how many folders lie around everything and mean nothing."""
    top = 0
    while (
        paths
        and all(len(names) > top + 1 and names[top] == paths[0][top] for names in paths)
        and not _EXERCISE.fullmatch(paths[0][top])
    ):
        top += 1
    return top


def _wrapping(names: Sequence[str]) -> int:
    """Return how many folders lie around an exercise's and mean nothing: 0 where there is no exercise's folder."""
    return next((at for at, name in enumerate(names[:-1]) if _EXERCISE.fullmatch(name)), 0)


def _clash(names: Sequence[str], taken: dict[str, str]) -> str:
    """Note a file and its folders in `taken`, unless another has the name, or would have it on some system."""
    paths = ["/".join(names[: end + 1]) + ("/" if end + 1 < len(names) else "") for end in range(len(names))]
    keys = [unicodedata.normalize("NFC", path.rstrip("/").casefold()) for path in paths]
    if keys[-1] in taken or any(taken.get(key, path) != path for key, path in zip(keys, paths, strict=True)):
        return "same"
    taken.update(zip(keys, paths, strict=True))
    return ""


def _too_large(size: int, room: int) -> str:
    if size > FILE:
        return "large"
    return "total" if size > room else ""


def _write(entry: Entry, path: Path, room: int) -> tuple[int, str]:
    """Copy one file, or nothing of it. Return how many bytes were read, and why it is left out."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("xb") as out:
            spent, reason = _pour(entry, out, room)
        if reason:
            path.unlink()
    except OSError as error:
        if error.errno in _NO_SUCH_NAME:
            return 0, "no_such_name"
        raise _unwritten(path, error) from error
    return spent, reason


def _pour(entry: Entry, out: IO[bytes], room: int) -> tuple[int, str]:
    spent = 0
    try:
        data = entry.open()
    except TORN:
        return spent, "unreadable"
    with data:
        while True:
            try:
                chunk = data.read(_CHUNK)
            except TORN:
                return spent, "unreadable"
            spent += len(chunk)
            reason = _too_large(spent, room)
            if reason or not chunk:
                return spent, reason
            out.write(chunk)


def _shown(name: str) -> str:
    shown = visible(name[:200]).replace("\t", "\\t")
    return shown if len(shown) <= 100 else f"{shown[:60]}…{shown[-30:]}"


def _unwritten(path: Path, error: OSError) -> LabError:
    return LabError(f"A hand-in could not be unpacked to {visible(str(path))}: {error.strerror or error}.")
