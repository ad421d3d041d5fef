"""Reads a capture that is already there, with a key log or without: who said what, and what stays closed."""

from dataclasses import dataclass
from pathlib import Path

from capture.errors import TornCaptureError
from capture.keylog import read_keylog
from capture.readers import ReaderName, read_segments
from capture.segment import Segment
from capture.streams import reassemble
from lab.overhear import Heard, overhear
from lab.sessions import sessions
from lab.visible import Visible, look


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a capture file.

    Attributes:
        heard: the messages, in the order of their capture.
        closed: the TLS connections that were not opened, as they look from outside.
        segments: how many TCP segments were read.
        problems: what could not be read, a sentence each; empty where all was.
    """

    heard: tuple[Heard, ...]
    closed: tuple[Visible, ...]
    segments: int
    problems: tuple[str, ...]


def read_capture(path: Path, reader: ReaderName, keylog: Path | None = None) -> Reading:
    """Read the chats in a capture file; a torn one up to its tear.

    Raises:
        CaptureError: the file or the key log cannot be read at all.
    """
    keys = read_keylog(keylog) if keylog is not None else None
    segments: list[Segment] = []
    problems: list[str] = []
    try:
        segments.extend(read_segments(path, reader))
    except TornCaptureError as torn:
        problems.append(str(torn))
    found = sessions(reassemble(segments), keys)
    heard = overhear([stream for session in found for stream in session.readable])
    closed = tuple(look(session.client, session.server) for session in found if not session.readable)
    problems += [problem for session in found for problem in session.problems]
    return Reading(heard, closed, len(segments), tuple(problems))
