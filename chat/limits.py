"""What one server puts up with, and why so much. Knows numbers only."""

from dataclasses import dataclass
from typing import Final

from chat.lines import MAX_LINE


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server puts up with.

    Attributes:
        max_line: bytes in one line from a client, its end not counted.
        max_clients: people at a time: a large class, and far below the usual 1024 descriptors.
        per_address: connections at a time from one address: half of the house, so that one machine cannot keep all
            others out.
        max_pending: connections that have not said their name yet. One more takes the place of the oldest, so that no
            number of silent connections keeps a person out for longer than that person needs to type.
        max_rooms: rooms at a time; an empty one ends by itself.
        rate: lines a second from one client, on average; 0 for no limit. Faster than anybody types or reads. A client
            that sends more is read more slowly, and loses nothing. Bytes without an end cost as much as lines: twice
            the longest line is one.
        burst: lines from one client at once: a pasted page.
        history: lines that somebody who comes in later still reads: a screen.
        max_backlog: bytes a client may leave unread on top of what the kernel holds for it, before it is dropped.
        stall_timeout: seconds that a client which reads too slowly has to catch up, before it is dropped.
        handshake_timeout: seconds for the TLS handshake, which takes milliseconds.
        nickname_timeout: seconds to say a name, for a person who types it into nc.
        idle_timeout: seconds without a line from a client, 0 for no limit: two lessons in a row, so that a forgotten
            window does not hold its name until the next day.
        close_timeout: seconds to wait for a client's end of a goodbye before its connection is cut.
    """

    max_line: int = MAX_LINE
    max_clients: int = 100
    per_address: int = 50
    max_pending: int = 50
    max_rooms: int = 50
    rate: float = 20.0
    burst: int = 100
    history: int = 20
    max_backlog: int = 1024 * 1024
    stall_timeout: float = 10.0
    handshake_timeout: float = 5.0
    nickname_timeout: float = 120.0
    idle_timeout: float = 2 * 3600.0
    close_timeout: float = 2.0


DEFAULT: Final = Limits()
