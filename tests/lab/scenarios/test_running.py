import asyncio

import pytest

from lab.errors import LabError
from lab.scenarios.running import run_in_time


def test_what_ends_in_time_returns() -> None:
    async def answer() -> int:
        return 42

    assert run_in_time(answer()) == 42


def test_what_does_not_end_is_ended() -> None:
    ended = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(LabError, match=r"did not end within 0\.1 seconds"):
        run_in_time(wait(), 0.1)
    assert ended == [True]


def test_mistakes_stay_what_they_are() -> None:
    async def stumble() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_in_time(stumble())
