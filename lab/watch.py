"""Shows a live capture on the terminal, a line for each segment that carries something, until it is stopped.

What is shown was captured from others: it passes `visible`. A slow terminal holds up neither the capture nor its file.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from rich.console import Console
from rich.text import Text

from capture import decode
from capture.engines.engine import Dissection
from capture.live import Capture
from chat.escape import visible

_HEX = 12  # bytes shown of what is no text


def line(seen: Dissection) -> str | None:
    """Return what is shown of a segment, None where it carries nothing."""
    segment = seen.segment
    if not segment.payload:
        return None
    first = segment.offset
    where = f"frame {segment.frame}, bytes {first}-{first + len(segment.payload) - 1}"
    return f"{where}  {segment.source} > {segment.destination}  {seen.protocol}  {_words(seen)}"


def _words(seen: Dissection) -> str:
    data = seen.data
    if not data:  # TLS that is not opened: what it says of itself, or a part of a record
        return visible(seen.info) or f"{len(seen.segment.payload)} bytes"
    if decode.valid_utf8(data) == len(data):
        return visible(data.decode().rstrip("\r\n"))
    return f"{data[:_HEX].hex(':')}{':…' if len(data) > _HEX else ''} ({len(data)} bytes)"


class PipedConsole(Console):
    """A console whose output may go through a pipe that ends: it says so with an error, and does not exit."""

    def on_broken_pipe(self) -> None:
        """Keep Python from writing to the pipe again at its end.

        Raises:
            BrokenPipeError: always.
        """
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
        raise BrokenPipeError


async def watch(opened: AbstractAsyncContextManager[Capture], console: Console) -> Capture:
    """Show a capture until Ctrl-C, or until it ends by itself; return it.

    Raises:
        CaptureError: as `open_capture` does; what was captured is in the file.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        async with opened as capture:
            ready = f"Ready: every packet from now on is saved in {capture.path}. Ctrl-C ends it."
            console.print(Text(visible(ready)), soft_wrap=True)
            shown = asyncio.create_task(_show(capture, console))
            stopping = asyncio.create_task(stopped.wait())
            await asyncio.wait({shown, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            await capture.stop()
            await shown
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return capture


async def _show(capture: Capture, console: Console) -> None:
    while seen := await capture.batch():
        # in a thread: a terminal that is held with Ctrl-S must not hold the loop that captures
        try:
            await asyncio.to_thread(print_batch, seen, console)
        except BrokenPipeError:
            return  # nobody sees it: the capture ends as well


def print_batch(seen: Sequence[Dissection], console: Console) -> None:
    """Print a line for each segment that carries something."""
    lines = [text for dissection in seen if (text := line(dissection)) is not None]
    if lines:
        console.print(Text("\n".join(lines)), soft_wrap=True)
