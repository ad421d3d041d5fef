"""The event loop: uvloop's where it is installed, asyncio's own otherwise. The same code runs on both."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes an event loop, None for asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415  (an extra, and only a server is worth the time that its import takes)
    except ImportError:
        return None
    return uvloop.new_event_loop


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, as `asyncio.run` does, on the fastest loop there is."""
    with asyncio.Runner(loop_factory=factory()) as runner:
        return runner.run(main)
