"""The dissecting engine on recorded packets; tshark on the whole file is the oracle."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.engines import feed, tshark
from capture.engines.engine import Dissection
from capture.engines.tshark import TsharkEngine, dissection
from capture.errors import CaptureError, KeyLogError, ToolMissingError
from capture.readers import read_segments
from capture.readers.tshark import PREFERENCES
from capture.segment import ACK, PSH, Endpoint
from capture.tap import tcp_frame
from tests.capture.engines.feeding import HEADER, as_blocks, packets_of, show
from tests.capture.talking import run, unexpected

pytestmark = [pytest.mark.usefixtures("nothing_left")]

Tshark = Callable[..., list[str]]


@pytest.fixture(autouse=True)
def needs_tshark(tool: Callable[[str], str]) -> None:
    tool("tshark")


def said(port: int, *payloads: bytes) -> list[tuple[int, int, bytes]]:
    client, server = Endpoint("127.0.0.1", 40000), Endpoint("127.0.0.1", port)
    frames = []
    seq = 1
    for payload in payloads:
        frames.append(tcp_frame(client, server, seq, 1, PSH | ACK, payload))
        seq += len(payload)
    return [(1_700_000_000_000_000_000 + number, len(frame), frame) for number, frame in enumerate(frames)]


@pytest.mark.parametrize("name", ["tls12-cbc", "tls12-resumed", "tls13", "tls13-retry", "tls13-key-update"])
def test_opens_what_tshark_opens(name: str, data: Path, tshark: Tshark) -> None:
    path, keylog = data / f"{name}.pcapng", data / f"{name}.keys.txt"
    (first, *_) = tshark(path, "-Y", "tls.handshake.type == 2", "-Tfields", "-e", "tcp.srcport")
    rows = tshark(
        *(path, "-o", f"tls.keylog_file:{keylog}", "-d", f"tcp.port=={first},tls", "-d", f"tls.port=={first},data"),
        *("-Y", "tcp", "-Tfields", "-e", "frame.number", "-e", "data.data", "-e", "_ws.col.Protocol"),
    )
    seen, failures = run(show(TsharkEngine([], [int(first)], keylog), packets_of(path)))
    assert failures == []
    assert [f"{one.segment.frame}\t{one.data.hex()}\t{one.protocol}" for one in seen] == [
        row.replace(",", "") for row in rows
    ]
    assert any(one.data == b"anna\n" for one in seen)


def test_without_keys_nothing_is_open(data: Path, tshark: Tshark) -> None:
    path = data / "tls13.pcapng"
    (first, *_) = tshark(path, "-Y", "tls.handshake.type == 2", "-Tfields", "-e", "tcp.srcport")
    seen, failures = run(show(TsharkEngine([], [int(first)]), packets_of(path)))
    assert failures == []
    assert {one.data for one in seen} == {b""}
    assert {one.protocol for one in seen} == {"TCP", "TLSv1", "TLSv1.3"}
    assert any("Application Data" in one.info for one in seen)
    assert [one.segment for one in seen] == list(read_segments(path, "tshark"))


@pytest.mark.parametrize("port", [6000, 80, 443, 45001])
def test_plaintext_is_plaintext_on_every_port(port: int) -> None:
    """tshark by itself takes port 6000 for X11."""
    payloads = [b"l\0\x0b\0\0\0\0\0\0\0\0\0", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\0\x05hello", b"hola\n"]
    seen, failures = run(show(TsharkEngine([port]), said(port, *payloads)))
    assert failures == []
    assert [one.data for one in seen] == payloads
    assert {one.protocol for one in seen} <= {"TCP", "DATA"}


def test_text_that_looks_like_output() -> None:
    payloads = [b"\t\t\n\n", b",,,,", b"\0" * 9, b"\xff\xfe\r\n", '";\t¿qué?\n'.encode(), bytes(range(256))]
    seen, failures = run(show(TsharkEngine([45001]), said(45001, *payloads)))
    assert failures == []
    assert [one.data for one in seen] == [one.segment.payload for one in seen] == payloads


@pytest.mark.parametrize("line", ["", "\t", "a\tb\tc", "\t" * 21, "\t" * 22, "\t" * 23])
def test_lines_about_no_segment(line: str) -> None:
    assert dissection(line) is None


async def disturbed(
    engine: TsharkEngine, disturb: Callable[[TsharkEngine], None]
) -> tuple[list[Dissection], list[CaptureError]]:
    """Show a packet, wait until it is seen, disturb, and show more."""
    seen: list[Dissection] = []
    failures: list[CaptureError] = []
    first = asyncio.Event()

    def emit(some: object) -> None:
        seen.extend(some)  # type: ignore[arg-type]
        first.set()

    packets = said(45001, b"before", *[b"after" * 10] * 500)
    try:
        await engine.start(HEADER, emit, failures.append)
        engine.take(1, packets[:1], as_blocks(packets[:1]))
        await first.wait()
        disturb(engine)
        for number, packet in enumerate(packets[1:], start=2):
            engine.take(number, [packet], as_blocks([packet]))
        await engine.finish()
    finally:
        await engine.close()
    return seen, failures


def send(number: signal.Signals) -> Callable[[TsharkEngine], None]:
    def to(engine: TsharkEngine) -> None:
        assert engine._process is not None
        os.kill(engine._process.pid, number)

    return to


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_killed(number: signal.Signals) -> None:
    seen, failures = run(disturbed(TsharkEngine([45001]), send(number)))
    assert seen[0].data == b"before"
    assert [str(one) for one in failures] == [f"tshark no longer shows the capture: it was stopped by {number.name}."]


def test_stopped_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tshark, "_PATIENCE", 0.4)
    seen, failures = run(disturbed(TsharkEngine([45001]), send(signal.SIGSTOP)))
    assert [one.data for one in seen] == [b"before"]
    assert [str(one) for one in failures] == ["tshark no longer shows the capture: it stood still for 0.4 seconds."]


def test_fell_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_MOST", 1000)

    def stop(engine: TsharkEngine) -> None:
        send(signal.SIGSTOP)(engine)
        engine.take(2, [], bytes(1 << 20))
        send(signal.SIGCONT)(engine)

    seen, failures = run(disturbed(TsharkEngine([45001]), stop))
    assert seen[0].data == b"before"
    assert [str(one) for one in failures] == ["tshark no longer shows the capture: it fell too far behind."]


def test_closed_while_it_shows(data: Path) -> None:
    packets = packets_of(data / "plain.pcapng") * 500
    seen: list[Dissection] = []

    async def main() -> None:
        engine = TsharkEngine([9])
        await engine.start(HEADER, seen.extend, unexpected)
        engine.take(1, packets, as_blocks(packets))
        await engine.close()

    run(main())


def test_its_own_words_when_it_will_not(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PREFERENCES, "no.such.preference", "1")
    _, failures = run(show(TsharkEngine([9]), packets_of(data / "plain.pcapng")))
    (failure,) = failures
    assert str(failure).startswith("tshark no longer shows the capture: ")
    assert "no.such.preference" in str(failure)


def test_a_key_log_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(KeyLogError, match=r"^The key log .* cannot be read: Is a directory\.$"):
        run(show(TsharkEngine([], [9], tmp_path), []))


@pytest.mark.usefixtures("no_tools")
def test_not_installed() -> None:
    with pytest.raises(ToolMissingError, match=r"^tshark is not installed: run `make doctor`"):
        run(show(TsharkEngine([9]), []))
