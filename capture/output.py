"""Files that are there whole or not at all; `new_file` never takes the place of another, `whole_file` does.

Knows nothing of what is written. It is written beside its place, under a name of its own, and put there at the end.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from capture.errors import CaptureError


@contextlib.contextmanager
def unfinished(path: Path, mode: int) -> Iterator[tuple[IO[bytes], Path]]:
    """Give a file beside `path` to write and read, and its name, for the block to put in its place.

    What is left of it when the block raises goes away.

    Args:
        path: where it will stand.
        mode: its rights, less the umask.

    Raises:
        OSError: it cannot be made.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.unfinished")
    number = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(number, "w+b") as file:
            yield file, temporary
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def whole_file(path: Path, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """Give a file to write and read; it takes the place of `path` when the block ends, and goes away if that raises.

    Args:
        path: where it will stand, in the place of what is there.
        mode: its rights, less the umask.

    Raises:
        OSError: it cannot be made or written.
    """
    with unfinished(path, mode) as (file, temporary):
        yield file
        file.flush()
        temporary.replace(path)


@contextlib.contextmanager
def new_file(path: Path, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """Give a file to write and read; it becomes `path` when the block ends, and goes away if that raises.

    Args:
        path: where it will stand; nothing must be there.
        mode: its rights, less the umask.

    Raises:
        CaptureError: something is there already, or the file cannot be written: the disk is full, say.
    """
    try:
        if os.path.lexists(path):
            raise FileExistsError
        with unfinished(path, mode) as (file, temporary):
            yield file
            file.flush()
            os.fsync(file.fileno())  # some file systems say only now that there is no room
            # Taken first, so that nobody's file is replaced. A hard link would do it in one step, but FAT has none.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
            try:
                temporary.replace(path)
            except BaseException:
                path.unlink()
                raise
    except FileExistsError as error:
        msg = f"{path} is there already and is not overwritten: choose another name."
        raise CaptureError(msg) from error
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}; nothing is left of it."
        raise CaptureError(msg) from error
