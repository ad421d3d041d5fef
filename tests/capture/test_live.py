"""Live captures on the loopback interface: nothing of them is mocked but the disk that is full."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from capture import live
from capture.errors import CaptureError, ToolMissingError
from capture.live import Counters, capture_live
from capture.readers import read_segments
from capture.streams import reassemble
from tests.capture.talking import echo, run, talk

pytestmark = [pytest.mark.usefixtures("nothing_left")]


def dumpcaps() -> list[int]:
    """The process ids of the children of this process that run dumpcap."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == "dumpcap":
                    found.append(int(pid))
    return found


@pytest.mark.usefixtures("may_capture")
def test_nothing_is_lost_between_ready_and_end(tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    async def main() -> None:
        async with echo() as port:
            for number in range(5):
                messages = [f"round {number}, message {at}\n".encode() * (at % 40 + 1) for at in range(300)]
                path = tmp_path / f"{number}.pcapng"
                async with capture_live(path, [port]) as capture:
                    await talk(port, messages)
                assert capture.counters is not None
                assert capture.counters.dropped == 0
                assert len(tshark(path)) == capture.counters.received
                up, down = reassemble(read_segments(path))
                assert up.data == down.data == b"".join(messages)
                assert up.gaps == down.gaps == ()

    run(main())
    assert dumpcaps() == []


@pytest.mark.usefixtures("may_capture")
def test_only_the_ports_asked_for_and_its_own_probes(tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    path = tmp_path / "capture.pcapng"

    async def main() -> tuple[int, int]:
        async with echo() as wanted, echo() as also, echo() as other:
            async with capture_live(path, [wanted, also]):
                await talk(other, [b"not for the lab"])
                await talk(wanted, [b"for the lab"])
                await talk(also, [b"this too"])
            return wanted, also

    ports = run(main())
    assert {segment.payload for segment in read_segments(path)} == {b"", b"for the lab", b"this too"}
    others = tshark(path, "-Y", f"not tcp.port in {{{ports[0]}, {ports[1]}}}", "-Tfields", "-e", "udp.payload")
    assert others
    assert all(bytes.fromhex(payload).startswith(b"traffic lab probe: ") for payload in others)


@pytest.mark.usefixtures("may_capture")
def test_the_pipe_gets_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"
    reading, writing = os.pipe()
    got: list[bytes] = []

    def read() -> None:
        with os.fdopen(reading, "rb") as pipe:
            got.append(pipe.read())

    async def main() -> None:
        async with echo() as port, capture_live(path, [port], tee=writing):
            await talk(port, [b"x" * 30_000] * 20)

    reader = threading.Thread(target=read)
    reader.start()
    run(main())
    reader.join()
    assert got == [path.read_bytes()]


@pytest.mark.usefixtures("may_capture")
def test_a_reader_that_goes_away_does_not_end_the_capture(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"
    reading, writing = os.pipe()
    os.close(reading)

    async def main() -> None:
        async with echo() as port, capture_live(path, [port], tee=writing):
            await talk(port, [b"still captured"])

    run(main())
    assert b"still captured" in [segment.payload for segment in read_segments(path)]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writing)


@pytest.mark.usefixtures("may_capture")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV"])
def test_dumpcap_killed(name: str, tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"

    async def main() -> None:
        async with echo() as port, capture_live(path, [port]) as capture:
            await talk(port, [b"before"])
            # dumpcap hands on what it has four times a second: wait for the words to be in the file
            while b"before" not in path.read_bytes():
                await asyncio.wait({capture._pump}, timeout=0.01)
            (pid,) = dumpcaps()
            os.kill(pid, getattr(signal, name))

    with pytest.raises(CaptureError, match=rf"dumpcap was stopped by {name}\. .*is in .*capture\.pcapng"):
        run(main())
    assert b"before" in [segment.payload for segment in read_segments(path)]


@pytest.mark.usefixtures("may_capture")
def test_dumpcap_stopped_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_PROBE_TIMEOUT", 0.5)
    monkeypatch.setattr(live, "_STOP_TIMEOUT", 0.5)

    async def main() -> None:
        async with capture_live(tmp_path / "capture.pcapng", [9]):
            (pid,) = dumpcaps()
            os.kill(pid, signal.SIGSTOP)

    with pytest.raises(CaptureError, match="saw none of its own probes"):
        run(main())
    assert dumpcaps() == []


@pytest.mark.usefixtures("may_capture")
def test_an_exception_inside_the_block_ends_dumpcap_and_keeps_the_file(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcapng"

    async def main() -> None:
        async with echo() as port, capture_live(path, [port]):
            await talk(port, [b"before"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(main())
    assert dumpcaps() == []
    assert list(read_segments(path)), "what dumpcap still had is saved"


@pytest.mark.usefixtures("may_capture")
@pytest.mark.parametrize("where", ["inside", "at the end"])
def test_cancelled(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "capture.pcapng"

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        async with echo() as port, capture_live(path, [port]) as capture:
            await talk(port, [b"before"])
            if where == "inside":
                task.cancel()
                await asyncio.Event().wait()
            # or while it waits for dumpcap to end after the last probe
            send = capture._signal

            def stop(number: signal.Signals) -> None:
                send(number)
                if number is signal.SIGINT:
                    task.cancel()

            monkeypatch.setattr(capture, "_signal", stop)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert dumpcaps() == []
    assert b"before" in [segment.payload for segment in read_segments(path)]


@pytest.mark.usefixtures("may_capture")
def test_no_room_for_more(tmp_path: Path, small_files: Callable[[int], AbstractContextManager[None]]) -> None:
    path = tmp_path / "capture.pcapng"

    async def main() -> None:
        async with echo() as port, capture_live(path, [port]):
            await talk(port, [b"x" * 10_000] * 20)

    said = r"cannot be written \(File too large\). What was captured before that is in it"
    with small_files(40_000), pytest.raises(CaptureError, match=said):
        run(main())
    assert path.stat().st_size == 40_000


@pytest.mark.usefixtures("may_capture")
def test_two_captures_at_once(tmp_path: Path) -> None:
    async def main() -> tuple[Counters | None, Counters | None]:
        async with echo() as port:
            first, second = (capture_live(tmp_path / name, [port]) for name in ("first", "second"))
            async with first as one, second as two:
                await talk(port, [b"heard twice"])
            return one.counters, two.counters

    one, two = run(main())
    assert one is not None
    assert two is not None
    assert one.dropped == two.dropped == 0
    payloads = [[s.payload for s in read_segments(tmp_path / name)] for name in ("first", "second")]
    assert payloads[0] == payloads[1] != []


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path, tool: Callable[[str], str]) -> None:
    tool("dumpcap")
    path = tmp_path / "capture.pcapng"
    path.write_bytes(b"precious")
    reading, writing = os.pipe()

    async def main(where: Path, tee: int | None) -> None:
        async with capture_live(where, [9], tee=tee):
            raise AssertionError

    with pytest.raises(CaptureError, match="cannot be written: File exists"):
        run(main(path, writing))
    assert path.read_bytes() == b"precious"
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"", "the pipe is closed whatever the end"
    with pytest.raises(CaptureError, match="cannot be written: No such file"):
        run(main(tmp_path / "nowhere" / "capture.pcapng", None))
    assert dumpcaps() == []


@pytest.mark.usefixtures("no_tools")
def test_without_dumpcap(tmp_path: Path) -> None:
    async def main() -> None:
        async with capture_live(tmp_path / "capture.pcapng", [9]):
            raise AssertionError

    with pytest.raises(ToolMissingError, match="dumpcap is not installed"):
        run(main())
    assert list(tmp_path.glob("*.pcapng")) == []


def test_dumpcaps_reason_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Callable[[str], str]) -> None:
    tool("dumpcap")
    monkeypatch.setattr(live, "LOOPBACK", "nowhere")

    async def main() -> None:
        async with capture_live(tmp_path / "capture.pcapng", [9]):
            raise AssertionError

    with pytest.raises(CaptureError, match=r"dumpcap cannot capture: .*nowhere"):
        run(main())


def test_the_counters_dumpcap_prints() -> None:
    line = "Packets received/dropped on interface 'Loopback: lo': 24/3 (pcap:3/dumpcap:0/flushed:0/ps_ifdrop:0) (88.9%)"
    found = live._COUNTERS.search(line)
    assert found is not None
    assert found.groups() == ("24", "3")
