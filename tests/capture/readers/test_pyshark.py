import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyshark.ek_field_mapping import MAPPING

from capture.errors import CaptureError, ToolMissingError
from capture.readers import pyshark as reader
from capture.readers import tshark
from capture.readers.pyshark import read, read_live


def child(name: str) -> int:
    """The process id of the child of this process that runs `name`."""
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                    return int(pid)
    raise AssertionError(name)


@pytest.fixture
def large(data: Path, tmp_path: Path) -> Path:
    """A capture that takes longer to read than to kill what reads it."""
    content = (data / "reordered.pcap").read_bytes()
    path = tmp_path / "large.pcap"
    path.write_bytes(content + content[24:] * 1000)
    return path


@pytest.mark.usefixtures("nothing_left")
def test_live_gives_segments_while_the_capture_goes_on(data: Path, tool: Callable[[str], str]) -> None:
    tool("tshark")
    expected = list(tshark.read(data / "plain.pcapng"))
    content = (data / "plain.pcapng").read_bytes()
    reading, writing = os.pipe()
    first_read = threading.Event()

    def feed() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            pipe.write(content[:700])
            # the rest only when something has been read of the first part
            assert first_read.wait(60)
            for at in range(700, len(content), 100):
                pipe.write(content[at : at + 100])

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        segments = []
        for segment in read_live(reading):
            segments.append(segment)
            first_read.set()
    finally:
        first_read.set()
        feeder.join()
    assert segments == expected
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reading)


@pytest.mark.usefixtures("nothing_left")
def test_live_on_what_is_no_capture(tool: Callable[[str], str]) -> None:
    tool("tshark")
    reading, writing = os.pipe()
    os.write(writing, b"GET / HTTP/1.0\r\n\r\n" * 9)
    os.close(writing)
    with pytest.raises(CaptureError, match="tshark, run by pyshark, could not read the live capture: "):
        list(read_live(reading))


@pytest.mark.usefixtures("nothing_left", "no_tools")
def test_without_tshark(data: Path) -> None:
    with pytest.raises(ToolMissingError, match="tshark is not installed"):
        next(read(data / "plain.pcapng"))
    reading, writing = os.pipe()
    with pytest.raises(ToolMissingError, match="tshark is not installed"):
        next(read_live(reading))
    os.close(writing)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reading)


@pytest.mark.usefixtures("nothing_left")
def test_tshark_killed_while_it_reads(large: Path, tool: Callable[[str], str]) -> None:
    tool("tshark")
    source = read(large)
    assert next(source).frame == 1
    os.kill(child("tshark"), signal.SIGKILL)
    with pytest.raises(CaptureError, match="ended with status -9"):
        list(source)


@pytest.mark.usefixtures("nothing_left")
def test_an_error_in_the_thread_reaches_the_consumer(
    large: Path, monkeypatch: pytest.MonkeyPatch, tool: Callable[[str], str]
) -> None:
    tool("tshark")

    def fail(_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(reader, "_segment", fail)
    with pytest.raises(ZeroDivisionError):
        list(read(large))


def test_field_types_that_were_half_written_are_asked_for_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Callable[[str], str]
) -> None:
    tool("tshark")
    monkeypatch.setattr(reader, "get_cache_dir", lambda _: tmp_path)
    monkeypatch.setattr(MAPPING, "_protocol_to_mapping", {})
    cache = tmp_path / "ek_field_mapping.json"
    cache.write_text('{"frame": {"prop')
    assert len(list(read(data / "plain.pcapng"))) == 18
    assert "tcp" in json.loads(cache.read_text())
