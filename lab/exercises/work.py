"""What a student has done of one exercise: answers, capture, files. All of it is data from outside, read with limits.

Knows files and how a capture is read. Does not know what is asked, nor what is right.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from capture.errors import TornCaptureError
from capture.keylog import KeyLog, parse_keylog
from capture.readers import read_segments
from capture.segment import Segment
from capture.streams import reassemble
from capture.tls import APPLICATION_DATA, Record, RecordLayer
from lab.errors import LabError
from lab.exercises.draw import Draw
from lab.sandbox import isolation
from lab.sessions import Session, sessions

ANSWERS, CAPTURE, KEYLOG = "answers.toml", "capture.pcapng", "tls.keylog"
_LARGEST = {ANSWERS: 1 << 14, KEYLOG: 1 << 20}  # bytes; tomllib takes long for hostile ones
_LARGEST_FILE = 4 << 20  # bytes; a capture of an exercise has less than a tenth of it
_ZIPPED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18")  # gzip (RFC 1952), Zstandard (RFC 8878), LZ4


@dataclass(frozen=True, slots=True)
class Traffic:
    """A capture that was read.

    Attributes:
        segments: its TCP segments.
        sessions: its connections, in the order of their first frames; opened as far as the given keys go.
        torn: why the rest of it could not be read, "" where all was.
    """

    segments: tuple[Segment, ...]
    sessions: tuple[Session, ...]
    torn: str

    def expect(self, connections: int) -> None:
        """Make sure that it has as many connections as the run has made.

        Raises:
            LabError: it has fewer, or more.
        """
        if len(self.sessions) != connections:
            msg = f"The capture has {len(self.sessions)} connections, and the run has made {connections}."
            raise LabError(msg)


def sealed(layer: RecordLayer) -> list[Record]:
    """Return the records of a side of TLS 1.3 that are encrypted: their headers say application data."""
    return [record for record in layer.records if record.content_type == APPLICATION_DATA]


class Work:
    """One student's work on one exercise.

    Attributes:
        folder: where its files are.
        draw: the student's draws for it.
        isolated: whether code of the student's must run apart from everything else: for whoever grades it.
    """

    def __init__(self, folder: Path, draw: Draw, *, isolated: bool = False) -> None:
        self.folder = folder
        self.draw = draw
        self.isolated = isolated

    @property
    def apart(self) -> bool:
        """Whether the student's code runs apart: wherever the system allows it, and always where it must."""
        return self.isolated or isolation()

    def has(self, name: str) -> bool:
        """Return whether there is such a file."""
        path = self.folder / name
        return path.is_file() and not path.is_symlink()

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            LabError: it is not there, cannot be read, or is larger than anything an exercise asks for.
        """
        if not self.has(name):
            msg = f"There is no {name}."
            raise LabError(msg)
        largest = _LARGEST.get(name, _LARGEST_FILE)
        try:
            with (self.folder / name).open("rb") as file:
                data = file.read(largest + 1)
        except OSError as error:
            msg = f"{name} cannot be read: {error.strerror}."
            raise LabError(msg) from error
        if len(data) > largest:
            msg = f"{name} is larger than the {largest:,} bytes that are read of it."
            raise LabError(msg)
        return data

    @cached_property
    def answers(self) -> Mapping[str, Any]:
        """What stands in answers.toml, by key.

        Raises:
            LabError: it cannot be read, or is no TOML.
        """
        try:
            return tomllib.loads(self.read(ANSWERS).decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            msg = f"{ANSWERS} is not UTF-8: save it as UTF-8."
            raise LabError(msg) from error
        # a deeply nested one runs into Python's own limit, a number of thousands of digits into that of int()
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            msg = f"{ANSWERS} cannot be understood ({error}): text stands in quotes, numbers do not."
            raise LabError(msg) from error

    @cached_property
    def traffic(self) -> Traffic:
        """What is in the capture, without keys; as far as it goes where it is torn.

        Raises:
            LabError: there is none, or it is too large.
            CaptureError: it is no capture.
        """
        return self.opened(None)

    def opened(self, keys: KeyLog | None, name: str = CAPTURE) -> Traffic:
        """Return what is in a capture, opened as far as `keys` go; keys that it carries itself are not looked at.

        Raises:
            LabError: there is none, or it is too large.
            CaptureError: it is no capture.
        """
        if self.read(name).startswith(_ZIPPED):  # readers open those, too, and a small one may hold any amount
            msg = f"{name} is compressed: hand it in as it was made."
            raise LabError(msg)
        segments: list[Segment] = []
        torn = ""
        try:
            # needs no program, so that it is the same wherever it runs
            segments.extend(read_segments(self.folder / name, "native"))
        except TornCaptureError as error:
            torn = str(error)
        return Traffic(tuple(segments), sessions(reassemble(segments), keys), torn)

    def keylog(self, name: str = KEYLOG) -> KeyLog:
        """Return the secrets of a key log.

        Raises:
            LabError: it is not there, or too large.
            KeyLogError: it is none, or holds none.
        """
        return parse_keylog(self.read(name).decode(errors="replace"), name)
