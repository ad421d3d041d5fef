"""Reads a capture that is already there, with a key log or without: who said what, and what stays closed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.errors import KeyLogError, MalformedError, TornCaptureError
from capture.keylog import read_keylog
from capture.readers import ReaderName, read_segments
from capture.secrets import carried_keys
from capture.segment import Segment
from capture.streams import ByteStream, reassemble
from lab.overhear import Heard, overhear, repeated
from lab.sessions import sessions
from lab.visible import Visible, look


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a capture file.

    Attributes:
        heard: the messages, in the order of their capture.
        opened: the numbers of the TLS connections that the key log opened.
        closed: the TLS connections that were not opened, as they look from outside.
        segments: how many TCP segments were read.
        problems: what could not be read, a sentence each; empty where all was.
    """

    heard: tuple[Heard, ...]
    opened: frozenset[int]
    closed: tuple[Visible, ...]
    segments: int
    problems: tuple[str, ...]


def read_capture(path: Path, reader: ReaderName, keylog: Path | None = None) -> Reading:
    """Read the chats in a capture file; a torn one up to its tear.

    Raises:
        CaptureError: the file or the key log cannot be read at all.
    """
    segments: list[Segment] = []
    problems: list[str] = []
    keys = None
    if keylog is not None:
        keys = read_keylog(keylog)
    else:
        try:
            keys = carried_keys(path)
        except (KeyLogError, MalformedError) as error:  # the packets can be read all the same
            problems.append(str(error))
    try:
        segments.extend(read_segments(path, reader))
    except TornCaptureError as torn:
        problems.append(str(torn))
    found = sessions(reassemble(segments), keys)
    heard = listen([stream for session in found for stream in session.readable])
    closed = tuple(look(session.client, session.server) for session in found if session.is_closed)
    problems += [problem for session in found for problem in session.problems]
    opened = frozenset(session.client.stream.connection for session in found if session.opened)
    return Reading(heard, opened, closed, len(segments), tuple(problems))


def listen(readable: Sequence[ByteStream]) -> tuple[Heard, ...]:
    """Return the messages in streams that can be read, each once, in the order of their capture."""
    heard = list(overhear(readable))
    # who came in before the capture began gave no name in it; the server's repeats still have theirs
    heard += _most_complete(repeated(readable), Counter((h.who, h.text) for h in heard))
    heard.sort(key=lambda message: (message.time_ns, message.spans[0].frame))
    return tuple(heard)


def _most_complete(passed_on: Sequence[Heard], known: Counter[tuple[str, str]]) -> list[Heard]:
    """Return of each message that was passed on as many as nobody was heard to say, from the fullest stream of it."""
    copies: dict[tuple[str, str], dict[int, list[Heard]]] = {}  # of each message, by connection
    for message in passed_on:
        by_connection = copies.setdefault((message.who, message.text), {})
        by_connection.setdefault(message.stream.connection, []).append(message)
    missing = []
    for key, by_connection in copies.items():
        missing += max(by_connection.values(), key=len)[known[key] :]
    return missing
