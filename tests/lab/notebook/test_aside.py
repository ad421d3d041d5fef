import asyncio
import threading

import pytest

from lab.notebook.aside import aside


async def whoami() -> tuple[int, asyncio.AbstractEventLoop]:
    return threading.get_ident(), asyncio.get_running_loop()


def test_where_a_loop_is_running_already() -> None:
    """As in a kernel, where a library that runs a loop itself fails."""

    async def cell() -> None:
        mine = await whoami()
        with pytest.raises(RuntimeError, match="running event loop"):
            asyncio.run(asyncio.sleep(0))
        thread, loop = aside(whoami())
        assert thread != mine[0]
        assert loop is not mine[1]
        assert loop.is_closed()

    with pytest.warns(RuntimeWarning, match="never awaited"):
        asyncio.run(cell())


def test_an_error_comes_back_and_no_thread_stays() -> None:
    async def wrong() -> int:
        return 1 // 0

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        aside(wrong())
    assert threading.active_count() == before
