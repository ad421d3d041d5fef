"""Reads a capture that is already there, with a key log or without: who said what, and what stays closed."""

from dataclasses import dataclass
from pathlib import Path

from capture.decrypt import open_connection, plaintext_stream
from capture.errors import CaptureError, MalformedError, TornCaptureError
from capture.hello import client_hello
from capture.keylog import read_keylog
from capture.readers import ReaderName, read_segments
from capture.segment import Segment
from capture.streams import ByteStream, reassemble
from capture.tls import RecordLayer, read_records
from lab.overhear import Heard, overhear
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
    streams = {(stream.connection, stream.from_client): stream for stream in reassemble(segments)}
    readable: list[ByteStream] = []
    closed: list[Visible] = []
    for number in dict.fromkeys(number for number, _ in streams):
        ours, theirs = streams[number, True], streams[number, False]
        missing = sum(gap.length for gap in (*ours.gaps, *theirs.gaps))
        if missing:
            problems.append(f"{missing} bytes between {ours.source} and {ours.destination} are not in the capture.")
        client, server = read_records(ours), read_records(theirs)
        if not _begins_with_hello(client):
            readable += [ours, theirs]
        elif keys is None:
            closed.append(look(client, server))
        else:
            try:
                opened, answered = open_connection(client, server, keys)
            except CaptureError as error:
                problems.append(str(error))
                closed.append(look(client, server))
            else:
                readable += [plaintext_stream(ours, opened), plaintext_stream(theirs, answered)]
    return Reading(overhear(readable), tuple(closed), len(segments), tuple(problems))


def _begins_with_hello(layer: RecordLayer) -> bool:
    try:
        return client_hello(layer) is not None
    except MalformedError:
        return False
