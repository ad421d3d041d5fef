"""Reads all there is, and says how long it took and how much memory. Used by the lab's programs and by its peers'."""

import json
import re
import resource
import sys
import time
from collections.abc import Iterable
from pathlib import Path


def peak() -> int:
    """Return the most memory that this process has had, in bytes.

    Linux counts in `ru_maxrss` also what the process had before it became this program; VmHWM (proc(5)) does not.
    """
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    if found:
        return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def count(segments: Iterable[object]) -> None:
    """Read all, keep none, and print how many there were, the seconds and the peak of memory, as JSON on a line."""
    started = time.perf_counter()
    packets = 0
    for _ in segments:
        packets += 1
    seconds = time.perf_counter() - started
    print(json.dumps({"packets": packets, "seconds": seconds, "peak": peak()}), flush=True)  # noqa: T201
