"""Runs the part of a scenario that talks over the network, within a time that it has on the slowest machine."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from lab.errors import LabError

V = TypeVar("V")

_TIMEOUT = 90.0  # seconds; the longest takes six, and this is for machines that swap


def run_in_time(talk: Coroutine[Any, Any, V], seconds: float = _TIMEOUT) -> V:
    """Run a coroutine in a loop of its own and return what it returns.

    Raises:
        LabError: it did not end within so many seconds; everything of it is ended then.
    """

    async def watched() -> V:
        async with asyncio.timeout(seconds):
            return await talk

    try:
        return asyncio.run(watched())
    except TimeoutError as error:
        msg = f"The chats did not end within {seconds:g} seconds: run it again when the machine has less to do."
        raise LabError(msg) from error
