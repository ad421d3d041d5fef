"""What a run leaves behind: capture, key log, transcript, verdict, report. Knows names and rights, not contents."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where the files of one run are.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def capture(self) -> Path:
        """The capture file."""
        return self.path / "capture.pcapng"

    @property
    def keylog(self) -> Path:
        """The key log of the TLS sessions, readable by its owner only."""
        return self.path / "tls.keylog"

    @property
    def transcript(self) -> Path:
        """What was sent: the truth that the verdict compares with."""
        return self.path / "transcript.json"

    @property
    def verdict(self) -> Path:
        """The verdict with its evidence."""
        return self.path / "verdict.json"

    @property
    def report(self) -> Path:
        """The page that explains every byte of the run."""
        return self.path / "report.html"

    def write(self, path: Path, content: Mapping[str, object]) -> None:
        """Write a JSON file of the folder.

        Raises:
            LabError: it cannot be written.
        """
        try:
            # ASCII only: whatever the words hold, a terminal or editor shows the file without obeying it
            path.write_text(json.dumps(content, indent=2) + "\n", encoding="ascii")
        except OSError as error:
            msg = f"{path} cannot be written: {error.strerror}."
            raise LabError(msg) from error

    def write_private(self, name: str, data: bytes) -> Path:
        """Write a file of the folder that only its owner may read, as keys are; return its path.

        Raises:
            LabError: it is there already, or cannot be written.
        """
        path = self.path / name
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
        except OSError as error:
            msg = f"{path} cannot be written: {error.strerror}."
            raise LabError(msg) from error
        return path


def make_folder(parent: Path, name: str) -> RunFolder:
    """Make a new folder "<time>-<name>" in `parent`; only its owner can enter it, as it holds keys.

    Raises:
        LabError: it cannot be made.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for suffix in ("", *(f"-{n}" for n in range(2, 1000))):
            path = parent / f"{stamp}-{name}{suffix}"
            try:
                path.mkdir(mode=0o700)
            except FileExistsError:
                continue  # another run of this second
            return RunFolder(path)
    except OSError as error:
        msg = f"{os.fspath(parent)} cannot hold the files of this run ({error.strerror}): choose a folder with --keep."
        raise LabError(msg) from error
    msg = f"{os.fspath(parent)} already holds a thousand runs of this second."
    raise LabError(msg)
