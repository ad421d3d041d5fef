import asyncio
import sys

import pytest

from chat import loop


def test_the_fastest_there_is() -> None:
    uvloop = pytest.importorskip("uvloop")
    assert loop.factory() is uvloop.new_event_loop

    async def main() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    used = loop.run(main())
    assert isinstance(used, uvloop.Loop)
    assert used.is_closed()


def test_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop.factory() is None

    async def main() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    used = loop.run(main())
    assert isinstance(used, asyncio.BaseEventLoop)
    assert used.is_closed()


def test_an_error_comes_out() -> None:
    async def main() -> None:
        raise LookupError("as it is")

    with pytest.raises(LookupError, match="as it is"):
        loop.run(main())
