"""The half of a capture that does not care where packets come from: here they come from the tests."""

import asyncio
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from capture import recorder
from capture.engines.engine import Dissection, Engine
from capture.engines.native import NativeEngine
from capture.engines.tshark import TsharkEngine
from capture.errors import CaptureError
from capture.readers import read_segments
from capture.recorder import Limit, Recorder, write_all
from capture.segment import ACK, PSH, Endpoint
from capture.sources.source import Captured, Counters
from capture.tap import tcp_frame
from tests.capture.talking import run

pytestmark = [pytest.mark.usefixtures("nothing_left")]

CLIENT, SERVER = Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", 45001)
START = 1_700_000_000_123_456_789


def packet(number: int, data: bytes = b"words", time_ns: int | None = None) -> Captured:
    frame = tcp_frame(CLIENT, SERVER, 1000 + number, 1, PSH | ACK, data)
    return START + number if time_ns is None else time_ns, len(frame), frame


def record(
    path: Path, deliveries: list[list[Captured]], engine: Engine | None = None, limit: Limit | None = None
) -> tuple[Recorder, list[Dissection]]:
    """Deliver, end, and return the recorder and what its engine has shown."""

    async def main() -> tuple[Recorder, list[Dissection]]:
        made = Recorder(path, engine, limit, "a comment", "lo")
        try:
            await made.start()
            for packets in deliveries:
                made.deliver(packets)
            await made.finish(Counters(sum(map(len, deliveries)), 3))
            seen = []
            while batch := await made.batch():
                seen += batch
            return made, seen
        finally:
            await made.close()

    return run(main())


def test_the_file_is_what_was_delivered(
    tmp_path: Path, tshark: Callable[..., list[str]], tool: Callable[[str], str]
) -> None:
    path = tmp_path / "a.pcapng"
    deliveries = [[packet(0), packet(1, b"")], [], [packet(2, b"x" * 60_000)]]
    made, seen = record(path, deliveries, NativeEngine())
    assert made.files == (path,)
    assert made.frames == 3
    assert not made.full
    packets = [captured for delivery in deliveries for captured in delivery]
    rows = tshark(
        path, "-Tfields", "-e", "frame.number", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "tcp.payload"
    )
    assert rows == [
        f"{number}\t1700000000.{time_ns % 10**9:09}\t{length}\t{data[54:].hex()}"
        for number, (time_ns, length, data) in enumerate(packets, start=1)
    ]
    assert [dissection.segment for dissection in seen] == list(read_segments(path, "tshark"))
    said = subprocess.run([tool("capinfos"), str(path)], capture_output=True, text=True, check=True, timeout=30).stdout
    assert "a comment" in said
    assert "Name = lo" in said
    assert "Number of stat entries = 1" in said


def test_a_packet_cut_short_keeps_its_length(tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    path = tmp_path / "a.pcapng"
    time_ns, length, data = packet(0, b"x" * 100)
    record(path, [[(time_ns, length, data[:90])]])
    assert tshark(path, "-Tfields", "-e", "frame.len", "-e", "frame.cap_len") == [f"{length}\t90"]


@pytest.mark.parametrize("engine", [NativeEngine, lambda: TsharkEngine([SERVER.port])])
def test_the_clock_set_back(engine: Callable[[], Engine], tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    """What came later stays later, whatever the clock said."""
    path = tmp_path / "a.pcapng"
    times = [START, START - 3_600_000_000_000, START + 5, 0, START - 1]
    packets = [packet(at, b"%d" % at, time_ns) for at, time_ns in enumerate(times)]
    _, seen = record(path, [packets[:2], packets[2:]], engine())
    assert [dissection.data for dissection in seen] == [b"0", b"1", b"2", b"3", b"4"]
    assert [dissection.segment.frame for dissection in seen] == [1, 2, 3, 4, 5]
    assert [dissection.segment.time_ns for dissection in seen] == times
    assert tshark(path, "-Tfields", "-e", "tcp.payload") == [f"{ord(str(at)):x}" for at in range(5)]
    assert [dissection.segment for dissection in seen] == list(read_segments(path, "tshark"))


def test_nothing_captured(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    made, seen = record(path, [], NativeEngine())
    assert (seen, made.frames, path.read_bytes()) == ([], 0, b"")


def test_the_limit_ends_the_capture(tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    path = tmp_path / "a.pcapng"
    deliveries = [[packet(number, b"x" * 500) for number in range(at, at + 4)] for at in range(0, 40, 4)]
    ends = []

    async def main() -> tuple[Recorder, list[Dissection]]:
        made = Recorder(path, NativeEngine(), Limit(6000), "", "lo")
        made.on_end = lambda: ends.append(made.frames)
        await made.start()
        for packets in deliveries:
            made.deliver(packets)
        size = path.stat().st_size
        assert 6000 - 700 < size <= 6000
        await made.finish(Counters(40, 0))
        seen = await made.batch()
        assert await made.batch() == []
        await made.close()
        return made, seen

    made, seen = run(main())
    assert made.full
    assert made.failure is None
    assert ends == [made.frames], "said once"
    assert len(tshark(path)) == len(seen) == made.frames
    assert 4 < made.frames < 40


def test_the_ring_keeps_the_latest(tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    path = tmp_path / "night.pcapng"
    deliveries = [[packet(number, b"%04d" % number * 100) for number in range(at, at + 3)] for at in range(0, 90, 3)]
    made, seen = record(path, deliveries, NativeEngine(), Limit(5000, files=3))
    assert not made.full
    assert len(seen) == 90, "what is seen is not limited"
    assert [dissection.segment.frame for dissection in seen] == list(range(1, 91))
    assert sorted(tmp_path.iterdir()) == sorted(made.files)
    assert len(made.files) == 3
    assert [int(file.stem.partition("-")[2]) for file in made.files] == sorted(
        int(file.stem.partition("-")[2]) for file in made.files
    )
    kept = []
    for file in made.files:
        assert file.stat().st_size <= 5000 + 100, "the counters come on top"
        kept += [int(bytes.fromhex(row)[:4]) for row in tshark(file, "-Tfields", "-e", "tcp.payload")]
    assert kept == list(range(90 - len(kept), 90))


def test_a_packet_larger_than_the_limit_has_a_file_of_its_own(tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    path = tmp_path / "a.pcapng"
    made, _ = record(path, [[packet(number, b"x" * 3000) for number in range(3)]], None, Limit(1000, files=9))
    assert [len(tshark(file)) for file in made.files] == [1, 1, 1]


def test_the_next_file_of_the_ring_is_there_already(tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    path = tmp_path / "a.pcapng"
    precious = tmp_path / "a-00002.pcapng"
    precious.write_bytes(b"precious")

    with pytest.raises(CaptureError, match=r"a-00002\.pcapng cannot be written: File exists"):
        record(path, [[packet(number, b"x" * 600)] for number in range(9)], NativeEngine(), Limit(2000, files=2))
    assert precious.read_bytes() == b"precious"
    assert len(tshark(path)) == 2


@pytest.mark.parametrize("limit", [None, Limit(1 << 20, files=2)])
def test_a_full_disk_leaves_whole_packets(
    limit: Limit | None,
    tmp_path: Path,
    tshark: Callable[..., list[str]],
    small_files: Callable[[int], AbstractContextManager[None]],
) -> None:
    path = tmp_path / "a.pcapng"
    deliveries = [[packet(number, b"x" * 900)] for number in range(20)]
    with (
        small_files(10_000),
        pytest.raises(
            CaptureError,
            match=r"^The capture stopped: .*a\.pcapng cannot be written \(File too large\)\. What .*a\.pcapng\.$",
        ),
    ):
        record(path, deliveries, NativeEngine(), limit)
    # tshark says so, and fails, where a file ends within a packet
    assert 5 < len(tshark(path)) < 11


@pytest.mark.parametrize(("dissections", "size"), [(10, 1 << 20), (1 << 20, 50)])
def test_a_consumer_that_never_looks(
    dissections: int, size: int, tmp_path: Path, tshark: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only so much is held for it, in number and in bytes; the latest. The file has everything."""
    path = tmp_path / "a.pcapng"
    monkeypatch.setattr(recorder, "_UNSEEN", dissections)
    monkeypatch.setattr(recorder, "_UNSEEN_BYTES", size)
    deliveries = [[packet(at + more, b"words") for more in range(4)] for at in range(0, 100, 4)]
    made, seen = record(path, deliveries, NativeEngine())
    # a dissection's data and its segment's payload count both
    held = min(dissections, size // 10)
    assert [dissection.segment.frame for dissection in seen] == list(range(101 - held, 101))
    assert made.unseen == 100 - held
    assert len(tshark(path)) == 100


def test_who_looks_in_time_misses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_UNSEEN", 4)

    async def main() -> tuple[int, int]:
        made = Recorder(tmp_path / "a.pcapng", NativeEngine(), None, "", "lo")
        await made.start()
        seen = 0
        for at in range(0, 40, 4):
            made.deliver([packet(at + more) for more in range(4)])
            seen += len(await made.batch())
        await made.close()
        return seen, made.unseen

    assert run(main()) == (40, 0)


def test_without_an_engine_there_is_nothing_to_see(tmp_path: Path) -> None:
    assert record(tmp_path / "a.pcapng", [[packet(0)]])[1] == []


def test_a_failure_of_the_source_is_raised_after_what_was_seen(tmp_path: Path) -> None:
    async def main() -> None:
        made = Recorder(tmp_path / "a.pcapng", NativeEngine(), None, "", "lo")
        await made.start()
        made.deliver([packet(0)])
        made.fail(CaptureError("first"))
        made.fail(CaptureError("second"))
        made.deliver([packet(1)])
        await made.finish(None)
        assert [dissection.data for dissection in await made.batch()] == [b"words"]
        try:
            with pytest.raises(CaptureError, match="first"):
                await made.batch()
        finally:
            await made.close()

    run(main())
    assert len(list(read_segments(tmp_path / "a.pcapng", "native"))) == 1


def test_who_waits_is_woken_by_the_end(tmp_path: Path) -> None:
    async def main() -> list[Dissection]:
        made = Recorder(tmp_path / "a.pcapng", NativeEngine(), None, "", "lo")
        await made.start()
        waiting = asyncio.create_task(made.batch())
        await asyncio.sleep(0)  # it waits now
        await made.close()
        return await waiting

    assert run(main()) == []


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    path.write_bytes(b"precious")
    with pytest.raises(CaptureError, match=r"a\.pcapng cannot be written: File exists"):
        record(path, [])
    assert path.read_bytes() == b"precious"
    with pytest.raises(CaptureError, match="cannot be written: No such file or directory"):
        record(tmp_path / "nowhere" / "a.pcapng", [])


def test_write_all_writes_all(tmp_path: Path, small_files: Callable[[int], AbstractContextManager[None]]) -> None:
    path = tmp_path / "a"
    # a write that reaches the limit is cut there, and the next one fails (setrlimit(2))
    with path.open("xb", buffering=0) as file, small_files(100):
        write_all(file, b"x" * 60)
        with pytest.raises(OSError, match="too large"):
            write_all(file, b"y" * 60)
    assert path.read_bytes() == b"x" * 60 + b"y" * 40
