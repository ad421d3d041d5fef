"""Takes values out of the packets of a pyshark capture, from inside a notebook.

pyshark drives tshark from an asyncio event loop, and a notebook runs one already: "This event loop is already running".
So pyshark works in a thread with a loop of its own, and values come out of the thread, never packets. Must not import
pyshark, which is the reader's own: it is handed a capture.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from capture.readers.pyshark import end as end_tshark  # pyshark 0.6 sometimes calls an end a crash
from capture.readers.tshark import last_words
from lab.notebook.aside import aside
from lab.notebook.errors import CellError

T = TypeVar("T")


def from_each(make: Callable[[asyncio.AbstractEventLoop], Any], take: Callable[[Any], T]) -> list[T]:
    """Return what `take` makes of each packet.

    Args:
        make: takes an event loop and returns a capture of pyshark's that was given it, `eventloop=loop`.
        take: takes a packet of pyshark's and returns plain values.

    Raises:
        CellError: tshark did not understand the display filter, or could not read the file.
        AttributeError: `take` asks for a field that a packet does not have.
    """

    async def read() -> list[T]:
        capture = make(asyncio.get_running_loop())
        taken: list[T] = []
        try:
            await capture.packets_from_tshark(lambda packet: taken.append(take(packet)), close_tshark=False)
        finally:
            status = await end_tshark(capture)
        if status:
            msg = f"tshark, run by pyshark, gave up: {last_words(capture._last_error_line or '', status)}."
            raise CellError(msg)
        return taken

    return aside(read())
