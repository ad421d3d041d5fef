"""Runs a function beside the notebook, in a thread with an event loop of its own.

A kernel runs its cells inside an event loop, and what wants to run one itself, as pyshark and `asyncio.run` do, says
"This event loop is already running" there.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

T = TypeVar("T")


def aside(function: Callable[[asyncio.AbstractEventLoop], T]) -> T:
    """Return what `function` returns.

    Args:
        function: takes the event loop. What it returns should be plain values: what belongs to the loop is of no use
            after it.

    Raises:
        Whatever `function` raises.
    """

    def work() -> T:
        with closing(asyncio.new_event_loop()) as loop:
            asyncio.set_event_loop(loop)
            try:
                return function(loop)
            finally:
                asyncio.set_event_loop(None)

    with ThreadPoolExecutor(1, "aside") as thread:
        return thread.submit(work).result()
