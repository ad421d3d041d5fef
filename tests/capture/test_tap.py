import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import CaptureError, NotACaptureError
from capture.readers import read_segments
from capture.segment import ACK, PSH, Endpoint
from capture.streams import reassemble
from capture.tap import COMMENT, Tap, checksum, open_tap, tcp_frame
from tests.capture.talking import echo, run, talk

pytestmark = [pytest.mark.usefixtures("nothing_left")]


def test_what_passes_is_written_and_wireshark_finds_no_fault(tmp_path: Path, tshark: Callable[..., list[str]]) -> None:
    path = tmp_path / "tap.pcapng"
    messages = [b"short\n", b"x" * 5000, bytes(range(256)) * 400, b"", b"bye\n"]

    async def main() -> tuple[int, Tap]:
        async with echo() as real, open_tap(path) as tap:
            shown = await tap.listen(0, real)
            await asyncio.gather(talk(shown, messages), talk(shown, messages[::-1]))
        return shown, tap

    shown, tap = run(main())
    checks = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    # 0x600000 is a warning (PI_WARN in Wireshark's epan/proto.h), and an error is more
    faults = "_ws.malformed or _ws.expert.severity >= 0x600000 or tcp.analysis.flags"
    assert tshark(path, *checks, "-Y", faults) == []
    good = tshark(path, *checks, "-Y", "tcp.checksum.status == good and ip.checksum.status == good")
    assert tap.counters is not None
    assert len(good) == tap.counters.received > 100
    assert tap.counters.dropped == 0
    streams = reassemble(read_segments(path))
    assert len(streams) == 4
    assert sorted(stream.data for stream in streams) == sorted(
        [b"".join(messages)] * 2 + [b"".join(messages[::-1])] * 2
    )
    assert all(stream.gaps == () for stream in streams)
    assert {stream.destination for stream in streams if stream.from_client} == {Endpoint("127.0.0.1", shown)}


def test_the_file_says_what_it_is(tmp_path: Path, tool: Callable[[str], str]) -> None:
    path = tmp_path / "tap.pcapng"

    async def main() -> None:
        async with echo() as real, open_tap(path) as tap:
            await talk(await tap.listen(0, real), [b"x"])

    run(main())
    done = subprocess.run([tool("capinfos"), "-k", str(path)], capture_output=True, text=True, timeout=30, check=True)
    assert COMMENT in done.stdout


def test_the_server_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "tap.pcapng"
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = free.getsockname()[1]

    async def main() -> None:
        async with open_tap(path) as tap:
            shown = await tap.listen(0, nobody)
            reader, writer = await asyncio.open_connection("127.0.0.1", shown)
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    run(main())
    with pytest.raises(NotACaptureError, match="nothing was captured into it"):
        list(read_segments(path, "scapy"))


def test_a_port_in_use(tmp_path: Path) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            async with open_tap(tmp_path / "tap.pcapng") as tap:
                await tap.listen(taken.getsockname()[1], 9)

    with pytest.raises(CaptureError, match=r"Port \d+ cannot be used: .*choose another port"):
        run(main())


def test_a_client_that_resets(tmp_path: Path) -> None:
    path = tmp_path / "tap.pcapng"

    async def main() -> None:
        async with echo() as real, open_tap(path) as tap:
            shown = await tap.listen(0, real)
            client = socket.create_connection(("127.0.0.1", shown))
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(client, b"words")
            assert await loop.sock_recv(client, 99) == b"words"
            # SO_LINGER on, for 0 seconds: close() sends a RST (socket(7))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
            await talk(shown, [b"others go on"])

    run(main())
    assert [stream.data for stream in reassemble(read_segments(path))] == [b"words"] * 2 + [b"others go on"] * 2


def test_cancelled_and_failed_inside(tmp_path: Path) -> None:
    path = tmp_path / "tap.pcapng"
    connected = asyncio.Event()

    async def work() -> None:
        async with echo() as real, open_tap(path) as tap:
            shown = await tap.listen(0, real)
            reader, writer = await asyncio.open_connection("127.0.0.1", shown)
            try:
                writer.write(b"before")
                assert await reader.readexactly(6) == b"before"
                connected.set()
                await asyncio.Event().wait()
            finally:
                writer.close()

    async def main() -> None:
        task = asyncio.create_task(work())
        await connected.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    assert [stream.data for stream in reassemble(read_segments(path))] == [b"before", b"before"]


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "tap.pcapng"
    path.write_bytes(b"precious")

    async def main(where: Path) -> None:
        async with open_tap(where):
            raise AssertionError

    with pytest.raises(CaptureError, match="cannot be written: File exists"):
        run(main(path))
    assert path.read_bytes() == b"precious"
    with pytest.raises(CaptureError, match="cannot be written: No such file"):
        run(main(tmp_path / "nowhere" / "tap.pcapng"))


def test_a_full_disk_does_not_end_the_talk(
    tmp_path: Path, small_files: Callable[[int], AbstractContextManager[None]]
) -> None:
    path = tmp_path / "tap.pcapng"

    async def main() -> None:
        async with echo() as real, open_tap(path) as tap:
            await talk(await tap.listen(0, real), [b"some words to say\n"] * 50)

    with small_files(1000), pytest.raises(CaptureError, match=r"File too large.* What was captured before that"):
        run(main())
    assert 900 < path.stat().st_size <= 1000
    assert len(list(read_segments(path, "scapy"))) > 3, "it ends with a whole packet"


def test_checksum_of_rfc_1071() -> None:
    # RFC 1071, section 3: the sum of this example is ddf2
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2
    assert checksum(b"") == 0xFFFF
    assert checksum(b"\x01") == checksum(b"\x01\x00")


@given(st.binary(max_size=99))
def test_a_checksum_checks(data: bytes) -> None:
    padded = data + bytes(len(data) % 2)
    assert checksum(padded + checksum(padded).to_bytes(2, "big")) == 0


def test_numbers_wrap() -> None:
    ends = Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2)
    assert tcp_frame(*ends, 2**32 + 5, 2**32, PSH | ACK, b"x") == tcp_frame(*ends, 5, 0, PSH | ACK, b"x")
