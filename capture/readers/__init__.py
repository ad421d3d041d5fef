"""Capture files to Segments, through tshark, pyshark or scapy: three ways that give the same answer.

This file knows the names of the readers and what a torn file means for all of them; a reader knows only a whole file.
"""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, cast, get_args

from capture.errors import TornCaptureError
from capture.files import whole_file
from capture.segment import Segment

ReaderName = Literal["tshark", "pyshark", "scapy"]
READERS: tuple[ReaderName, ...] = get_args(ReaderName)


def read_segments(path: Path, reader: ReaderName = "tshark") -> Iterator[Segment]:
    """Yield the TCP segments of the capture file at `path` in the order of their frames.

    Raises:
        NotACaptureError: the file is empty or of another kind.
        ToolMissingError: the reader needs a program that is not installed.
        TornCaptureError: the file ends within a packet; raised after everything before it has been yielded.
        CaptureError: the file cannot be read.
    """
    # Imported only when asked for: scapy and pyshark take longer to import than a capture takes to read.
    module = importlib.import_module(f"capture.readers.{reader}")
    read = cast("Callable[[Path], Iterator[Segment]]", module.read)
    with whole_file(path) as whole:
        yield from read(whole.path)
    if whole.torn_at is not None:
        msg = f"{path} is torn: it ends within a packet at byte {whole.torn_at}; everything before that was read."
        raise TornCaptureError(msg, whole.torn_at)
