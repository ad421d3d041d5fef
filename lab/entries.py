"""What a hand-in lists: each thing in a zip or a folder, with a way to open it where that is safe.

Knows zip (APPNOTE.TXT 6.3) and files; must not know where a copy goes. A hand-in means harm: no link is followed,
nothing but plain files is opened, and no list of contents is believed to be short.
"""

import errno
import functools
import io
import itertools
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lab.problems import ENTRIES

_DIRECTORY = 1 << 20  # bytes of a zip's own list of contents
_LOCAL_HEADER = 30  # bytes before a file's name in a zip: APPNOTE 4.3.7
_ENCRYPTED = 1  # bit of the flags: APPNOTE 4.4.4
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_KINDS = {stat.S_IFLNK: "link", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
# What systems leave in zips and folders.
CLUTTER = re.compile(r"__MACOSX|\.DS_Store|\._.*|Thumbs\.db|desktop\.ini")
# All that zipfile and the system raise for a file that is not as it should be.
TORN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError),
    *(ValueError, OverflowError, IndexError, MemoryError),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A thing in a hand-in: its name there, the code of why it is refused (""), its alleged bytes, how to open it."""

    name: str
    refused: str
    size: int
    open: Callable[[], IO[bytes]]


class Guarded(io.BufferedReader):
    """A zip that is never read into memory as a whole: it says itself how long its list of contents is."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as a file does, or raise BadZipFile where that is too much."""
        data = super().read(_DIRECTORY + 1 if size is None or size < 0 else min(size, _DIRECTORY + 1))
        if len(data) > _DIRECTORY:
            msg = "more at once than an honest zip needs"
            raise zipfile.BadZipFile(msg)
        return data


def in_zip(archive: zipfile.ZipFile) -> Iterator[Entry]:
    """Yield what the zip lists, in its order, without folders."""
    infos = archive.infolist()
    ordered = sorted(infos, key=lambda info: info.header_offset)
    overlaps: set[int] = set()
    for info, following in itertools.pairwise(ordered):
        if info.header_offset + _LOCAL_HEADER + info.compress_size > following.header_offset:
            overlaps |= {id(info), id(following)}
    for info in infos:
        # The name as it stands there: zipfile itself cuts it at a NUL. Old Windows programs write backslashes.
        name = info.orig_filename.replace("\\", "/")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if name.endswith("/") and kind in (0, stat.S_IFDIR):
            continue
        refused = ""
        if kind not in (0, stat.S_IFREG):
            refused = _KINDS.get(kind, "no_file")
        elif info.flag_bits & _ENCRYPTED:
            refused = "locked"
        elif info.compress_type not in _METHODS:
            refused = "packing"
        elif id(info) in overlaps:
            refused = "shared"
        yield Entry(name, refused, info.file_size, functools.partial(archive.open, info))


def in_folder(source: Path, depth: int) -> Iterator[Entry]:
    """Yield what is in the folder, sorted; what has more than `depth` names in its path is named by its folder."""
    ahead = [(str(source), "")]
    while ahead:
        folder, before = ahead.pop()
        try:
            with os.scandir(folder) as scan:
                found = sorted(itertools.islice(scan, ENTRIES + 1), key=lambda entry: entry.name)
            kinds = [(entry, entry.stat(follow_symlinks=False)) for entry in found]
        except OSError:
            yield Entry(before or source.name, "unreadable", 0, io.BytesIO)
            continue
        below: list[tuple[str, str]] = []
        for entry, status in kinds:
            name, kind = before + entry.name, stat.S_IFMT(status.st_mode)
            if kind != stat.S_IFDIR:
                refused = "" if kind == stat.S_IFREG else _KINDS.get(kind, "device")
                yield Entry(name, refused, status.st_size, functools.partial(open_plain, Path(entry.path)))
            elif name.count("/") + 1 >= depth:  # what is in there would be refused
                yield Entry(f"{name}/…", "", 0, io.BytesIO)
            elif not CLUTTER.fullmatch(entry.name):
                below.append((entry.path, f"{name}/"))
        ahead += reversed(below)


def open_plain(path: Path) -> io.FileIO:
    """Open a plain file: no link, and nothing that waits for somebody at its other end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no plain file")
    return io.FileIO(descriptor)
