"""Packs what a student hands in: the answers and files of every exercise, and nothing else of the folder."""

import zipfile
from pathlib import Path

from capture.output import whole_file
from lab.errors import LabError
from lab.exercises.catalogue import EXERCISES
from lab.exercises.desk import Desk
from lab.exercises.work import ANSWERS


def pack(desk: Desk, target: Path) -> tuple[str, ...]:
    """Write the zip that is handed in; return the names in it.

    Raises:
        LabError: there is nothing to hand in, or it cannot be written.
    """
    names = [
        f"{exercise.folder}/{name}"
        for exercise in EXERCISES
        for name in dict.fromkeys((ANSWERS, *exercise.files))
        if (desk.place(exercise) / name).is_file()
    ]
    if not names:
        msg = f"There is nothing to hand in yet in {desk.path}."
        raise LabError(msg)
    try:
        with (
            whole_file(target) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive,
        ):
            for name in names:
                archive.write(desk.path / name, f"{desk.student}/{name}")
    except OSError as error:
        msg = f"{target} cannot be written: {error.strerror}."
        raise LabError(msg) from error
    return tuple(names)
