"""What a person reads of the chat: each line from the server as words to show, and the few sentences of the client.

Knows: the protocol and what is safe to show. Must not know: terminals or windows, which only render what this gives
them, so that all of them use the same words. Contract: pure functions; every text in an `Entry` went through `visible`.
"""

import zlib
from dataclasses import dataclass

from chat import protocol
from chat.escape import visible

PROMPT = " > "
ASK_NAME = "Your name: "


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the transcript: who said it (`None` for a notice, from the server or our own) and what."""

    name: str | None
    text: str

    def __str__(self) -> str:
        return self.text if self.name is None else protocol.said(self.name, self.text)


def entry(line: str) -> Entry:
    """Return a line from the server as it is to be shown."""
    said = protocol.parse_said(line)
    return Entry(None, visible(line)) if said is None else Entry(said[0], visible(said[1]))


def own_notice(text: str) -> Entry:
    """Return a sentence of the client itself, marked so that it is not taken for the server's."""
    return Entry(None, f"! {visible(text)}")


def unsent(text: str) -> Entry:
    """Return what tells a person that the words in the input line were not sent, and keeps them on the screen."""
    return own_notice(f"not sent: {text}")


def hue(name: str, hues: int) -> int:
    """Return which of `hues` colours belongs to a name, the same on every screen and in every run."""
    return zlib.crc32(protocol.name_key(name).encode()) % hues
