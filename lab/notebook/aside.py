"""Runs a coroutine beside the notebook, in a thread with an event loop of its own.

A kernel runs its cells inside an event loop, and what wants to run one itself, as pyshark and `asyncio.run` do, says
"This event loop is already running" there.
"""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def aside(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns: plain values, as what belongs to its loop is of no use after it.

    Raises:
        Whatever the coroutine raises.
    """
    with ThreadPoolExecutor(1, "aside") as thread:
        return thread.submit(asyncio.run, work).result()
