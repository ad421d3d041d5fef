"""The pipe to an engine, whatever its reader does."""

import asyncio
import os
import threading
from collections.abc import Iterator

import pytest

from capture.engines import feed
from capture.engines.feed import Feed
from tests.capture.talking import run

pytestmark = [pytest.mark.usefixtures("nothing_left")]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe; the reading end is closed by the test or here, the other by the feed."""
    reading, writing = os.pipe()
    yield reading, writing
    try:
        os.close(reading)
    except OSError:
        return


PIECES = [bytes([number]) * size for number, size in enumerate((0, 1, 9, 70_000, 3, 1 << 20, 0, 200_000))]


def read_all(reading: int, size: int, into: list[bytes]) -> None:
    while data := os.read(reading, size):
        into.append(data)


@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_everything_in_its_order_to_a_reader_at_its_own_pace(size: int, pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    got: list[bytes] = []

    async def main() -> bool:
        written = Feed(writing)
        for piece in PIECES:
            written.write(piece)  # more than a pipe holds, and nobody reads yet
        thread = threading.Thread(target=read_all, args=(reading, size, got))
        thread.start()
        written.write(b"and more")
        written.end()
        await written.ended()
        await asyncio.to_thread(thread.join)
        return written.behind

    assert run(main()) is False
    assert b"".join(got) == b"".join(PIECES) + b"and more"


def test_a_reader_that_keeps_up_gets_it_at_once(pipe: tuple[int, int]) -> None:
    reading, writing = pipe

    async def main() -> None:
        written = Feed(writing)
        for piece in (b"first", b"second"):
            written.write(piece)
            assert os.read(reading, 99) == piece, "no turn of the loop in between"
        written.end()
        written.end()
        assert os.read(reading, 99) == b""
        written.write(b"after the end")
        await written.ended()

    run(main())


@pytest.mark.parametrize("behind", [False, True])
def test_a_reader_that_has_gone(pipe: tuple[int, int], *, behind: bool) -> None:
    """Before anything was written, or while much of it was waiting."""
    reading, writing = pipe

    async def main() -> bool:
        written = Feed(writing)
        if behind:
            written.write(bytes(1 << 20))
            os.close(reading)
        else:
            os.close(reading)
            written.write(b"x")
        await written.ended()
        written.write(b"more")
        written.end()
        return written.behind

    assert run(main()) is False


def test_a_reader_that_does_not_read(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_MOST", 1 << 20)
    reading, writing = pipe

    async def main() -> bool:
        written = Feed(writing)
        for _ in range(30):
            written.write(bytes(1 << 16))
        await written.ended()
        assert written._size == 0, "what waited is given back"
        return written.behind

    assert run(main())
    got: list[bytes] = []
    read_all(reading, 1 << 20, got)
    assert 0 < sum(map(len, got)) < 1 << 20


def test_closed_with_something_waiting(pipe: tuple[int, int]) -> None:
    reading, writing = pipe

    async def main() -> bool:
        written = Feed(writing)
        written.write(bytes(1 << 20))
        waiting = asyncio.create_task(written.ended())
        await asyncio.sleep(0)
        waiting.cancel()  # who waits may leave; the feed goes on
        with pytest.raises(asyncio.CancelledError):
            await waiting
        written.close()
        written.close()
        await written.ended()
        return written.behind

    assert run(main()) is False
    got: list[bytes] = []
    read_all(reading, 1 << 20, got)
    assert 0 < sum(map(len, got)) < 1 << 20
