"""The course's secret, from which everything is drawn that differs from student to student. A file, 0600."""

import os
import secrets
import stat
from pathlib import Path

from capture.output import new_file
from lab.errors import LabError

NAME = "course.secret"
_LENGTH = 32  # bytes


def read_secret(path: Path) -> bytes:
    """Return the secret in a file: hex digits.

    Raises:
        LabError: it is not there, holds none, or others may read it.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(1024)
    except OSError as error:
        msg = f"The course's secret {path} cannot be read ({error.strerror}): it was made with the bundles."
        raise LabError(msg) from error
    if mode & 0o077 and os.name == "posix":
        msg = f"Others can read the course's secret {path}: run `chmod 600 {path}`."
        raise LabError(msg)
    try:
        secret = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        secret = b""
    if len(secret) < _LENGTH:
        msg = f"{path} holds no secret of a course: {2 * _LENGTH} hex digits."
        raise LabError(msg)
    return secret


def open_secret(path: Path) -> bytes:
    """Return the secret in a file; make one where there is none.

    Raises:
        LabError: as `read_secret`.
        CaptureError: it cannot be written.
    """
    if not os.path.lexists(path):
        with new_file(path, 0o600) as file:
            file.write(secrets.token_hex(_LENGTH).encode() + b"\n")
    return read_secret(path)
