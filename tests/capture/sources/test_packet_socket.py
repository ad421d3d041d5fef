"""What only the packet socket has; what all sources have is in tests/capture/test_live.py."""

import asyncio
import socket
import sys
import threading
from collections.abc import Sequence

import pytest

from capture.errors import CaptureError
from capture.sources import packet_socket
from capture.sources.packet_socket import PacketSocket, refusal
from capture.sources.source import Captured, Counters
from tests.capture.talking import echo, run, talk, unexpected

pytestmark = [pytest.mark.usefixtures("nothing_left")]


@pytest.mark.usefixtures("may_capture_natively")
def test_ready_before_start_returns() -> None:
    """Nothing is waited for: the first packet after it is captured."""
    captured: list[Captured] = []

    async def main() -> Counters:
        source = PacketSocket()
        async with echo() as port:
            await source.start([port], 9, captured.extend, unexpected)
            await talk(port, [b"at once"])
            counters = await source.stop()
            await source.close()
        return counters

    counters = run(main())
    frames = [data for _, _, data in captured]
    assert frames[0][47] == 0x02, "the SYN"
    assert sum(frame.endswith(b"at once") for frame in frames) == 2, "sent and sent back, each once"
    assert counters == Counters(len(frames), 0)


@pytest.mark.usefixtures("may_capture_natively")
def test_the_loop_gets_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_socket, "_AT_ONCE", 3)
    deliveries: list[int] = []

    async def main() -> Counters:
        everything = asyncio.Event()

        def deliver(packets: Sequence[Captured]) -> None:
            deliveries.append(len(packets))
            if sum(deliveries) == 10:
                everything.set()

        source = PacketSocket()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("127.0.0.1", 0))
            port = sender.getsockname()[1]
            await source.start([], port, deliver, unexpected)
            for _ in range(10):
                sender.sendto(b"probe", ("127.0.0.1", port))
        await everything.wait()
        counters = await source.stop()
        await source.close()
        return counters

    assert run(main()) == Counters(10, 0)
    assert deliveries == [3, 3, 3, 1]


@pytest.mark.usefixtures("may_capture_natively")
def test_what_the_kernel_had_no_room_for_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_socket, "_BUFFER", 1)  # the kernel takes its least, some kilobytes; socket(7)
    captured: list[Captured] = []
    sent = 200

    async def main() -> Counters:
        source = PacketSocket()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("127.0.0.1", 0))
            port = sender.getsockname()[1]
            await source.start([], port, captured.extend, unexpected)
            for _ in range(sent):
                sender.sendto(b"x" * 500, ("127.0.0.1", port))
        counters = await source.stop()
        await source.close()
        return counters

    counters = run(main())
    assert counters.received == len(captured) > 0
    assert counters.dropped > 0
    assert counters.received + counters.dropped == sent


@pytest.mark.usefixtures("may_capture_natively")
def test_stops_while_others_go_on() -> None:
    captured: list[Captured] = []
    enough = threading.Event()

    def flood(port: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not enough.is_set():
                sender.sendto(b"more", ("127.0.0.1", port))

    async def main() -> Counters:
        source = PacketSocket()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind(("127.0.0.1", 0))
            port = receiver.getsockname()[1]
            many = asyncio.Event()

            def deliver(packets: Sequence[Captured]) -> None:
                captured.extend(packets)
                if len(captured) > 1000:
                    many.set()

            await source.start([], port, deliver, unexpected)
            threads = [threading.Thread(target=flood, args=(port,)) for _ in range(2)]
            for thread in threads:
                thread.start()
            try:
                await many.wait()
                return await source.stop()
            finally:
                enough.set()
                for thread in threads:
                    thread.join()
                await source.close()

    counters = run(main())
    assert counters.received == len(captured) >= 1000


@pytest.mark.usefixtures("may_capture_natively")
def test_an_interface_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_socket, "LOOPBACK", "nowhere")

    captured: list[Captured] = []

    async def main() -> None:
        source = PacketSocket()
        try:
            await source.start([9], 9, captured.extend, unexpected)
        finally:
            await source.close()

    with pytest.raises(CaptureError, match="No such device"):
        run(main())


def test_where_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_PACKET", raising=sys.platform == "linux")
    assert refusal() == "this system has no packet sockets; Linux has."
