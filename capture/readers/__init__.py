"""Capture files to Segments, through tshark, our own parser, pyshark or scapy: four ways that give the same answer.

They differ in one thing: what came in IP fragments is put together by the native reader alone. The others leave
fragments out, so that there the stream has a gap. This file knows the names of the readers, and that those which run
tshark know only a whole file.
"""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, cast, get_args

from capture.files import whole_file
from capture.segment import Segment
from capture.tools import find

ReaderName = Literal["tshark", "native", "pyshark", "scapy"]
READERS: tuple[ReaderName, ...] = get_args(ReaderName)
_ANY_FILE = ("native", "scapy")  # zipped, torn or damaged ones too


def best_reader() -> ReaderName:
    """Return the reader that is taken where none was asked for: tshark where it is installed."""
    return "tshark" if find("tshark") else "native"


def read_segments(path: Path, reader: ReaderName = "tshark") -> Iterator[Segment]:
    """Yield the TCP segments of the capture file at `path` in the order of their frames.

    Those that came in fragments come with the last of their fragments, and only from the native reader.

    Raises:
        NotACaptureError: the file is empty or of another kind.
        ToolMissingError: the reader needs a program that is not installed.
        TornCaptureError: the file ends within a packet or is damaged; raised after everything before it has been
            yielded.
        CaptureError: the file cannot be read.
    """
    # Imported only when asked for: scapy and pyshark take longer to import than a capture takes to read.
    module = importlib.import_module(f"capture.readers.{reader}")
    read = cast("Callable[[Path], Iterator[Segment]]", module.read)
    if reader in _ANY_FILE:
        yield from read(path)
        return
    with whole_file(path) as whole:
        yield from read(whole.path)
    if whole.torn is not None:
        raise whole.torn
