"""What exercise 8 draws, and its live run: a chat over TLS 1.3, and a key log with more keys than the capture needs."""

import tempfile
from pathlib import Path
from typing import Literal

from capture.rights import Choice
from chat.wire import Tls, shake_hands
from lab.exercises import cast, live
from lab.exercises.draw import Draw
from lab.exercises.work import KEYLOG

PEOPLE = 4
_MESSAGES = 3  # of each
_OTHERS = (3, 6)  # connections in the key log that are not in the capture


def stream(draw: Draw) -> int:
    """Return which connection is asked about (`tcp.stream`)."""
    return draw.number("stream", 0, PEOPLE - 1)


def side(draw: Draw) -> Literal["CLIENT", "SERVER"]:
    """Return who sends the message that is asked for, as labels of a key log say it."""
    return draw.choice("side", ("CLIENT", "SERVER"))


def which(draw: Draw) -> int:
    """Return which of the messages of that side is asked for, from 1; a server passes on those of all the others."""
    return draw.number("message", 1, _MESSAGES if side(draw) == "CLIENT" else _MESSAGES * (PEOPLE - 1))


def run(draw: Draw, folder: Path, choice: Choice) -> None:
    """Record the chat; the student gets its keys among those of other connections, all in an order that is drawn."""
    steps = cast.conversation(draw, PEOPLE, PEOPLE * _MESSAGES)
    with tempfile.TemporaryDirectory() as private:
        keys = Path(private) / "keys"
        made = live.record_over_tls(draw, folder, choice, steps, keylog=keys)
        for _ in range(draw.number("others", *_OTHERS)):
            # connections of this server's that nobody captures: real keys, and not a byte on the network
            shake_hands(Tls(made.client, server_hostname=cast.host(draw)), Tls(made.server, server_side=True))
        lines = [line for line in keys.read_bytes().splitlines(keepends=True) if not line.startswith(b"#")]
    live.write_private(folder / KEYLOG, b"".join(draw.shuffled("lines", lines)))
