"""What is held back for its keys, and how long; the packets and the key logs are recordings."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.engines import keys
from capture.engines.keys import KeyGate
from tests.capture.engines.feeding import as_blocks, packets_of
from tests.capture.talking import run

Tshark = Callable[..., list[str]]


class Passed:
    """What a gate has passed on, and an event for each time that it did."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []
        self.news = asyncio.Event()

    def write(self, block: bytes) -> None:
        self.blocks.append(block)
        self.news.set()

    async def until(self, number: int) -> None:
        while len(self.blocks) < number:
            self.news.clear()
            await self.news.wait()


class Recording:
    """A recorded TLS connection.

    Attributes:
        port: of the server.
        hello: packets before the first ServerHello, which tshark finds.
    """

    def __init__(self, path: Path, tshark: Tshark) -> None:
        rows = tshark(path, "-Y", "tls.handshake.type == 2", "-Tfields", "-e", "frame.number", "-e", "tcp.srcport")
        self.packets = packets_of(path)
        self.hello, self.port = int(rows[0].split("\t")[0]) - 1, int(rows[0].split("\t")[1])
        self.keys = path.with_name(path.stem + ".keys.txt").read_bytes()

    def offer(self, gate: KeyGate) -> None:
        for number, packet in enumerate(self.packets, start=1):
            gate.take(number, [packet], as_blocks([packet]))

    @property
    def blocks(self) -> list[bytes]:
        return [as_blocks([packet]) for packet in self.packets]


@pytest.fixture(params=["tls12", "tls12-resumed", "tls13", "tls13-retry", "tls13-resumed"])
def recording(request: pytest.FixtureRequest, data: Path, tshark: Tshark) -> Recording:
    return Recording(data / f"{request.param}.pcapng", tshark)


@pytest.fixture
def tls13(data: Path, tshark: Tshark) -> Recording:
    return Recording(data / "tls13.pcapng", tshark)


def test_with_the_keys_there_nothing_waits(recording: Recording, tmp_path: Path) -> None:
    async def main() -> None:
        passed = Passed()
        log = tmp_path / "keys"
        log.write_bytes(recording.keys)
        gate = KeyGate(log, [recording.port], passed.write)
        for number, packet in enumerate(recording.packets, start=1):
            gate.take(number, [packet], as_blocks([packet]))
            assert len(passed.blocks) == number
        await gate.finish()
        gate.close()
        assert passed.blocks == recording.blocks

    run(main())


@pytest.mark.parametrize("exists", [False, True])
def test_from_the_server_hello_on_it_waits(recording: Recording, tmp_path: Path, *, exists: bool) -> None:
    async def main() -> None:
        passed = Passed()
        log = tmp_path / "keys"
        if exists:
            log.touch()
        gate = KeyGate(log, [recording.port], passed.write)
        recording.offer(gate)
        assert passed.blocks == recording.blocks[: recording.hello]
        log.write_bytes(recording.keys)
        await gate.finish()
        gate.close()
        assert passed.blocks == recording.blocks

    run(main())


def test_all_at_once_is_the_same(recording: Recording, tmp_path: Path) -> None:
    async def main() -> None:
        passed = Passed()
        log = tmp_path / "keys"
        gate = KeyGate(log, [recording.port], passed.write)
        gate.take(1, recording.packets, as_blocks(recording.packets))
        assert passed.blocks == recording.blocks[: recording.hello]
        log.write_bytes(recording.keys)
        await gate.finish()
        gate.close()
        assert passed.blocks == recording.blocks

    run(main())


def test_a_line_that_is_not_whole_is_no_key(tls13: Recording, tmp_path: Path) -> None:
    looks = asyncio.Event()

    class Looking(KeyGate):
        def _known(self, random: bytes) -> bool:
            looks.set()
            return super()._known(random)

    async def main() -> None:
        passed = Passed()
        log = tmp_path / "keys"
        gate = Looking(log, [tls13.port], passed.write)
        tls13.offer(gate)
        lines = tls13.keys.rstrip(b"\n")
        for end in (20, 200, len(lines) - 1, len(lines)):
            log.write_bytes(lines[:end])
            looks.clear()
            await looks.wait()
            assert len(passed.blocks) == tls13.hello
        log.write_bytes(lines + b"\n")
        await gate.finish()
        gate.close()
        assert passed.blocks == tls13.blocks

    run(main())


@pytest.mark.parametrize("missing", keys._LABELS)
def test_tls_13_needs_all_four(missing: bytes, tls13: Recording, tmp_path: Path) -> None:
    """tshark, which looks once, would else open one direction or the handshake only."""

    async def main() -> None:
        passed = Passed()
        log = tmp_path / "keys"
        lines = tls13.keys.splitlines(keepends=True)
        log.write_bytes(b"".join(line for line in lines if not line.startswith(missing)))
        gate = KeyGate(log, [tls13.port], passed.write)
        tls13.offer(gate)
        assert len(passed.blocks) == tls13.hello
        gate.close()

    run(main())


def test_keys_that_never_come(tls13: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several connections wait at the same time, not one after the other."""
    monkeypatch.setattr(keys, "_WAIT", 0.3)

    async def main() -> float:
        passed = Passed()
        loop = asyncio.get_running_loop()
        gate = KeyGate(tmp_path / "keys", [tls13.port], passed.write)
        began = loop.time()
        for _ in range(20):
            tls13.offer(gate)
        assert len(passed.blocks) == tls13.hello
        await gate.finish()
        took = loop.time() - began
        gate.close()
        assert passed.blocks == tls13.blocks * 20
        return took

    assert 0.3 <= run(main()) < 20 * 0.3


def test_the_keys_of_another_connection_do_not_help(tls13: Recording, data: Path) -> None:
    async def main() -> None:
        passed = Passed()
        gate = KeyGate(data / "tls12.keys.txt", [tls13.port], passed.write)
        tls13.offer(gate)
        assert len(passed.blocks) == tls13.hello
        gate.close()
        await gate.finish()
        assert len(passed.blocks) == tls13.hello, "closed: nothing more comes"

    run(main())


def test_other_ports_do_not_wait(tls13: Recording, tmp_path: Path) -> None:
    async def main() -> None:
        passed = Passed()
        gate = KeyGate(tmp_path / "keys", [tls13.port + 1], passed.write)
        tls13.offer(gate)
        assert passed.blocks == tls13.blocks

    run(main())


def test_connections_are_forgotten_in_time(tls13: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_MOST_CONNECTIONS", 0)

    async def main() -> None:
        gate = KeyGate(tmp_path / "keys", [tls13.port], Passed().write)
        tls13.offer(gate)
        tls13.offer(gate)
        assert len(gate._randoms) == 1
        gate.close()

    run(main())
