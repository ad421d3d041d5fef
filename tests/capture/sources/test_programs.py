"""tcpdump and dumpcap as they are on this machine, and what becomes of them."""

import asyncio
import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from capture.errors import CaptureError, ToolMissingError
from capture.sources import programs
from capture.sources.programs import DUMPCAP, TCPDUMP, Program, ProgramSource, ask, program_refusal
from capture.sources.source import Captured, Counters
from tests.capture.talking import run


@pytest.mark.parametrize(
    ("program", "said", "dropped"),
    [
        (TCPDUMP, "12 packets captured\n24 packets received by filter\n7 packets dropped by kernel\n", "7"),
        (TCPDUMP, "1 packet dropped by kernel\n", "1"),
        (
            DUMPCAP,
            "Packets received/dropped on interface 'Loopback: lo': 24/3 (pcap:3/dumpcap:0/flushed:0/ps_ifdrop:0) (88%)",
            "3",
        ),
    ],
)
def test_the_counters_they_print(program: Program, said: str, dropped: str) -> None:
    found = program.counters.search(said)
    assert found is not None
    assert found.groups() == (dropped,)


def captured_by(program: Program) -> tuple[list[Captured], Counters]:
    """Start it; wait until it fails, or has delivered something that ends with "stop", and stop it."""
    captured: list[Captured] = []
    failures: list[CaptureError] = []

    async def main() -> Counters:
        source = ProgramSource(program)
        news = asyncio.Event()

        def deliver(packets: Sequence[Captured]) -> None:
            captured.extend(packets)
            if packets[-1][2].endswith(b"stop"):
                news.set()

        def fail(error: CaptureError) -> None:
            failures.append(error)
            news.set()

        try:
            await source.start([45001], 9, deliver, fail)
            await news.wait()
            if not failures:
                return await source.stop()
        finally:
            await source.close()
        (failure,) = failures
        raise failure

    return captured, run(main())


PACKETS: list[Captured] = [(1_700_000_000_123_456_789, 60, b"x" * 60), (5_000, 0, b""), (7_000_000_000, 99, b"cut")]


def pcap() -> bytes:
    """PACKETS as a pcap stream (draft-ietf-opsawg-pcap, sections 4 and 5)."""
    out = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65600, 1)
    for time_ns, length, data in PACKETS:
        out += struct.pack("<IIII", time_ns // 10**9, time_ns % 10**9, len(data), length) + data
    return out


@pytest.fixture
def pretender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a shell script in tcpdump's place; it finds PACKETS, and a last one that says "stop", in files."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "packets").write_bytes(pcap())
    (tmp_path / "last").write_bytes(struct.pack("<IIII", 0, 0, 4, 4) + b"stop")

    def pretend(script: str) -> None:
        (folder / "tcpdump").write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
        (folder / "tcpdump").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    return pretend


COUNTERS_LINE = "echo 3 packets dropped by kernel >&2"
faults = pytest.mark.usefixtures("nothing_left")


@faults
@pytest.mark.usefixtures("no_tools")
@pytest.mark.parametrize("program", [TCPDUMP, DUMPCAP])
def test_not_installed(program: Program) -> None:
    with pytest.raises(ToolMissingError, match=f"^{program.name} is not installed: run `make doctor`"):
        captured_by(program)


@faults
def test_what_it_still_had_at_the_end_is_delivered(pretender: Callable[[str], None]) -> None:
    pretender(f"trap 'cat last; {COUNTERS_LINE}; exit' INT; cat packets last; while :; do sleep 0.01; done")
    captured, counters = captured_by(TCPDUMP)
    assert captured == [*PACKETS, (0, 4, b"stop"), (0, 4, b"stop")]
    assert counters == Counters(5, 3)


@faults
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo rubbish that is no capture; exec sleep 60", r"writes no pcap \(it began with 72 75 62 62\)"),
        ("exec cat /dev/zero", r"writes no pcap \(it began with 00 00 00 00\)"),
        ("echo 'tcpdump: lo: not for you' >&2; exit 1", "^tcpdump cannot capture: lo: not for you$"),
        ("echo 'dear me' >&2; exit 1", "^tcpdump cannot capture: dear me$"),
        ("echo 'tcpdump: listening on lo' >&2; exit 4", r"^tcpdump cannot capture: it ended with status 4\.$"),
        (
            "echo 'tcpdump: listening on lo\\n0 packets captured\\ndear me' >&2; exit 4",
            "^tcpdump cannot capture: dear me$",
        ),
        ("exit 3", r"^tcpdump cannot capture: it ended with status 3\.$"),
        ("cat packets; exec >&-; exec sleep 60", "^tcpdump cannot capture: it ended with status -15"),
        ("head -c 50 packets; exit 1", r"^tcpdump cannot capture: it ended with status 1\.$"),
        ("kill -KILL $$", r"^The capture ended too early: tcpdump was stopped by SIGKILL\.$"),
    ],
)
def test_programs_that_do_otherwise(script: str, said: str, pretender: Callable[[str], None]) -> None:
    pretender(script)
    with pytest.raises(CaptureError, match=said):
        captured_by(TCPDUMP)


@faults
def test_no_counters(pretender: Callable[[str], None]) -> None:
    pretender("trap exit INT; cat packets last; while :; do sleep 0.01; done")
    with pytest.raises(CaptureError, match=r"^tcpdump ended without saying whether it dropped packets\.$"):
        captured_by(TCPDUMP)


@faults
def test_it_does_not_stop(pretender: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_STOP_TIMEOUT", 0.2)
    pretender("trap '' INT TERM; cat packets last; exec sleep 60")  # what is ignored stays ignored, execve(2)
    with pytest.raises(CaptureError, match=r"^tcpdump did not stop within 0 seconds"):
        captured_by(TCPDUMP)


def test_refusals(pretender: Callable[[str], None]) -> None:
    pretender('[ "$*" = "-i lo -L" ] || exit 9; printf "\\n  not for you  \\nat all" >&2; exit 1')
    assert program_refusal("tcpdump") == "not for you"
    pretender("exit 0")
    assert program_refusal("tcpdump") is None
    pretender("exit 5")
    assert program_refusal("tcpdump") == "it ended with status 5."


def test_there_but_not_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "find", lambda name, mode=os.X_OK: None if mode & os.X_OK else f"/usr/bin/{name}")
    assert program_refusal("dumpcap") == "/usr/bin/dumpcap is there, but your user may not run it."


def test_what_gives_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask([str(tmp_path / "nowhere")]) == f"[Errno 2] No such file or directory: '{tmp_path / 'nowhere'}'"
    monkeypatch.setattr(programs, "_ASK_TIMEOUT", 0.1)
    assert "timed out" in str(ask(["sleep", "60"]))
